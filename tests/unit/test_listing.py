"""What is told of a tree, on this machine's own programs, and answers that are cut off."""

import hashlib
import os
from pathlib import Path

import pytest

from scripts.errors import CommandError
from scripts.hosts import listing
from scripts.hosts.local import MANAGER
from tests.unit.recording_host import RecordingHost

ODD = [b"two\nlines", b"-rf", b"latin1-\xff", b" blank ", b"*?[a]", b"back\\slash"]
NAMES = [name.decode("utf-8", "surrogateescape") for name in ODD]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number, name in enumerate(ODD):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(b"%d" % number)
    (tmp_path / "below").mkdir(mode=0o750)
    (tmp_path / "below" / "link").symlink_to("no\nwhere")
    return tmp_path


def test_every_name_comes_as_it_is(tree):
    found = listing.read(MANAGER, str(tree))
    assert set(found) == {"", "below", "below/link", *NAMES}
    assert found["below"].mode == "750" and found["below/link"].target == "no\nwhere"
    assert all(entry.is_readable for entry in found.values() if entry.kind != "l")


def test_folders_that_are_passed_over_are_named_literally(tree):
    (tree / "[a]").mkdir()
    (tree / "[a]" / "x").touch()
    (tree / "a").mkdir()
    found = listing.read(MANAGER, str(tree), [f"{tree}/[a]"])
    assert "a" in found and "[a]" not in found and "[a]/x" not in found


def test_sums_are_those_of_the_files_and_what_is_gone_has_none(tree):
    found = listing.sums(MANAGER, str(tree), {**dict.fromkeys(NAMES, 1), "gone": 5})
    assert found == {name: hashlib.sha256(b"%d" % number).hexdigest() for number, name in enumerate(NAMES)}


def test_many_files_are_shared_out_and_all_come_back(tree, monkeypatch):
    monkeypatch.setattr(listing, "STREAM_FILES", 2)
    assert len(listing.sums(MANAGER, str(tree), dict.fromkeys(NAMES, 1))) == len(NAMES)


def test_contents_are_those_of_files_alone(tree):
    assert listing.contents(MANAGER, str(tree), [NAMES[0], NAMES[1], "below", "gone"]) == {NAMES[0]: b"0",
                                                                                          NAMES[1]: b"1"}


def test_a_folder_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(CommandError, match="there is no such folder"):
        listing.read(MANAGER, str(tmp_path / "none"))
    with pytest.raises(CommandError, match="none"):
        listing.sums(MANAGER, str(tmp_path / "none"), {"x": 1})


@pytest.mark.parametrize("answer", [b"", b"r\0d\000755\0a\0a\0", b"r\0d\000755\0a\0a\0001\0002\0\0\0",
                                    b"r\0d\000755\0a\0a\0001\0002\0\0\0that is al"])
def test_a_listing_that_is_cut_off_is_a_fault(answer):
    with pytest.raises(CommandError, match="cut off"):
        listing.read(RecordingHost({("find",): answer}), "/srv/a")


def test_a_whole_listing_is_taken():
    answer = b"r\0d\000755\0a\0b\0001\0002.5\0\0\0that is all\0"
    assert listing.read(RecordingHost({("find",): answer}), "/x") == {"": listing.Entry("d", "755", "a", "b", 1, "2.5")}


EMPTY = b"0" * 64 + b"  /dev/null\0"
ONE = b"1" * 64 + b"  ./a\0"


@pytest.mark.parametrize("answer", [b"", ONE, ONE + EMPTY, ONE + b"end 0\0", EMPTY + b"end 0\0",
                                    ONE + EMPTY + b"end 1\0", b"nonsense\0" + EMPTY + b"end 0\0"])
def test_sums_that_are_cut_off_are_a_fault(answer):
    with pytest.raises(CommandError, match="cut off|asked for"):
        listing.sums(RecordingHost({("sh",): answer}), "/srv/a", {"a": 1})


def test_a_file_that_vanished_is_no_fault():
    assert listing.sums(RecordingHost({("sh",): EMPTY + b"end 123\0"}), "/srv/a", {"a": 1}) == {}


def test_contents_that_are_cut_off_are_a_fault():
    with pytest.raises(CommandError, match="cut off|no archive"):
        listing.contents(RecordingHost({("tar",): b""}), "/srv/a", ["a"])
