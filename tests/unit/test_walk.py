"""What of a folder goes into an archive."""

import os
import socket

import pytest

from scripts.store import walk


def everything(path: str) -> bool:
    return False


def make(top, *paths: str) -> str:
    for path in paths:
        place = top / path
        (place if path.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
        if not path.endswith("/"):
            place.write_bytes(b"12345")
    return str(top)


def test_every_folder_comes_before_its_content_in_the_order_of_names(tmp_path):
    top = make(tmp_path, "b/z", "b/a", "a.txt", "b.txt", "empty/")
    assert list(walk.members(top, everything)) == [b".", b"./a.txt", b"./b", b"./b/a", b"./b/z", b"./b.txt", b"./empty"]


@pytest.mark.parametrize("name", [b"caf\xe9", b"line\nbreak", b"-rf", b" ", b"\\", b"'\"", b"*", b"\xff\xfe"])
def test_a_name_is_bytes_whatever_they_are(tmp_path, name):
    with open(os.fsencode(tmp_path) + b"/" + name, "wb"):
        pass
    assert list(walk.members(str(tmp_path), everything)) == [b".", b"./" + name]


def test_a_link_to_a_folder_is_listed_and_not_entered(tmp_path):
    top = make(tmp_path, "real/file")
    os.symlink("real", tmp_path / "link")
    os.symlink(".", tmp_path / "self")
    assert list(walk.members(top, everything)) == [b".", b"./link", b"./real", b"./real/file", b"./self"]


def test_a_socket_is_left_out_and_a_fifo_is_not(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert list(walk.members(str(tmp_path), everything)) == [b".", b"./fifo"]


def test_a_folder_that_vanishes_while_it_is_listed_is_passed_over(tmp_path):
    top = make(tmp_path, "a/", "b/file", "c")
    found = []
    for path in walk.members(top, everything):
        found.append(path)
        if path == b"./b":
            os.unlink(tmp_path / "b" / "file")
            os.rmdir(tmp_path / "b")
    assert found == [b".", b"./a", b"./b", b"./c"]


def test_what_is_left_out_is_left_out_with_all_below_it(tmp_path):
    top = make(tmp_path, "temp/cache/x/y", "temp/index.php", "temp2/z")
    assert list(walk.members(top, walk.any_of(("temp/cache",)))) == \
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


def test_the_size_is_that_of_the_files_that_would_be_packed(tmp_path):
    top = make(tmp_path, "a", "b/c", "temp/d")
    os.symlink("a", tmp_path / "link")
    assert walk.size_of(top, walk.any_of(("temp",))) == 10
