"""A tree whose bytes would have to travel: what the archive before has is not asked for, and all is as it is there."""

import bz2
import os
from collections.abc import Iterator

import pytest

from scripts.errors import ArchiveError
from scripts.hosts.stats import Folders
from scripts.hosts.streams import Source
from scripts.store import checksums
from scripts.store.far_tree import FarTree
from scripts.store.manifest import Part
from scripts.store.previous import Previous
from scripts.store.unchanged import Unchanged
from tests.unit.test_rounds import Site, assert_every_reader_takes_it, assert_index_is_true
from tests.unit.test_stats import Other
from tests.unit.written import LATER_NS, Archives, describe, grow, use_small_segments

ROUNDS = 8


class Counted(FarTree):
    """A tree behind a wire; all its times are of long ago, its clock is ahead of them."""

    sent = 0

    def __init__(self, part: Part, folder: str, left_out: str) -> None:
        folders = Folders(Other("far"))
        super().__init__(part, folder, left_out, folders._host, folders, folders.add(folder))

    def now(self) -> int:
        return super().now() + LATER_NS

    def chunks(self, source: Source) -> Iterator[bytes]:
        for chunk in super().chunks(source):
            Counted.sent += len(chunk)
            yield chunk


@pytest.fixture(autouse=True)
def small(monkeypatch):
    use_small_segments(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def sent(archives: Archives, **choices) -> int:
    """Write an archive; return how many bytes the host's tar sent for it."""
    Counted.sent = 0
    archives.write(**choices)
    return Counted.sent


@pytest.mark.parametrize("packed_as", ["bz2", "zst"])
def test_after_every_round_the_archive_is_what_is_there(tmp_path, packed_as):
    site = Site(tmp_path / "site", seed=9)
    archives = Archives(tmp_path / "archives", [site.top], packed_as, Counted)
    history = []
    for number in range(ROUNDS):
        history.append(site.change() if number else [])
        written = archives.write(trusts=number % 10 < 9)
        top = written.extracted(tmp_path / "extracted")
        assert describe(top / archives.parts[0].folder) == describe(site.top), history
        assert checksums.differences(top) == [], history
        assert_every_reader_takes_it(written.path)
        assert_index_is_true(written, archives, site.top)


def test_of_a_segment_with_a_changed_file_only_that_file_travels(tmp_path):
    grow(tmp_path / "site", [f"{number:03}" for number in range(100)])
    archives = Archives(tmp_path / "archives", [tmp_path / "site"], kind=Counted)
    assert sent(archives) > 100 * 3000
    assert sent(archives) == 0
    for number in (7, 50):
        (tmp_path / "site" / f"{number:03}").write_bytes(b"another")
    assert sent(archives) == 10240      # tar's unit: two files, their heads and the end mark
    assert archives.last.counts.segments_packed >= 2
    (tmp_path / "site" / "060").unlink()
    assert sent(archives) == 10240      # the folder itself
    assert sent(archives, trusts=False) > 99 * 3000


def test_a_name_is_a_link_though_the_first_one_is_not_asked_for(tmp_path):
    grow(tmp_path / "site", [f"{number:03}" for number in range(20)])
    archives = Archives(tmp_path / "archives", [tmp_path / "site"], kind=Counted)
    archives.write()
    os.link(tmp_path / "site" / "003", tmp_path / "site" / "zz")
    archives.write()
    os.link(tmp_path / "site" / "zz", tmp_path / "site" / "000a")
    top = archives.write().extracted(tmp_path / "extracted")
    assert describe(top / archives.parts[0].folder) == describe(tmp_path / "site")


@pytest.mark.parametrize("packed", [b"", b"no stream", bz2.compress(b"another")])
def test_a_segment_that_unpacks_to_something_else_is_a_fault(tmp_path, monkeypatch, packed):
    grow(tmp_path / "site", [f"{number:03}" for number in range(20)])
    archives = Archives(tmp_path / "archives", [tmp_path / "site"], kind=Counted)
    archives.write()
    (tmp_path / "site" / "003").write_bytes(b"another")
    monkeypatch.setattr(Previous, "packed", lambda previous, segment: packed)
    with pytest.raises(ArchiveError, match="what was packed in it does not come out again"):
        archives.write()


def test_a_segment_without_a_member_that_it_should_have_is_a_fault(tmp_path, monkeypatch):
    grow(tmp_path / "site", [f"{number:03}" for number in range(20)])
    archives = Archives(tmp_path / "archives", [tmp_path / "site"], kind=Counted)
    archives.write()
    (tmp_path / "site" / "003").write_bytes(b"another")
    monkeypatch.setattr(Unchanged, "_unpack", lambda unchanged, segment: {})
    with pytest.raises(ArchiveError, match="not where its index has it"):
        archives.write()
