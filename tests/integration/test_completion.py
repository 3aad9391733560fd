"""What TAB offers after `make`, in the real shells: bash's function, zsh's completion system, fish's own question."""

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

from scripts.registry import schema
from scripts.registry.instance import Instance

TOP = Path(__file__).resolve().parents[2]
MAKEFILE = (TOP / "Makefile").read_text(encoding="utf-8")
COMPLETION = TOP / "conf" / "completion"
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "xterm"}


@pytest.fixture
def trim(tmp_path: Path) -> Path:
    """A folder of TRIM with two sites, and archives in a place of its own."""
    top = tmp_path / "my trim"
    for name in ("conf", "instances.d"):
        (top / name).mkdir(parents=True)
    for name in ("Makefile", "conf/old-words.txt", "instances.d/README.md"):
        (top / name).write_bytes((TOP / name).read_bytes())
    for name in ("blog", "wiki"):
        (top / "instances.d" / f"{name}.env").write_text("WEB_ROOT=/srv\n")
    (top / "var" / "crons").mkdir(parents=True)
    (top / "var" / "crons" / "backup-all.json").touch()
    (top / "conf" / "settings.env").write_text("ARCHIVES_DIR='my archives'\n")
    (top / "my archives" / "blog").mkdir(parents=True)
    for ending in ("tar.bz2", "tar.bz2.sha256", "tar.bz2.partial"):
        (top / "my archives" / "blog" / f"blog_2026-01-01_00-00-00.{ending}").touch()
    return top


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another project with a Makefile."""
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "Makefile").write_text("all:\ninstall:\n")
    return folder


def ran(*words: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(words, cwd=cwd, env={**ENVIRONMENT, "HOME": str(cwd), **environment}, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


BASH = r"""
source "$1/trim.bash"; COMP_LINE=$2; COMP_POINT=${#COMP_LINE}
# As readline splits the line: = and : are words of their own.
read -ra COMP_WORDS < <(sed 's/[=:]/ & /g' <<<"$COMP_LINE"); [[ $COMP_LINE != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_trim_make make "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"""


def in_bash(line: str, cwd: Path, before: str = "") -> list[str]:
    """Return what bash replaces the end of the line with, from its last = on."""
    return ran("bash", "--norc", "-c", before + BASH, "bash", str(COMPLETION), line, cwd=cwd).split("\n")[:-1]


def in_zsh(line: str, cwd: Path, before: str = "") -> list[str]:
    """Return the words that zsh's completion system is given for a line; before completed make until now."""
    script = """
autoload -Uz compinit && compinit -u -d "$HOME/dump"
_mine() { print mine }; [[ $3 != mine ]] || compdef _mine make
source "$1/trim.zsh"
[[ $_comps[make] == _trim_make ]] || print -u2 "not registered: $_comps[make]"
compadd() { print -l -- "${@[${@[(i)--]}+1,-1]}" }
compset() { return 0 }   # both belong to a running completion
_files() { print files }
words=(${(z)2}); [[ $2 == *' ' ]] && words+=('')
CURRENT=$#words PREFIX=$words[-1]
_trim_make"""
    said = ran("zsh", "-f", "-c", script, "zsh", str(COMPLETION), line, before, cwd=cwd)
    return [one for one in said.split("\n") if one]


def in_fish(line: str, cwd: Path) -> list[str]:
    """Return what fish answers when it is asked what may end the line."""
    script = f"source '{COMPLETION}/trim.fish'; complete -C '{line}'"
    said = ran("fish", "-c", script, cwd=cwd)
    return [one.split("\t")[0] for one in said.split("\n") if one]


def verbs() -> list[str]:
    return re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("ask", [in_bash, in_zsh, in_fish])
def test_every_verb_of_the_makefile_is_offered(trim, ask):
    assert set(verbs()) <= set(ask("make ", trim))


@pytest.mark.parametrize(("line", "whole_words"), [
    ("make mainten", ["maintenance"]), ("make viewd", ["viewdb"]),
    ("make archives INST", ["INSTANCE="]), ("make list INST", ["INSTANCE="]), ("make backup INSTANCE=blog INST", []),
    ("make backup INSTANCE=b", ["INSTANCE=blog"]), ("make backup INSTANCE=blog,w", ["INSTANCE=blog,wiki"]),
    ("make prove JOBS=2 INSTANCE=", ["INSTANCE=blog", "INSTANCE=wiki", "INSTANCE=all"]),
    ("make restore INSTANCE=wiki FROM=b", ["FROM=blog"]),
    ("make cron VERB=backu", ["VERB=backup"]), ("make cron-remove ID=", ["ID=backup-all"]),
    ("make restore INSTANCE=blog ARCHIVE=", ["ARCHIVE=latest", "ARCHIVE=blog_2026-01-01_00-00-00.tar.bz2"]),
    ("make restore INSTANCE=wiki FROM=blog ARCHIVE=b", ["ARCHIVE=blog_2026-01-01_00-00-00.tar.bz2"]),
    ("make -s maintenance INSTANCE=blog STATE=", ["STATE=on", "STATE=off"]),
    ("make instance ACCESS=", ["ACCESS=local", "ACCESS=ssh"]), ("make backup DRY=", ["DRY=1"]),
    ("make restore UNVERIFIED=y", ["UNVERIFIED=yes"]), ("make completion FOR=f", ["FOR=fish"]),
])
def test_the_shells_offer_what_may_follow(trim, line, whole_words):
    tails = [word.split("=", 1)[1] if "=" in line.split(" ")[-1] else word for word in whole_words]
    assert in_bash(line, trim) == tails
    assert sorted(in_zsh(line, trim)) == sorted(whole_words or [])
    offered = in_fish(line, trim)
    assert set(offered) >= set(whole_words)
    assert not whole_words or not [one for one in offered if one.split("=")[0] == whole_words[0].split("=")[0]
                                   and one not in whole_words and "=" in one]


def test_where_a_folder_is_wanted_the_shell_s_own_names_are_offered(trim):
    assert in_bash("make adopt FROM=", trim) == []   # bash then goes on to its default: file names
    assert in_zsh("make adopt FROM=", trim) == ["files"]


@pytest.mark.parametrize("given", ["-C 'my trim'", "-sC 'my trim'"])
def test_zsh_knows_another_folder_s_verbs(trim, given):
    assert in_zsh(f"make {given} mainten", trim.parent) == ["maintenance"]


@pytest.mark.parametrize("given", ["-C {}", "-sC {}", "--directory={}", "-C{}", "-s -C {} V=1"])
def test_make_with_a_folder_completes_what_is_known_there(trim, tmp_path, other, given):
    short = tmp_path / "t"
    short.symlink_to(trim)
    line = f"make {given.format(short)} backup INSTANCE=b"
    assert in_bash(line, other) == ["blog"]
    assert in_zsh(line, other) == ["INSTANCE=blog"]
    assert "INSTANCE=blog" in in_fish(line, other)


def test_a_folder_below_home_is_found(trim, other):
    (other / "t").symlink_to(trim)
    assert in_bash("make -C ~/t mainten", other) == ["maintenance"]


# Other projects

def test_bash_completes_other_projects_as_before(other):
    kept = "_mine() { COMPREPLY=(mine); }; complete -F _mine make;"
    assert in_bash("make ins", other, kept) == ["mine"]


def test_bash_lets_bash_completion_load_its_own_for_other_projects(other):
    loader = "_completion_loader() { _lazy() { COMPREPLY=(lazy); }; complete -F _lazy make; };"
    assert in_bash("make ins", other, loader) == ["lazy"]
    assert in_bash("make ins", other) == []


def test_zsh_completes_other_projects_as_before(other):
    assert in_zsh("make ins", other, "mine") == ["mine"]


def test_fish_completes_other_projects_as_before(other):
    assert "install" in in_fish("make ins", other)


@pytest.mark.parametrize("line", ["make ", "make backup "])
def test_other_projects_get_none_of_our_words(other, line):
    offered = in_bash(line, other) + in_fish(line, other)
    assert not {"backup", "INSTANCE=", "prove"} & set(offered)


def test_a_folder_that_only_looks_like_trim_has_nothing_of_its_own_run(trim, tmp_path):
    (trim / "conf" / "completion").mkdir()
    evil = trim / "conf" / "completion" / "candidates.sh"
    evil.write_text(f"touch '{tmp_path}/ran'\n")
    (trim / "instances.d" / "$(touch ran).env").touch()
    text = (trim / "Makefile").read_text()
    (trim / "Makefile").write_text(text + f"\nX := $(shell touch '{tmp_path}/ran')\n")
    assert "backup" in in_bash("make back", trim)
    assert "blog" in in_bash("make backup INSTANCE=", trim)
    assert not list(tmp_path.rglob("ran"))


@pytest.mark.parametrize("line", ["make ba/e INSTANCE=", "make $(x) ", "make a;b V", "make backup ../x=", "make '"])
def test_odd_words_are_answered_with_nothing(trim, line):
    assert in_bash(line, trim) == []


# All of it, and quick

TYPED = re.compile(rb"up.+INST.*ANCE=wi.*ki[ \x08]+STA", re.DOTALL)   # with a terminal's own backspaces between

@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_real_shells_accept_their_files(shell):
    ran(shell, "-n", str(COMPLETION / f"trim.{shell}"), cwd=TOP)


@pytest.mark.parametrize("verb", [verb for verb in verbs() if f"call trim,{verb}," in MAKEFILE])
def test_the_variables_of_each_rule_are_offered(verb):
    said = ran("sh", str(COMPLETION / "candidates.sh"), str(TOP), verb, "", cwd=TOP).split()
    named = dict(re.findall(r"^(?:override )?([A-Z_]+) :=(.*)$", MAKEFILE.replace("\\\n", " "), re.MULTILINE))
    rule = re.search(rf"\$\(call trim,{verb},(.*)\)$", MAKEFILE, re.MULTILINE)[1]
    expected = re.sub(r"\$\(([A-Z_]+)\)", lambda found: named[found[1]], f"{rule} $(COMMON)").split()
    assert said == [f"{name}=" for name in expected]


@pytest.mark.parametrize("key", [key for key, field in schema.keys(Instance).items() if field.metadata.get("choices")])
def test_the_choices_of_a_key_are_offered(key):
    said = ran("sh", str(COMPLETION / "candidates.sh"), str(TOP), "instance", f"{key}=", cwd=TOP).split()
    assert said == [f"{key}={choice}" for choice in schema.keys(Instance)[key].metadata["choices"] if choice]


def test_no_python_is_started(trim, tmp_path):
    for name in ("python3", "python", "make"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\n")
        (tmp_path / name).chmod(0o755)
    ran("sh", str(COMPLETION / "candidates.sh"), str(trim), "backup", "INSTANCE=", cwd=trim,
        PATH=f"{tmp_path}:{ENVIRONMENT['PATH']}")
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(("shell", "start"), [
    (["bash", "--norc", "--noprofile", "-i"], ""),
    (["zsh", "-f", "-i"], "unsetopt zle_bracketed_paste; autoload -Uz compinit && compinit -u -d $HOME/dump;")])
def test_tab_works_in_a_shell_that_somebody_types_into(trim, shell, start):
    pid, terminal = pty.fork()
    seen = b""
    if pid == 0:
        os.chdir(trim)
        os.execvpe(shell[0], shell, {**ENVIRONMENT, "TERM": "dumb", "HOME": str(trim), "PS1": "> "})
    try:
        os.write(terminal, f"{start} source {COMPLETION}/trim.{shell[0]}; echo rea''dy\n".encode())
        while b"ready" not in seen:
            seen += os.read(terminal, 4096)
        os.write(terminal, b"make back\tINST\twi\tSTA")
        deadline = time.monotonic() + 20
        while not TYPED.search(seen) and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 4096)
        assert TYPED.search(seen), seen
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)
