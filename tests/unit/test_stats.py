"""What a host tells of a tree: the same as a walk here, in the same order, or a fault."""

import os
import random
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.errors import CommandError, HostError
from scripts.hosts import process, stats
from scripts.hosts.command import Command
from scripts.hosts.local import LocalHost
from scripts.hosts.stats import Folders
from scripts.store import walk
from scripts.store.far_tree import FarTree
from scripts.store.manifest import DATA, Part
from scripts.store.tree import Tree
from tests.unit.written import members

ODD_NAMES = [b"two words", b"-rf", b"line\nbreak", b"ends\n", b"it's", b'"', b"$HOME", b"*", b"\\", b"\\n", b"caf\xe9",
             b".hidden", b"..twice", b"x" * 255, b" ", b"tab\t", b"\r", b"\xff\xfe", b"[x]", b"%p", b"end 0"]


@dataclass(frozen=True)
class Other(LocalHost):
    """This machine as if it were another one; around is shell text that stands around the program."""

    around: str = '"$@"'
    is_remote = True
    reads_in_place = False

    def command(self, *words: str, stdin: bytes | None = None) -> Command:
        return super().command("sh", "-c", self.around, "sh", *words, stdin=stdin)


@pytest.fixture
def site(tmp_path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def far(site: Path, left_out: str = "", around: str = '"$@"', **passed) -> FarTree:
    host = Other("far", around)
    folders = Folders(host)
    return FarTree(Part(DATA, str(site)), str(site), left_out, host, folders, folders.add(str(site), **passed))


def told(folder: Path, *choices, around: str = '"$@"') -> list[bytes]:
    """Return the paths of what a host tells of a folder."""
    folders = Folders(Other("far", around))
    return [one.path for one in folders.stats(folders.add(str(folder), *choices))]


def near(site: Path, left_out: str = "") -> Tree:
    return Tree(Part(DATA, str(site)), str(site), left_out)


def make_all_kinds(site: Path) -> None:
    for name in ODD_NAMES:
        with open(os.fsencode(site) + b"/" + name, "wb") as file:
            file.write(b"content of " + name)
    for path in ("b/z", "b/a", "b.txt", "b!", "b/\x01", "a/b/c"):
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(b"12345")
    os.link(site / "b/z", site / "first")
    os.link(site / "b/z", site / "zlast")
    os.symlink("b/../b", site / "link")
    os.symlink("nowhere\nelse", os.fsencode(site) + b"/to\xff")
    os.mkfifo(site / "fifo", 0o640)
    os.chmod(site / "b.txt", 0o4711)
    os.utime(site / "b/a", ns=(7, 1_500_000_000_123_456_789))


@pytest.mark.parametrize("run", [stats.RUN, 7])
def test_a_host_tells_the_same_as_a_walk_here_in_the_same_order(site, monkeypatch, run):
    monkeypatch.setattr(stats, "RUN", run)
    monkeypatch.setattr(stats, "BATCH", 3)
    make_all_kinds(site)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(site / "socket"))
        found = members(far(site))
    assert found == members(near(site))
    assert len(found) > 30


def test_what_is_left_out_is_left_out_with_all_below_it(site):
    for path in ("temp/cache/x/y", "temp/cache/index.php", "temp2/z", "img/a/cache/x", "img/a/b/cache"):
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(b"1")
    left_out = walk.expression(("temp/cache/x", "img/*/cache"))
    assert members(far(site, left_out)) == members(near(site, left_out))


def test_what_is_passed_is_not_even_listed_but_for_what_is_kept(site):
    for path in ("temp/cache/x/y", "temp/cache/index.php", "temp/cache/one/index.php", "temp/cache/one/z", "te[mp/a",
                 "tem/b", "temp/cached"):
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(b"1")
    found = told(site, ("temp/cache/*", "te[mp"), ("index.php", "one"))
    assert found == [b"", b"tem", b"tem/b", b"temp", b"temp/cache", b"temp/cache/index.php", b"temp/cache/one",
                     b"temp/cache/one/index.php", b"temp/cached"]


def cut_off(share: float) -> str:
    return f'"$@" >"$TMPDIR/all"; head -c $(($(stat -c %s "$TMPDIR/all") * {int(share * 100)} / 100)) "$TMPDIR/all"'


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
@pytest.mark.parametrize("is_packed", [True, False])
def test_an_answer_that_is_cut_off_is_none_though_all_ended_well(site, monkeypatch, tmp_path, share, is_packed):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(Other, "is_remote", is_packed)
    make_all_kinds(site)
    with pytest.raises(CommandError, match="cut off"):
        members(far(site, around=cut_off(share)))


def program(tmp_path: Path, name: str, text: str) -> str:
    """Put a program of one's own before the others; return what stands around a call then."""
    path = tmp_path / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return f'PATH={path.parent}:$PATH "$@"'


@pytest.mark.parametrize(("text", "told"), [
    ("find \"$@\"; exit 1", "does not say why"),
    ("find \"$@\"; echo \"find: './private': Permission denied\" >&2; exit 1", "'./private': Permission denied"),
    ("find \"$@\"; echo \"find: './x': No such file or directory\" >&2\n"
     "echo \"find: './y': Input/output error\" >&2; exit 1", "'./y': Input/output error"),
    ("find . -printf '%y %s %T@ %C@ %i %D %m %U %G %n\\0%l\\0%P\\0'", "cut off"), ("exit 0", "cut off"),
    ("kill -9 $$", "cut off")])
def test_what_find_could_not_look_into_is_told(site, tmp_path, text, told):
    text = f'[ "$1" = --version ] && exec /usr/bin/find --version; PATH=/usr/bin; {text}'
    with pytest.raises(CommandError, match=told):
        members(far(site, around=program(tmp_path, "find", text)))


def test_what_vanishes_meanwhile_is_not_told_and_no_fault(site, tmp_path):
    (site / "stays").touch()
    text = "/usr/bin/find \"$@\"; code=$?; [ \"$1\" = --version ] && exit; " \
           "echo \"find: './x': No such file or directory\" >&2; exit 1"
    found = members(far(site, around=program(tmp_path, "find", text)))
    assert [member.path.rpartition(b"/")[-1] for member in found] == [b"site", b"stays"]


@pytest.mark.parametrize(("why", "is_fault"), [("Too many levels of symbolic links", False),
                                               ("Invalid argument", False), ("Invalid argument", True)])
def test_a_link_that_is_replaced_while_find_reads_it_is_no_fault(site, tmp_path, why, is_fault):
    """The real find tells such a link without what it leads to; of what else is invalid nothing may be missing."""
    os.symlink("somewhere", site / "x")
    emptied = "cat" if is_fault else "sed -z 's/^somewhere$//'"
    text = f'[ "$1" = --version ] && exec /usr/bin/find --version; /usr/bin/find "$@" | {emptied}; ' \
           f"echo \"find: './x': {why}\" >&2; exit 1"
    tree = far(site, around=program(tmp_path, "find", text))
    if is_fault:
        with pytest.raises(CommandError, match=why):
            members(tree)
    else:
        assert [member.path.rpartition(b"/")[-1] for member in members(tree)] == [b"site", b"x"]


@pytest.mark.parametrize("name", ["tar", "find"])
def test_programs_that_are_not_gnu_s_are_named(site, tmp_path, name):
    with pytest.raises(HostError, match=f"far: the program {name} there"):
        members(far(site, around=program(tmp_path, name, "echo BusyBox v1.36.1 >&2; exit 1")))


def test_a_folder_that_is_not_there_is_a_fault(site):
    with pytest.raises(CommandError, match="nowhere"):
        members(far(site / "nowhere"))


def test_names_that_are_there_are_told_from_those_that_are_not(site):
    make_all_kinds(site)
    asked = [b".", b"./b/z", b"./gone", b"./to\xff", b"./line\nbreak", b"./b/gone"]
    assert far(site).present(asked) == near(site).present(asked) == [b".", b"./b/z", b"./to\xff", b"./line\nbreak"]


def test_the_far_tar_packs_what_it_is_asked_for_alone(site):
    make_all_kinds(site)
    command = far(site).tar()
    packed = subprocess.run(command.argv, input=b"./b\0./b/z\0./line\nbreak\0", capture_output=True, check=True).stdout
    names = subprocess.run(["tar", "-t", "--quoting-style=literal"], input=packed, capture_output=True).stdout
    assert names == b"./b/\n./b/z\n./line\nbreak\n"


def test_many_names_are_sorted_as_a_walk_sorts_them(monkeypatch):
    monkeypatch.setattr(stats, "RUN", 1000)
    chance = random.Random(1)
    records = [(bytes(chance.choices(b"\0ab\x01", k=12)), str(number).encode(), b"") for number in range(5500)]
    with stats._Sorted() as found:
        for record in records:
            found.add(record)
        assert len(found._runs) == 5
        assert [record[0] for record in found.all()] == sorted(record[0] for record in records)


@pytest.mark.parametrize(("told", "ns"), [(b"1700000000.1234567890", 1_700_000_000_123_456_789), (b"0.0000000000", 0),
                                          (b"17", 17_000_000_000), (b"2000000000.5", 2_000_000_000_500_000_000)])
def test_times_keep_their_nanoseconds(told, ns):
    assert stats._ns(told) == ns


def test_a_run_that_is_dry_looks_all_the_same(site, monkeypatch):
    monkeypatch.setattr(process.conduct, "dry_run", True)
    (site / "file").touch()
    assert told(site) == [b"", b"file"]


@pytest.mark.parametrize("told", ["17632%N", "", "1763\n2"])
def test_a_clock_that_tells_no_time_is_a_fault(tmp_path, told):
    around = program(tmp_path, "date", f"printf '%s\\n' '{told}'")
    with pytest.raises(CommandError, match="no number"):
        far(tmp_path, around=around).now()


def test_a_clock_tells_nanoseconds(tmp_path):
    before = time.time_ns()
    assert before < far(tmp_path).now() < time.time_ns()


def test_all_folders_together_are_no_more_in_memory_than_one(site, tmp_path, monkeypatch):
    monkeypatch.setattr(stats, "RUN", 25)
    for number in range(20):
        (site / f"{number}").touch()
    folders = Folders(Other("far"))
    places = [folders.add(str(site)) for _ in range(4)]
    folders.clock()
    assert sum(map(len, folders._found.values())) <= 25
    assert [[one.path for one in folders.stats(place)] for place in places] == [told(site)] * 4


def test_several_folders_are_told_of_in_one_call_each_for_itself(site, tmp_path):
    make_all_kinds(site)
    odd = tmp_path / "it's $HOME\n; exit"
    (odd / "b").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    calls = tmp_path / "calls"
    folders = Folders(Other("far", f'echo >>{calls}; "$@"'))
    places = [folders.add(str(folder), *choices)
              for folder, choices in ((odd, ()), (site, (("b/*",),)), (tmp_path / "empty", ()), (odd, ()))]
    assert folders.clock() > 0
    found = {place: [one.path for one in folders.stats(place)] for place in reversed(places)}
    assert found[0] == found[3] == [b"", b"b"]
    assert found[2] == [b""]
    assert found[1] == [path for path in told(site) if not path.startswith(b"b/")]
    assert calls.read_text() == "\n"


@pytest.mark.parametrize("lost", ["gone", "closed"])
def test_one_folder_of_several_that_cannot_be_told_of_is_named(site, tmp_path, lost):
    (site / "file").touch()
    folders = Folders(Other("far", program(tmp_path, "find", '[ "$1" = --version ] && exec /usr/bin/find --version\n'
                                           '[ -e closed ] && { echo "find: ./x: Input/output error" >&2; exit 1; }\n'
                                           'exec /usr/bin/find "$@"')))
    if lost == "closed":
        (tmp_path / "closed").mkdir()
        (tmp_path / "closed/closed").touch()
    first = folders.add(str(site))
    folders.add(str(tmp_path / lost))
    with pytest.raises(CommandError, match=lost):
        list(folders.stats(first))
