"""Small files of this machine, which Python reads and replaces: the same as tar tells and does elsewhere."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.errors import CommandError
from scripts.hosts.local import LocalHost
from scripts.tiki import small_files
from scripts.tiki.small_files import BESIDE, OwnersLost, SmallFile

HERE = LocalHost("here")
NAMES = ("a file", "empty", "private", "link", "nowhere", "folder", "pipe", "second name", "missing", "folder/inside")


@dataclass(frozen=True)
class OnlyTar(LocalHost):
    """This machine as if it were another one."""

    reads_in_place = False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a file").write_bytes(b"\0\xff text")
    os.utime(tmp_path / "a file", ns=(1, 1_795_250_482_490_211_000))
    (tmp_path / "empty").touch()
    os.utime(tmp_path / "empty", ns=(1, 1_795_250_482_000_000_000))
    (tmp_path / "private").write_text("secret")
    (tmp_path / "private").chmod(0o2640)
    (tmp_path / "link").symlink_to("a file")
    (tmp_path / "nowhere").symlink_to("gone/away")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").write_text("nested")
    os.mkfifo(tmp_path / "pipe")
    os.link(tmp_path / "a file", tmp_path / "second name")
    return tmp_path


def test_files_are_read_as_tar_tells_of_them(folder):
    found = small_files.read(HERE, str(folder), NAMES)
    assert found == small_files.read(OnlyTar("there"), str(folder), NAMES)
    assert set(found) == {*NAMES, "."} - {"missing"}


def test_no_program_is_started_for_them(folder, monkeypatch):
    monkeypatch.setattr(LocalHost, "command", lambda *words, **more: pytest.fail(f"started {words}"))
    found = small_files.read(HERE, str(folder), ["a file"])
    small_files.put(HERE, str(folder), {"a file": found["a file"].with_(content=b"new")})
    assert (folder / "a file").read_bytes() == b"new"


def test_files_are_put_as_tar_puts_them(folder, tmp_path_factory):
    wanted = {name: file for name, file in small_files.read(HERE, str(folder), NAMES).items()
              if name in ("a file", "empty", "private", "link", "nowhere")}
    placed = []
    for host in (HERE, OnlyTar("there")):
        target = tmp_path_factory.mktemp("target")
        (target / "a file").write_text("was there")
        (target / BESIDE).mkdir()
        (target / BESIDE / "of a killed run").touch()
        small_files.put(host, str(target), wanted)
        assert sorted(os.listdir(target)) == sorted(wanted)
        placed.append(small_files.read(OnlyTar("look"), str(target), wanted))
        del placed[-1]["."]
    assert placed[0] == placed[1] == wanted


def test_where_an_owner_cannot_be_given_nothing_is_replaced(folder, monkeypatch):
    def refuse(*words: object, **more: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    with pytest.raises(OwnersLost, match="cannot replace a file"):
        small_files.put(HERE, str(folder), {"a file": SmallFile(b"0", b"new", time="1")})
    assert (folder / "a file").read_bytes() == b"\0\xff text"
    assert not (folder / BESIDE).exists()
    small_files.put(HERE, str(folder), {"a file": SmallFile(b"0", b"new", time="1")}, keep_owners=False)
    assert (folder / "a file").read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        small_files.read(HERE, str(tmp_path / "none"), ["a file"])
