"""The index beside an archive: what was written is read, and what is not as it was written is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.errors import ArchiveError
from scripts.store import checksums, index
from scripts.store.index import Header, Member, Segment, Totals

ARCHIVE = "blog_2026-11-21_02-08-57.tar.bz2"
DIGEST = "0123456789abcdef" * 4
FILE = Member(b"0a/blog/caf\xe9\n\\", "f", 5, 1_700_000_000_123_456_789, -5, 1 << 60, 66, 0o6755, 0, 1 << 31, b"",
              DIGEST)
FOLDER = Member(b"0a/blog", "d", 4096, 1, 2, 3, 4, 0o755, 5, 6)
LINK = Member(b"0a/blog/link", "l", 3, 1, 2, 3, 4, 0o777, 5, 6, b"\xff to")
SECOND = Member(b"0a/blog/second", "h", 5, 1, 2, 3, 4, 0o644, 5, 6, b"0a/blog/first")
OTHER = FILE._replace(path=b"0a/blog/z", sha256=DIGEST[::-1])
MEMBERS = [FOLDER, FILE, LINK, SECOND, OTHER]


def texts(members: list[Member]) -> tuple[bytes, bytes]:
    return (b"".join(map(index.described, members)),
            b"".join(checksums.line(one.sha256, one.path) for one in members if one.sha256))


def write(place: Path, name: str = ARCHIVE) -> Path:
    """Write an archive of ten bytes and its index of two segments."""
    (place / name).write_bytes(b"0123456789")
    path = index.beside(place / name)
    writer = index.Writer(path, Header(name, "bz2", "blog", 123, "2026-11-21T00:00:00+00:00"))
    state = index.state_of([b"x"])
    writer.add(Segment(index.MEMBERS, 0, 7, DIGEST, 70, DIGEST, FOLDER.path, 5, state), *texts(MEMBERS))
    writer.add(Segment(index.PIECE, 7, 3, DIGEST, 30, DIGEST, b"caf\xe9", 0, tables=[["t\u00e9", 0, 1]]))
    writer.finish(lambda count: Totals(10, 100, count, 2))
    return path


def test_what_was_written_is_read(tmp_path):
    found = index.read(write(tmp_path))
    one, two = found.segments
    assert list(found.members(one)) == MEMBERS
    assert list(found.members(two)) == []
    assert (one.end, two.first, two.tables, one.state) == (7, b"caf\xe9", [["t\u00e9", 0, 1]], index.state_of([b"x"]))
    assert (found.header.top, found.totals.segments, found.totals.files) == ("blog", 2, 2)


def test_a_segment_s_texts_can_be_taken_into_another_index_as_they_are(tmp_path):
    found = index.read(write(tmp_path))
    other = tmp_path / "other"
    other.mkdir()
    (other / ARCHIVE).write_bytes(b"0123456")
    writer = index.Writer(index.beside(other / ARCHIVE), found.header)
    writer.add_packed(found.segments[0], *found.packed_texts(found.segments[0]))
    writer.finish(lambda count: Totals(7, 70, count))
    again = index.read(index.beside(other / ARCHIVE))
    assert list(again.members(again.segments[0])) == MEMBERS


def test_any_changed_byte_is_found(tmp_path):
    path = write(tmp_path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1:])
        with pytest.raises(ArchiveError):
            index.read(path)


def test_any_cut_is_found_and_so_is_what_was_added(tmp_path):
    path = write(tmp_path)
    whole = path.read_bytes()
    for text in (*(whole[:size] for size in range(len(whole))), whole + b"\n", whole + whole):
        path.write_bytes(text)
        with pytest.raises(ArchiveError):
            index.read(path)


def test_an_index_that_was_not_finished_is_none(tmp_path):
    (tmp_path / ARCHIVE).write_bytes(b"")
    writer = index.Writer(index.beside(tmp_path / ARCHIVE), Header(ARCHIVE, "bz2", "blog", 0, ""))
    writer.close()
    with pytest.raises(ArchiveError, match="cut off"):
        index.read(index.beside(tmp_path / ARCHIVE))


def test_the_index_of_another_archive_or_of_none_is_refused(tmp_path):
    path = write(tmp_path)
    other = tmp_path / ARCHIVE.replace("57", "58")
    other.write_bytes(b"0123456789")
    path.rename(index.beside(other))
    with pytest.raises(ArchiveError, match="not the index of the archive"):
        index.read(index.beside(other))
    with pytest.raises(ArchiveError, match="No such file"):
        index.read(path)


def test_an_archive_of_another_length_has_no_index(tmp_path):
    path = write(tmp_path)
    (tmp_path / ARCHIVE).write_bytes(b"0123456789x")
    with pytest.raises(ArchiveError, match="not the index of the archive"):
        index.read(path)


def test_segments_with_a_gap_between_them_are_refused(tmp_path):
    (tmp_path / ARCHIVE).write_bytes(b"0123456789")
    path = index.beside(tmp_path / ARCHIVE)
    writer = index.Writer(path, Header(ARCHIVE, "bz2", "blog", 0, ""))
    writer.add(Segment(index.MEMBERS, 0, 6, DIGEST, 70, DIGEST, b"", 0))
    writer.add(Segment(index.MEMBERS, 7, 3, DIGEST, 70, DIGEST, b"", 0))
    writer.finish(lambda count: Totals(10, 140, count))
    with pytest.raises(ArchiveError, match="do not make up an archive"):
        index.read(path)


@pytest.mark.parametrize("change", [
    {"path": b"0a/blog/b"}, {"kind": "l"}, {"size": 6}, {"mtime_ns": 1}, {"ctime_ns": 1}, {"inode": 1}, {"dev": 1},
    {"mode": 0o644}, {"uid": 1}, {"gid": 1}, {"target": b"x"}])
def test_whatever_differs_in_a_member_differs_in_its_segment_s_state(change):
    assert index.state_of([index.described(FILE)]) != index.state_of([index.described(FILE._replace(**change))])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=20).filter(lambda path: b"\0" not in path),
                          st.sampled_from("fdlhp"), st.integers(-5, 1 << 63))))
def test_members_of_any_name_are_read_as_they_were_written(tmp_path, found):
    members = [replace_stat(path, kind, number) for path, kind, number in found]
    assert list(index.parsed(*texts(members))) == members


def replace_stat(path: bytes, kind: str, number: int) -> Member:
    target, digest = (b"target" if kind in "lh" else b""), (DIGEST if kind == "f" else "")
    return Member(path, kind, abs(number), number, number, abs(number), 1, 0o7777, 0, 0, target, digest)


def test_a_segment_keeps_its_identity_when_it_is_moved():
    segment = Segment(index.MEMBERS, 0, 7, DIGEST, 70, DIGEST, b"x", 5)
    assert replace(segment, offset=9).end == 16
