"""What of a folder goes into an archive."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.store import index, walk
from scripts.store.index import Member


def members(folder: object, inside: bytes, *patterns: str) -> Iterator[Member]:
    """Yield what is found in a folder but for what these patterns mean."""
    return (one for text in walk.texts(str(folder), inside, walk.expression(patterns)) for one in index.parsed(text))


def names(folder: str, *patterns: str) -> list[bytes]:
    """Return what is found as tar takes it."""
    return [b"." + member.path for member in members(folder, b"", *patterns)]


def make(top, *paths: str) -> str:
    for path in paths:
        place = top / path
        (place if path.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
        if not path.endswith("/"):
            place.write_bytes(b"12345")
    return str(top)


def test_every_folder_comes_before_its_content_in_the_order_of_names(tmp_path):
    top = make(tmp_path, "b/z", "b/a", "a.txt", "b.txt", "empty/")
    assert names(top) == [b".", b"./a.txt", b"./b", b"./b/a", b"./b/z", b"./b.txt", b"./empty"]


@pytest.mark.parametrize("name", [b"caf\xe9", b"line\nbreak", b"-rf", b" ", b"\\", b"'\"", b"*", b"\xff\xfe"])
def test_a_name_is_bytes_whatever_they_are(tmp_path, name):
    with open(os.fsencode(tmp_path) + b"/" + name, "wb"):
        pass
    assert names(str(tmp_path)) == [b".", b"./" + name]


def test_a_link_to_a_folder_is_listed_and_not_entered(tmp_path):
    top = make(tmp_path, "real/file")
    os.symlink("real", tmp_path / "link")
    os.symlink(".", tmp_path / "self")
    assert names(top) == [b".", b"./link", b"./real", b"./real/file", b"./self"]


def test_a_socket_is_left_out_and_a_fifo_is_not(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert names(str(tmp_path)) == [b".", b"./fifo"]


def test_a_folder_that_vanishes_while_it_is_listed_is_passed_over(tmp_path):
    top = make(tmp_path, "a/", "b/file", "c")
    found = []
    for path in (b"." + member.path for member in members(top, b"")):
        found.append(path)
        if path == b"./b":
            os.unlink(tmp_path / "b" / "file")
            os.rmdir(tmp_path / "b")
    assert found == [b".", b"./a", b"./b", b"./c"]


def test_a_folder_that_becomes_a_link_to_itself_while_it_is_listed_is_passed_over(tmp_path):
    top = make(tmp_path, "a/", "b/file", "c")
    found = []
    for path in (b"." + member.path for member in members(top, b"")):
        found.append(path)
        if path == b"./a":
            (tmp_path / "a").rmdir()
            (tmp_path / "a").symlink_to("a")
    assert found == [b".", b"./a", b"./b", b"./b/file", b"./c"]


def test_what_takes_the_place_of_a_link_while_it_is_read_is_told_as_what_it_is(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to("nowhere")
    real = os.readlink

    def readlink(path):
        (tmp_path / "link").unlink()
        (tmp_path / "link").write_bytes(b"now a file")
        monkeypatch.setattr(os, "readlink", real)
        return real(path)
    monkeypatch.setattr(os, "readlink", readlink)
    assert [(member.kind, member.size) for member in members(tmp_path, b"")][1:] == [(walk.FILE, 10)]


def test_what_is_left_out_is_left_out_with_all_below_it(tmp_path):
    top = make(tmp_path, "temp/cache/x/y", "temp/index.php", "temp2/z")
    assert names(top, "temp/cache") == \
        [b".", b"./temp", b"./temp/index.php", b"./temp2", b"./temp2/z"]


@pytest.mark.parametrize(("pattern", "path", "meant"), [
    ("files/video", "files/video", True),
    ("/files/video/", "files/video", True),
    ("files/video", "files/video2", False),
    ("video", "files/video", False),
    ("*.tmp", "a.tmp", True),
    ("*.tmp", "img/a.tmp", False),
    ("*.tmp", "axtmp", False),
    ("img/*/cache", "img/a/cache", True),
    ("img/*/cache", "img/a/b/cache", False),
    ("img/**/cache", "img/a/b/cache", True),
    ("**.tmp", "img/a/b.tmp", True),
    ("?.log", "a.log", True),
    ("?.log", "/.log", False),
    ("a[1].txt", "a[1].txt", True),
    ("a[1].txt", "a1.txt", False),
    ("a+b(c)", "a+b(c)", True),
    ("*.tmp", "line\nbreak.tmp", True),
    ("*.tmp", "caf\udce9.tmp", True),
])
def test_a_pattern_means_what_rsync_s_anchored_one_means(pattern, path, meant):
    assert walk.any_of((pattern,))(path) is meant


def test_one_of_several_patterns_is_enough():
    left_out = walk.any_of(("a", "b*"))
    assert [left_out(path) for path in ("a", "bc", "c", "ab")] == [True, True, False, False]


def test_without_patterns_nothing_is_left_out():
    assert not walk.any_of(())("a")


def test_a_member_has_what_its_stat_says_and_lies_below_the_tree(tmp_path):
    make(tmp_path, "folder/file")
    os.symlink("folder", tmp_path / "link")
    found = {member.path: member for member in members(tmp_path, b"0a/blog")}
    status = os.lstat(tmp_path / "folder/file")
    one = found[b"0a/blog/folder/file"]
    assert one[1:6] == ("f", 5, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    assert (one.dev, one.mode, one.uid, one.gid) == (status.st_dev, status.st_mode & 0o7777, status.st_uid,
                                                     status.st_gid)
    assert [found[path].kind for path in (b"0a/blog", b"0a/blog/folder", b"0a/blog/link")] == ["d", "d", "l"]
    assert found[b"0a/blog/link"].target == b"folder"


def test_the_program_tells_what_the_walk_tells_and_its_end(tmp_path):
    top = make(tmp_path, "folder/file", "temp/cache/x", "caf\udce9", "line\nbreak")
    left_out = walk.expression(("temp/cache",))
    told = subprocess.run(walk.command(top, b"in \xff", left_out), capture_output=True, check=True).stdout
    assert told == b"".join(walk.texts(top, b"in \xff", left_out)) + walk.END
    assert told.count(b"\0") // walk.FIELDS == 6 + 1


def test_what_the_program_may_not_look_into_is_a_fault(tmp_path):
    top = make(tmp_path, "folder/file")
    (tmp_path / "folder").chmod(0)
    words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = subprocess.run([*words, *walk.command(top, b"x", "")], capture_output=True)
    (tmp_path / "folder").chmod(0o755)
    assert done.returncode == 1 and walk.END not in done.stdout
    assert b"/folder: Permission denied. Nothing may be missing in a backup: let this account" in done.stderr


def test_a_reader_that_goes_ends_the_program_in_one_line(tmp_path):
    make(tmp_path, *(f"{'long' * 40}{number}" for number in range(2000)))
    done = subprocess.Popen(walk.command(str(tmp_path), b"x", ""), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done.stdout.close()
    assert done.stderr.read().endswith(b": Broken pipe\n")
    assert done.wait() == 1


def test_of_the_names_of_one_file_the_first_is_the_file_and_the_others_name_it(tmp_path):
    make(tmp_path, "b", "single")
    os.link(tmp_path / "b", tmp_path / "c")
    os.link(tmp_path / "b", tmp_path / "a")
    found = {member.path: (member.kind, member.target) for member in members(tmp_path, b"x")}
    assert found[b"x/a"] == ("f", b"")
    assert found[b"x/b"] == found[b"x/c"] == ("h", b"x/a")
    assert found[b"x/single"] == ("f", b"")


def test_of_a_fifo_tar_makes_no_links(tmp_path):
    os.mkfifo(tmp_path / "a")
    os.link(tmp_path / "a", tmp_path / "b")
    assert [one.kind for one in members(tmp_path, b"in")] == ["d", "p", "p"]


def test_a_name_that_is_left_out_is_no_first_one(tmp_path):
    make(tmp_path, "a")
    os.link(tmp_path / "a", tmp_path / "b")
    found = list(members(tmp_path, b"x", "a"))
    assert [(member.path, member.kind) for member in found] == [(b"x", "d"), (b"x/b", "f")]


@pytest.mark.parametrize("paths", [("a/x", "a.txt", "a-", "a b"), ("b/a/c", "b.a", "b/a.", "b0")])
def test_paths_are_in_order_when_folders_come_before_their_content(tmp_path, paths):
    top = make(tmp_path, *paths)
    found = [member.path for member in members(top, b"x")]
    assert found == sorted(found, key=walk.in_order)
    assert {b"x/" + path.encode() for path in paths} < set(found)


def test_no_backup_takes_what_a_disk_that_is_mounted_anywhere_has_of_its_own():
    lines = (Path(__file__).resolve().parents[2] / "conf" / "excludes.txt").read_text().splitlines()
    is_left_out = walk.any_of(line for line in lines if line and not line.startswith("#"))
    assert is_left_out("lost+found") and is_left_out("files/disk/lost+found")
    assert not is_left_out("files/lost+found.txt")
