"""When an archive counts: whatever breaks before that leaves nothing, and what was written is looked at on the disk."""

import errno
import os
import time
from pathlib import Path

import pytest

from scripts.errors import ArchiveError
from scripts.hosts import jobs
from scripts.hosts.jobs import Group
from scripts.hosts.local import LocalHost
from scripts.store import archive, checksums, committing, compress, index, previous
from scripts.store.reading_back import ReadBack
from scripts.store.row import Row
from tests.unit.written import Archives, describe, grow, use_small_segments

STEPS = ("rename", "sync", "write")


@pytest.fixture
def archives(tmp_path, monkeypatch) -> Archives:
    use_small_segments(monkeypatch)
    site = tmp_path / "site"
    grow(site, [f"a/{number:03}" for number in range(30)])
    archives = Archives(tmp_path / "archives", [site])
    archives.write()
    grow(site, ["a/015x"])
    return archives


def names(place: Path) -> set[str]:
    return {path.name for path in place.iterdir() if path.name != "scratch"}


def break_at(monkeypatch, number: int, happens) -> list[int]:
    """Let something happen instead of the so-and-so-many-th change of a file; return the count of calls as it grows."""
    calls: list[int] = []
    for step in STEPS:
        real = getattr(LocalHost, step)

        def counted(self, *words, real=real, **more):
            calls.append(len(calls))
            if calls[-1] == number:
                happens()
            return real(self, *words, **more)
        monkeypatch.setattr(LocalHost, step, counted)
    return calls


def no_space() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_at_any_step_leaves_nothing_or_a_whole_archive(archives):
    before, number, ended = names(archives.place), 0, False
    first = archives.last
    while not ended:
        archives.last = first
        with pytest.MonkeyPatch.context() as change:
            calls = break_at(change, number, no_space)
            try:
                archives.write()
            except OSError:
                found = names(archives.place) - before
                assert not found or len(found) == 4, (number, found)
                for name in found:
                    (archives.place / name).unlink()
            else:
                ended = len(calls) <= number
        number += 1
    assert number > 6


def test_a_kill_at_any_step_leaves_what_the_next_run_clears_away(archives):
    number, code = 0, 9
    while code == 9:
        before = names(archives.place)
        if not (pid := os.fork()):
            with pytest.MonkeyPatch.context() as change:
                break_at(change, number, lambda: os._exit(9))
                archives.write()
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        committing.clear_leftovers(archives.place)
        for name in names(archives.place) - before:     # all or nothing of it
            one = archives.place / name.removesuffix(".sha256").removesuffix(".record.json").removesuffix(".index")
            assert ReadBack(one).finish(index.read(index.beside(one)).segments) \
                == archive.companion(one, ".sha256").read_text().split()[0]
        for path in archives.place.glob("*_00-00-02.*"):
            path.unlink()
        number += 1
    assert code == 0 and number > 6


@pytest.mark.parametrize("step, place", [("written", 1000), ("finish", -100)])
def test_a_disk_that_changed_a_byte_is_found_before_the_archive_counts(archives, monkeypatch, step, place):
    """What lies there early is read while the rest is written."""
    real, before = getattr(Row, step), names(archives.place)

    def flipped(row):
        found, deadline = real(row), time.monotonic() + 30
        while step == "written" and row.size_bytes <= 4000 and time.monotonic() < deadline:
            found = real(row)   # what is still being packed
        if row.size_bytes > 4000:
            os.pwrite(row._descriptor, b"\xff\x00\xff", place % row.size_bytes)
        return found
    monkeypatch.setattr(Row, step, flipped)
    with pytest.raises(ArchiveError, match="what was read back is not what was packed"):
        archives.write()
    assert names(archives.place) == before


@pytest.mark.parametrize("change, told", [
    (lambda path: os.truncate(path, path.stat().st_size - 1), "what was read back is not what was packed"),
    (lambda path: path.open("ab").write(b"more"), "is longer than what was written")])
def test_an_archive_that_is_cut_or_longer_is_found(archives, monkeypatch, change, told):
    real, before = ReadBack.finish, names(archives.place)

    def changed(self, segments):
        change(self._path)
        return real(self, segments)
    monkeypatch.setattr(ReadBack, "finish", changed)
    with pytest.raises(ArchiveError, match=told):
        archives.write()
    assert names(archives.place) == before


def test_an_index_that_names_other_segments_is_found(archives, monkeypatch):
    real, before = ReadBack.finish, names(archives.place)
    monkeypatch.setattr(ReadBack, "finish", lambda self, segments: real(self, [segments[1], *segments[1:]]))
    with pytest.raises(ArchiveError, match="names other segments than were packed"):
        archives.write()
    assert names(archives.place) == before


def test_a_packing_program_that_wrote_something_else_is_found(archives, monkeypatch):
    real = compress._Bz2.pack

    def other(self, pieces):
        real(self, ((path, b"x" + raw[1:]) for path, raw in pieces))
    monkeypatch.setattr(compress._Bz2, "pack", other)
    before = names(archives.place)
    with pytest.raises(ArchiveError, match="packed as bz2 does not come out again as it was"):
        archives.write()
    assert names(archives.place) == before


def test_what_unpacks_to_something_else_is_packed_anew_when_all_is_unpacked(archives, tmp_path):
    """As after a program's fault in an earlier run: the index vouches for bytes that are not what was packed."""
    found = archives.last.index
    path = index.beside(archives.last.path)
    writer = index.Writer(path.with_name("new"), found.header)
    other = {2: found.segments[3], 3: found.segments[2]}
    for number, one in enumerate(found.segments):
        said = other.get(number, one)
        wrong = {**vars(one), "raw_sha256": said.raw_sha256, "raw_length": said.raw_length}
        writer.add_packed(index.Segment(**wrong), *found.packed_texts(one))
    writer.finish(lambda count: found.totals)
    path.with_name("new").rename(path)
    written = archives.write(trusts=False, unpacks_all=True)
    assert written.packed.damaged == 2
    assert describe(written.extracted(tmp_path / "out") / archives.parts[0].folder) == describe(tmp_path / "site")


def test_what_stands_beside_it_is_true(archives):
    written = archives.write()
    digest, name = archive.companion(written.path, ".sha256").read_text().split()
    assert (digest, name) == (checksums.of_file(written.path), written.path.name)
    assert {path.stat().st_mode & 0o777 for path in archives.place.glob(f"{written.path.name}*")} == {0o600}


def test_an_archive_that_is_removed_while_it_is_read_gives_all_it_has(archives):
    with previous.Previous(archives.last.path) as opened:
        archives.last.path.unlink()
        opened.check()
        assert not opened.damaged


def test_the_look_at_the_archive_before_ends_with_its_run(archives, monkeypatch):
    """Who ends a run shall not wait until a large archive is hashed."""
    ended = Group()
    ended.end()
    monkeypatch.setattr(jobs.here, "group", ended)
    looked_at = []
    monkeypatch.setattr(previous.Previous, "is_whole", lambda opened, segment: looked_at.append(segment))
    with previous.Previous(archives.last.path) as opened:
        opened.check()
    assert looked_at == []
