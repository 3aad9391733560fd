"""What concerns make as such: variables, switches, the environment, help, and the dialogue at a terminal."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.terminal import Terminal
from tests.make.house import House, clean_environment

VERBS = ("instance", "blank", "instances", "doctor", "maintenance", "backup", "archives", "prove", "restore")
MAKEFILE = Path(__file__).parents[2] / "Makefile"
FAILED = 2  # make's own exit code, whatever the verb's was


def registry(house: House) -> Path:
    return house.toolkit.top / "instances.d"


@pytest.fixture(autouse=True)
def _registry(house: House, tmp_path: Path) -> Iterator[None]:
    """Give the next test the registry that this one found."""
    shutil.copytree(registry(house), tmp_path / "kept")
    yield
    for path in registry(house).glob("*.env"):
        path.unlink()
    shutil.copytree(tmp_path / "kept", registry(house), dirs_exist_ok=True)


def at_terminal(house: House, *words: str) -> Terminal:
    return Terminal(["make", "-sC", str(house.toolkit.top), *words], clean_environment(TERM="dumb"))


# Help


def test_help_shows_every_verb_in_a_group_and_the_switches_of_all(house):
    said = house.toolkit.make("help").stdout
    groups = re.findall(r"^\S.*$", said, re.MULTILINE)
    assert {"Sites", "Archives", "This toolkit"} < set(groups)
    assert set(re.findall(r"^  ([a-z-]+) ", said, re.MULTILINE)) >= {*VERBS, "list", "setup", "demo", "test", "help"}
    assert all(f"{name}=1" in said.partition("\nEvery verb: ")[2] for name in ("DRY", "V", "JSON", "UNATTENDED"))


def test_help_names_every_variable_that_a_verb_takes():
    text = MAKEFILE.read_text()
    for key, words in re.findall(r"^([A-Z_]+) := (.*)$", text, re.MULTILINE):
        # Those of an env file are too many: its own page names them.
        text = text.replace(f"$({key})", "" if key == "INSTANCE_KEYS" else words)
    rules = re.findall(r"^([a-z-]+):.*## (.*)\n\t\$\(call trim,[a-z-]+,(.*)\)$", text, re.MULTILINE)
    lacking = {verb: {word for word in takes.split() if not re.search(rf"\b{word}\b", said)} - {"JOBS"}
               for verb, said, takes in rules}
    assert len(rules) > 80 and not any(lacking.values()), {verb: words for verb, words in lacking.items() if words}
    assert "JOBS=" in text.partition("Every verb: ")[2]


def test_make_alone_is_help_and_a_word_that_is_no_verb_is_refused(house):
    assert house.toolkit.make().stdout == house.toolkit.make("help").stdout
    done = house.toolkit.make("bakup", "INSTANCE=blog")
    assert done.returncode == FAILED and "bakup" in done.stderr


# Variables


@pytest.mark.parametrize("value", ["$(shell touch {mark})", "`touch {mark}`", "$$(touch {mark})", "$(touch {mark})",
                                   "\"; touch {mark}; \"", "'; touch {mark}; '", "x\ntouch {mark}", "--dry=1"])
def test_a_value_is_text_whatever_is_in_it(house, tmp_path, value):
    value = value.format(mark=tmp_path / "mark")
    done = house.toolkit.make("archives", f"INSTANCE={value}")
    assert done.returncode == FAILED and "is no instance name" in done.stderr
    assert repr(value) in done.stderr or value.replace("\n", " ") in done.stderr
    done = house.toolkit.make("archives", "INSTANCE=blog", f"STRANGE={value}")
    assert done.returncode == FAILED and "STRANGE= is not a variable of make archives" in done.stderr
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("reason", ["it's \"half\" done", "$HOME and $(pwd) and ${x}", "-- 100 % # no comment", "a\\b"])
def test_a_value_arrives_as_it_was_typed(house, reason):
    assert house.toolkit.make("maintenance", "INSTANCE=wiki", "STATE=on", f"REASON={reason}").returncode == 0
    told = house.toolkit.make("doctor", "INSTANCE=wiki", "JSON=1").stdout
    assert house.toolkit.make("maintenance", "INSTANCE=wiki", "STATE=off").returncode == 0
    assert any(reason in one["problem"] for one in json.loads(told)), told


@pytest.mark.parametrize(("given", "nearest"), [("INSTNACE=blog", "INSTANCE"), ("KEPP=7", "KEEP"), ("JSN=1", "JSON"),
                                                ("instance=blog", "INSTANCE")])
def test_an_unknown_variable_is_refused_with_the_nearest_name(house, given, nearest):
    done = house.toolkit.make("backup", given)
    (line, _) = done.stderr.splitlines()
    assert done.returncode == FAILED and f"(did you mean {nearest}?). It takes: COMPRESS, CRON, DRY, EXCLUDE" in line


@pytest.mark.parametrize("name", ["SHELL", ".SHELLFLAGS", "PATH", "HOME", "TRIM_ARG_INSTANCE", "GIVEN", "TOP", "VENV",
                                  "COMMON", "trim"])
def test_no_variable_of_make_s_own_makes_a_verb_do_nothing_and_call_it_success(house, name):
    done = house.toolkit.make("backup", "INSTANCE=blog", f"{name}=/usr/bin/true")
    assert done.returncode == FAILED and f"{name}= is not a variable of make backup" in done.stderr


def test_what_stands_in_the_environment_does_not_act(house):
    ambient = {"NAME": "x", "TO": "blog", "FROM": "blog", "INSTANCE": "blog", "DRY": "1", "JSON": "1", "V": "1",
               "CONFIRM": "blog", "UNATTENDED": "1", "TRIM_ARG_INSTANCE": "blog", "STATE": "on", "MAIL": "x"}
    done = house.toolkit.make("instances", environment=ambient)
    assert done.returncode == 0 and done.stdout.startswith("NAME ") and "\nwiki " in done.stdout
    for verb in ("backup", "restore", "prove", "maintenance"):
        done = house.toolkit.make(verb, environment=ambient)
        assert done.returncode == FAILED and ("INSTANCE= is missing" in done.stderr or "STATE=:" in done.stderr)


@pytest.mark.parametrize(("verb", "switch"), list(zip(VERBS, ["DRY=maybe", "V=2", "UNATTENDED=ja"] * 3)))
def test_a_switch_is_one_of_six_words(house, verb, switch):
    done = house.toolkit.make(verb, switch)
    assert done.returncode == FAILED
    assert done.stderr.startswith(f"{verb}: {switch}: expected 1, yes, on, or 0, no, off\n"), done.stderr


@pytest.mark.parametrize(("word", "is_on"), [("yes", True), ("ON", True), ("0", False), ("", False)])
def test_a_switch_is_on_or_off(house, word, is_on):
    done = house.toolkit.make("archives", "INSTANCE=blog", f"JSON={word}")
    assert done.returncode == 0 and done.stdout.startswith("[") is is_on


# Where and how make is called


def test_a_verb_works_from_another_folder_with_an_empty_environment(house, tmp_path):
    make = shutil.which("make")
    done = subprocess.run(["env", "-i", make, "-sC", house.toolkit.top, "backup", "INSTANCE=blog,far"], cwd=tmp_path,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["blog", "far"]


def test_a_verb_without_the_python_environment_says_how_to_make_it(house, tmp_path):
    shutil.copy2(house.toolkit.top / "Makefile", tmp_path)
    shutil.copytree(house.toolkit.top / "conf", tmp_path / "conf")
    done = subprocess.run(["make", "-sC", tmp_path, "backup", "INSTANCE=blog"], env=clean_environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == FAILED
    assert done.stderr.splitlines()[0] == f"backup: TRIM is not set up here yet. Next: make -C {tmp_path} setup"


def test_v_shows_the_commands_on_stderr_and_leaves_stdout_to_the_results(house):
    done = house.toolkit.make("backup", "INSTANCE=wiki", "V=1", "JSON=1")
    assert any(line.startswith("+ [wiki] /usr/bin/mariadb-dump ") for line in done.stderr.splitlines())
    assert json.loads(done.stdout)[0]["instance"] == "wiki"
    assert house.variables["SITE_PASS"] not in done.stderr


# At a terminal


def test_instance_asks_what_is_missing_and_one_mistake_does_not_end_the_dialogue(house):
    with at_terminal(house, "instance") as terminal:
        terminal.answer("Name of the instance", "No Name")
        terminal.asks("is no instance name")
        terminal.answer("Name of the instance", "blog")
        terminal.asks("instances.d/blog.env is there already")
        terminal.answer("Name of the instance", "new")
        terminal.answer("ACCESS")
        terminal.answer("WEB_ROOT", "here")
        terminal.asks("expected an absolute path")
        terminal.answer("WEB_ROOT", house.variables["NO_TIKI"])
        terminal.asks("this is not a Tiki")
        terminal.asks("2) WEB_ROOT")
        terminal.answer("What shall be changed", "2")
        terminal.answer(f"[{house.variables['NO_TIKI']}]", house.variables["LOCKED"])
        terminal.asks("the server refuses the account or its password")
        terminal.answer("What shall be changed", "2")
        terminal.answer("WEB_ROOT:", str(house.fresh.folder))
        terminal.asks("new: Tiki 24.4")
        terminal.answer("WEB_URL", "www.example.org")
        terminal.asks("expected an http or https address")
        terminal.answer("WEB_URL", "https://www.example.org/")
        terminal.answer("STAGE", "test")
        terminal.asks("taken over. Next: make backup INSTANCE=new")
        assert terminal.ends() == 0
    assert house.toolkit.instance("new").web_root == str(house.fresh.folder)
    assert house.toolkit.instance("new").web_url == "https://www.example.org/"


def test_instance_shows_defaults_and_what_it_found_before_it_asks_for_the_rest(house):
    with at_terminal(house, "instance", "NAME=new", f"WEB_ROOT={house.fresh.folder}") as terminal:
        terminal.answer("[local]")
        for found in ("Tiki 24.4", "PHP 8", "database fresh on", "data folder"):
            terminal.asks(f"new: {found}")
        terminal.answer("WEB_URL")
        terminal.answer("STAGE")
        assert terminal.ends() == 0
    assert (house.toolkit.instance("new").access, house.toolkit.instance("new").web_url) == ("local", "")


def test_a_dialogue_that_is_broken_off_writes_nothing(house):
    before = sorted(registry(house).iterdir())
    with at_terminal(house, "instance") as terminal:
        terminal.answer("Name of the instance", "new")
        terminal.answer("ACCESS", "\x03")
        assert terminal.ends() != 0
    assert sorted(registry(house).iterdir()) == before
    assert "Traceback" not in terminal.shown


def test_blank_asks_for_the_database_and_does_not_show_the_password(house):
    given = house.variables
    with at_terminal(house, "blank", "NAME=new", f"WEB_ROOT={given['EMPTY']}", "ACCESS=local") as terminal:
        terminal.answer("DB_HOST", given["PLACE_HOST"])
        terminal.answer("DB_NAME", given["PLACE_NAME"])
        terminal.answer("DB_USER", given["PLACE_USER"])
        terminal.answer("DB_PASS", "wrong")
        terminal.asks("the server refuses the account or its password")
        number = re.findall(r"(\d+)\) DB_PASS", until_asked(terminal, "What shall be changed"))[-1]
        terminal.answer("", number)
        terminal.answer("DB_PASS", given["PLACE_PASS"])
        terminal.asks("registered. Next: make restore INSTANCE=new")
        assert terminal.ends() == 0
    assert house.toolkit.instance("new").db_pass == given["PLACE_PASS"]
    assert given["PLACE_PASS"] not in terminal.shown and "wrong" not in terminal.shown


def until_asked(terminal: Terminal, question: str) -> str:
    terminal.asks(question)
    return terminal.shown


def test_a_missing_instance_is_a_numbered_choice(house):
    with at_terminal(house, "maintenance", "STATE=off") as terminal:
        terminal.asks("1) blog")
        terminal.asks("4) wiki")
        terminal.answer("INSTANCE", "5")
        terminal.asks("a number from 1 to 4, please")
        terminal.answer("INSTANCE", "4")
        terminal.asks("wiki: visitors see the site")
        assert terminal.ends() == 0


def test_restore_shows_a_numbered_list_of_archives_and_asks_for_the_name_of_a_guarded_site(house):
    for _ in range(2):
        assert house.toolkit.make("backup", "INSTANCE=wiki").returncode == 0
    with open(registry(house) / "wiki.env", "a") as file:
        file.write("STAGE=production\n")
    archives = json.loads(house.toolkit.make("archives", "INSTANCE=wiki", "JSON=1").stdout)
    with at_terminal(house, "restore", "INSTANCE=wiki", "DRY=1") as terminal:
        terminal.asks(f"1) {archives[0]['archive']}")
        terminal.asks(f"2) {archives[1]['archive']}")
        terminal.answer("Which archive [1]", "2")
        terminal.answer("wiki is guarded", "yes")
        terminal.asks("that is not wiki")
        terminal.answer("wiki is guarded", "wiki")
        terminal.asks(f"wiki: {archives[1]['archive']} is what its sha256 says")
        assert terminal.ends() == 0


def test_an_unattended_run_asks_nothing_at_a_terminal_either(house):
    with at_terminal(house, "backup", "UNATTENDED=1") as terminal:
        assert terminal.ends() == FAILED
    assert "INSTANCE= is missing" in terminal.shown


@pytest.mark.parametrize("verb", ["instance", "blank", "backup", "prove", "restore"])
def test_without_a_terminal_nothing_is_ever_asked(house, verb):
    read, write = os.pipe()  # an input that never says anything: a question would wait for ever
    try:
        done = subprocess.run(["make", "-sC", house.toolkit.top, verb], env=clean_environment(), stdin=read,
                              capture_output=True, text=True, timeout=60)
    finally:
        os.close(read)
        os.close(write)
    assert done.returncode == FAILED and "= is missing" in done.stderr and "? [" not in done.stderr
