"""The list of checksums: understood by sha256sum, and by us."""

import hashlib
import os
import subprocess

import pytest

from scripts.errors import ArchiveError
from scripts.store import checksums

ODD_NAMES = [b"plain", b"two words", b" leading", b"line\nbreak", b"ends\n", b"back\\slash", b"back\\nslash",
             b"caf\xe9", b"\\", b"\r", b"*star", b"-dash", b"deep/er/file"]


@pytest.fixture
def top(tmp_path):
    """An unpacked archive with a list of all its files."""
    lines = []
    for name in ODD_NAMES:
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"content of " + name)
        lines.append(checksums.line(hashlib.sha256(b"content of " + name).hexdigest(), name))
    (tmp_path / checksums.LIST_NAME).write_bytes(b"".join(lines))
    (tmp_path / "trim-manifest.json").touch()
    return tmp_path


def test_sha256sum_accepts_the_list(top):
    check = ["sha256sum", "--strict", "-c", checksums.LIST_NAME]
    done = subprocess.run(check, cwd=top, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_list_is_read_back_name_by_name(top):
    assert [name for _, name in checksums.read(top / checksums.LIST_NAME)] == ODD_NAMES


def test_an_archive_that_is_as_it_was_has_no_differences(top):
    assert checksums.differences(top) == []


def test_a_changed_file_is_found_though_its_size_is_the_same(top):
    (top / "plain").write_bytes(b"Content of plain")
    assert checksums.differences(top) == ["plain: its content is not what was packed"]


def test_a_missing_file_is_found(top):
    (top / "plain").unlink()
    assert checksums.differences(top) == ["plain: No such file or directory"]


def test_a_file_that_was_not_packed_is_found(top):
    (top / "deep" / "new").touch()
    assert checksums.differences(top) == ["deep/new: is in the archive and not in its list"]


def test_every_difference_is_told(top):
    (top / "plain").unlink()
    (top / "two words").write_bytes(b"")
    (top / "new").touch()
    assert len(checksums.differences(top)) == 3


@pytest.mark.parametrize("replace", [lambda path: path.symlink_to("two words"), lambda path: path.mkdir(),
                                     lambda path: os.mkfifo(path)], ids=["link", "folder", "fifo"])
def test_something_else_in_the_place_of_a_file_is_found(top, replace):
    (top / "plain").unlink()
    replace(top / "plain")
    assert checksums.differences(top) == ["plain: its content is not what was packed"]


def test_a_second_name_of_a_listed_file_is_no_difference(top):
    os.link(top / "plain", top / "second")
    assert checksums.differences(top) == []


def test_a_second_name_of_an_unlisted_file_is_one(top):
    (top / "new").touch()
    os.link(top / "new", top / "second")
    assert len(checksums.differences(top)) == 2


def test_links_need_no_line(top):
    (top / "link").symlink_to("/etc/passwd")
    assert checksums.differences(top) == []


DIGEST = b"0" * 64


@pytest.mark.parametrize("text", [b"plain\n", DIGEST + b" plain\n", DIGEST[1:] + b"  plain\n", DIGEST + b"  plain",
                                  DIGEST + b"  \n", b"\n", DIGEST.replace(b"0", b"G") + b"  plain\n"])
def test_a_line_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "list").write_bytes(DIGEST + b"  before\n" + text)
    with pytest.raises(ArchiveError, match="not a checksum line"):
        list(checksums.read(tmp_path / "list"))
