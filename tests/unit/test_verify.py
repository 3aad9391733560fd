"""Damage of every kind is found before anything is done with an archive."""

import bz2
import hashlib
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.errors import ArchiveError
from scripts.hosts.local import MANAGER
from scripts.store import archive, checksums, index, verify
from scripts.store.archive import Archive
from tests.unit import segmented
from tests.unit.segmented import STAMP

FILES = {f"deep/file{number}": hashlib.sha256(bytes([number])).digest() * 200 for number in range(6)}
MEMBERS = segmented.listed([segmented.folder(""), segmented.folder("deep"),
                            *(segmented.file(name, content) for name, content in FILES.items())])


@pytest.fixture(params=["bz2", "zst"], scope="module")
def whole(request, tmp_path_factory) -> Archive:
    """Return an archive without an index, as older ones are."""
    return segmented.write(tmp_path_factory.mktemp(request.param), MEMBERS, request.param, has_index=False)


@pytest.fixture(params=["bz2", "zst"])
def indexed(request, tmp_path) -> Archive:
    return segmented.write(tmp_path / "indexed", MEMBERS, request.param)


@pytest.fixture(scope="module")
def true_content(whole, tmp_path_factory) -> dict[str, bytes]:
    return content(verify.unpack(whole, tmp_path_factory.mktemp("true")))


@pytest.fixture
def damaged(whole, tmp_path):
    """Put other bytes in the place of the archive, beside the checksum of the true ones."""
    def put(change) -> Archive:
        folder = Path(tmp_path) / "damaged"
        folder.mkdir(exist_ok=True)
        path = folder / whole.path.name
        path.write_bytes(change(whole.path.read_bytes()))
        shutil.copy(whole.checksum_path, folder)
        return archive.read(path)
    return put


@pytest.fixture
def empty(tmp_path):
    """Make one empty folder after the other."""
    def make() -> Path:
        folder = tmp_path / "unpacked"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder
    return make


def content(top: Path) -> dict[str, bytes]:
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# A whole one

def test_a_whole_archive_is_what_its_sha256_says(whole):
    assert verify.check_file(whole) is True


def test_a_whole_archive_unpacks_to_its_one_top_folder(whole, empty):
    folder = empty()
    assert verify.unpack(whole, folder) == folder / "blog"
    assert len(content(folder / "blog")) == 7


# With an index

def opened(one: Archive, folder: Path) -> Path:
    return verify.unpack(one, folder, index.read(index.beside(one.path)))


def test_an_archive_with_an_index_unpacks_to_the_same(indexed, empty, true_content):
    assert content(opened(indexed, empty())) == true_content


def test_what_is_unpacked_has_the_times_of_the_index_to_the_nanosecond(tmp_path, empty):
    names = ("deep", "deep/file", "deep/link", "deep/second", "deep/written to")
    members = segmented.listed([segmented.folder(""), segmented.folder("deep"), segmented.file("deep/file", b"x"),
                                segmented.link("deep/link", "nowhere"),
                                segmented.second_name("deep/second", "deep/file"),
                                segmented.file("deep/written to", b"y")])
    times = {info.name.removeprefix("blog/"): info.mtime * segmented.SECOND + 123_456_789 for info, _ in members}
    times["deep/second"] = times["deep/file"]
    # Between the look and tar's: what tar says is when it got the content that it packed.
    times["deep/written to"] -= segmented.SECOND
    made = segmented.write(tmp_path, members, times=times)
    top = verify.unpack(made, empty(), index.read(index.beside(made.path)))
    found = {name: (top / name).lstat().st_mtime_ns for name in names}
    assert found == {**{name: times[name] for name in names}, "deep/written to": 1_700_000_000 * segmented.SECOND}
    assert (top / "deep/second").samefile(top / "deep/file")


def test_a_link_with_two_names_is_what_was_packed(tmp_path, empty):
    made = segmented.write(tmp_path, segmented.listed([
        segmented.folder(""), segmented.link("link", "nowhere"), segmented.second_name("second", "link")]))
    top = verify.unpack(made, empty(), index.read(index.beside(made.path)))
    assert os.path.samestat((top / "link").lstat(), (top / "second").lstat())


def test_all_is_compared_without_a_tree_on_the_disk(indexed, empty):
    folder = empty()
    assert verify.check_all(indexed, index.read(index.beside(indexed.path)), folder) == {
        "", "deep", checksums.LIST_NAME, *FILES}
    assert [path.name for path in folder.iterdir()] == [checksums.LIST_NAME]


@pytest.mark.parametrize("read", [opened, lambda one, folder: verify.check_all(
    one, index.read(index.beside(one.path)), folder)])
def test_damage_in_any_segment_is_found_while_it_is_read_and_tells_what_it_holds(indexed, empty, read):
    for segment in index.read(index.beside(indexed.path)).segments:
        segmented.flip(indexed.path, segment.offset + segment.length // 2)
        with pytest.raises(ArchiveError, match=r"damaged is 1 of its \d+ segments, with .*make extract"):
            read(indexed, empty())
        with pytest.raises(ArchiveError, match=r"its sha256 differs .*damaged is 1 of its \d+ segments, with "):
            verify.check_file(indexed)
        segmented.flip(indexed.path, segment.offset + segment.length // 2)


def test_a_list_that_is_not_the_index_s_is_found(tmp_path, empty):
    members = [*MEMBERS[:-1], segmented.file(checksums.LIST_NAME, MEMBERS[-1][1].replace(b"file1", b"file9"))]
    one = segmented.write(tmp_path / "other", members)
    with pytest.raises(ArchiveError, match="is not what its list of checksums says"):
        verify.check_all(one, index.read(index.beside(one.path)), empty())


LIARS = {"nothing": "cat >/dev/null", "all but one": 'tar -x "$@"; rm blog/deep/file3',
         "half a file": 'tar -x "$@"; truncate -s 9 blog/deep/file3'}


@pytest.mark.parametrize("lie", LIARS.values(), ids=LIARS)
def test_a_tar_that_says_all_is_well_and_is_not_believed(indexed, empty, tmp_path, monkeypatch, lie):
    liar = tmp_path / "bin" / "tar"
    liar.parent.mkdir()
    liar.write_text(f'#!/bin/bash\nPATH={os.environ["PATH"]}\nwhile [ "$1" != -C ]; do shift; done\n'
                    f'cd "$2" && shift 2 || exit\n{lie}\nexit 0\n')
    liar.chmod(0o755)
    monkeypatch.setenv("PATH", f"{liar.parent}:{os.environ['PATH']}")
    with pytest.raises(ArchiveError, match="file3|is no backup"):
        opened(indexed, empty())


# Damage

@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_flipped_bit_goes_unnoticed(damaged, empty, true_content, data):
    one = damaged(lambda text: flipped(text, data.draw(st.integers(0, len(text) * 8 - 1))))
    with pytest.raises(ArchiveError, match="its sha256 differs"):
        verify.check_file(one)
    # Some bits of a header mean nothing to what is unpacked: then it must be the very same content.
    try:
        assert content(verify.unpack(one, empty())) == true_content
    except ArchiveError as fault:
        assert one.path.name in str(fault)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_was_cut_is_refused(damaged, empty, part):
    one = damaged(lambda text: text[:int(len(text) * part)])
    with pytest.raises(ArchiveError, match="its sha256 differs"):
        verify.check_file(one)
    with pytest.raises(ArchiveError):
        verify.unpack(one, empty())


@pytest.fixture
def two_streams(tmp_path) -> tuple[Path, bytes, bytes]:
    """An archive packed as two concatenated streams that meet between two of its files, as pbzip2 may pack it."""
    one = segmented.write(tmp_path / "one", MEMBERS, has_index=False)
    with tarfile.open(one.path) as tar:
        between = tar.getmember("blog/deep/file3").offset
    stream = bz2.decompress(one.path.read_bytes())
    return one.path, bz2.compress(stream[:between]), bz2.compress(stream[between:])


def test_concatenated_streams_are_read_as_one(two_streams, empty):
    path, first, second = two_streams
    path.write_bytes(first + second)
    assert len(content(verify.unpack(archive.read(path), empty()))) == 7


@pytest.mark.parametrize("rest", [0, 1, 3, 10])
def test_a_cut_between_two_concatenated_streams_is_refused(two_streams, empty, rest):
    path, first, second = two_streams
    path.write_bytes(first + second[:rest])
    with pytest.raises(ArchiveError):
        verify.unpack(archive.read(path), empty())


def test_another_file_s_content_within_a_well_packed_archive_is_refused(whole, tmp_path, empty):
    top = verify.unpack(whole, empty())
    (top / "deep/file1").write_bytes(b"other")
    path = tmp_path / f"blog_{STAMP}.tar.bz2"
    MANAGER.run("tar", "-cjf", str(path), "-C", str(top.parent), "blog")
    with pytest.raises(ArchiveError, match="file1: its content is not what was packed. Nothing was changed"):
        verify.unpack(archive.read(path), empty())


@pytest.mark.parametrize("names", [[], ["one", "two"], ["file"]])
def test_an_archive_of_another_shape_is_refused(tmp_path, empty, names):
    source = tmp_path / "source"
    source.mkdir()
    for name in names:
        (source / name).mkdir() if name != "file" else (source / name).touch()
    path = tmp_path / f"blog_{STAMP}.tar.bz2"
    MANAGER.run("tar", "-cjf", str(path), "-C", str(source), "-T", "-", stdin="\n".join(names).encode())
    with pytest.raises(ArchiveError, match="is no backup"):
        verify.unpack(archive.read(path), empty())


def test_a_top_folder_that_is_a_link_out_is_refused(tmp_path, empty):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "blog").symlink_to("/etc")
    path = tmp_path / f"blog_{STAMP}.tar.bz2"
    MANAGER.run("tar", "-cjf", str(path), "-C", str(tmp_path / "source"), "blog")
    with pytest.raises(ArchiveError, match="is no backup"):
        verify.unpack(archive.read(path), empty())


# Of another origin

def test_an_archive_without_a_sha256_is_refused_with_the_way_to_take_it(damaged):
    one = damaged(lambda text: text)
    one.checksum_path.unlink()
    with pytest.raises(ArchiveError, match="unverifiable.*UNVERIFIED=yes"):
        verify.check_file(one)


def test_an_archive_without_a_sha256_is_taken_when_that_is_allowed(damaged):
    one = damaged(lambda text: text)
    one.checksum_path.unlink()
    assert verify.check_file(one, unverified=True) is False


def test_what_differs_from_its_sha256_is_refused_though_unverified_is_allowed(damaged):
    one = damaged(lambda text: text + b"x")
    with pytest.raises(ArchiveError, match="its sha256 differs"):
        verify.check_file(one, unverified=True)


@pytest.mark.parametrize("text", [b"", b"\n", b"\xff\xfe", b"none  blog.tar.bz2\n"])
def test_an_empty_or_broken_sha256_is_no_permission(damaged, text):
    one = damaged(lambda text: text)
    one.checksum_path.write_bytes(text)
    with pytest.raises(ArchiveError, match="its sha256 differs"):
        verify.check_file(one, unverified=True)


def test_an_archive_without_a_list_of_files_is_unpacked(tmp_path, empty):
    (tmp_path / "source" / "blog").mkdir(parents=True)
    (tmp_path / "source" / "blog" / "file").write_bytes(b"foreign")
    path = tmp_path / f"blog_{STAMP}.tar.bz2"
    MANAGER.run("tar", "-cjf", str(path), "-C", str(tmp_path / "source"), "blog")
    assert content(verify.unpack(archive.read(path), empty())) == {"file": b"foreign"}
