"""What is read out of a tar stream, compared with what Python's tarfile reads out of the same one."""

import hashlib
import io
import itertools
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.errors import CommandError
from scripts.store.tar_stream import BLOCK, Head, TarStream


def make_tree(top: Path) -> None:
    """Make what tar writes in a way of its own: long names and links, odd bytes, every size around a block's."""
    for name, size in {"empty": 0, "one": 1, "block-less-one": 511, "block": 512, "block-and-one": 513, "two": 1024,
                       "zeros": 0, "big": 70_000, "x" * 99: 3, "y" * 100: 3, "z" * 101: 3, "w" * 255: 600,
                       "ends with newline\n": 2, "back\\slash": 2, " ": 2}.items():
        (top / name).write_bytes(bytes(index % 251 for index in range(size)))
    (top / "zeros").write_bytes(bytes(5 * BLOCK))
    deep = top / ("d" * 120) / ("e" * 120) / ("f" * 120)
    deep.mkdir(parents=True)
    (deep / "g").write_bytes(b"deep")
    (top / os.fsdecode(b"caf\xe9")).write_bytes(b"latin")
    (top / os.fsdecode(b"\xff" * 130)).write_bytes(b"no text")
    os.symlink("one", top / "link")
    os.symlink("l" * 300, top / "long-link")
    os.symlink("l" * 100, top / ("long-link-of-long-name-" + "n" * 120))
    os.link(top / "big", top / "second-name-of-big")
    os.link(deep / "g", top / "second-name-of-deep")
    os.mkfifo(top / "fifo")
    (top / "empty-folder").mkdir()


@pytest.fixture(scope="module")
def stream(tmp_path_factory) -> bytes:
    top = tmp_path_factory.mktemp("tree")
    make_tree(top)
    return subprocess.run(["tar", "-c", "--format=gnu", "-C", top, "."], capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def expected(stream) -> list[tuple[bytes, str | None]]:
    with tarfile.open(fileobj=io.BytesIO(stream), encoding="utf-8", errors="surrogateescape") as tar:
        return [(os.fsencode(member.name),
                 hashlib.sha256(tar.extractfile(member).read()).hexdigest() if member.isreg() else None)
                for member in tar]


@pytest.fixture(scope="module")
def content_end(stream) -> int:
    """Where the end mark begins."""
    with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
        last = tar.getmembers()[-1]
        return last.offset_data + -(-last.size // BLOCK) * BLOCK


class Noting:
    """Takes members and notes what tarfile would tell of them, and all their bytes."""

    def __init__(self) -> None:
        self.members: list[tuple[bytes, str | None]] = []
        self.passed = b""

    def begin(self, head: Head) -> None:
        self.name, self.hash = head.name.rstrip(b"/"), hashlib.sha256() if head.kind == "f" else None
        self.passed += head.raw

    def content(self, data: memoryview) -> None:
        self.hash.update(data)
        self.passed += data

    def end(self, padding: int) -> None:
        self.members.append((self.name, self.hash.hexdigest() if self.hash else None))
        self.passed += bytes(padding)


def look(pieces) -> tuple[TarStream, list[tuple[bytes, str | None]], bytes]:
    """Feed pieces; return the stream, its members and all that was told of them."""
    noting = Noting()
    seen = TarStream(noting)
    for piece in pieces:
        seen.feed(piece)
    return seen, noting.members, noting.passed


def cut(data: bytes, sizes: list[int]):
    position = 0
    for size in itertools.cycle(sizes):
        if position >= len(data):
            return
        yield data[position:position + size]
        position += size


@pytest.mark.parametrize("size", [1 << 20, 10240, 65536, 512, 511, 513, 100, 1024])
def test_members_and_digests_are_those_that_tarfile_finds(stream, expected, size):
    assert look(cut(stream, [size]))[1] == expected


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 3000) | st.sampled_from([511, 512, 513, 10240, 65536]), min_size=1, max_size=30))
def test_however_the_stream_is_cut_the_same_is_found_and_passed_on(stream, expected, content_end, sizes):
    seen, members, passed = look(cut(stream, sizes))
    assert members == expected
    assert passed == stream[:content_end]
    seen.finish()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_stream_that_stops_early_is_noticed(stream, content_end, data):
    length = data.draw(st.integers(0, content_end + BLOCK - 1))
    seen, _, passed = look(cut(stream[:length], [4096]))
    assert stream.startswith(passed)
    with pytest.raises(CommandError, match="end mark is missing"):
        seen.finish()


@pytest.mark.parametrize("before", [0, 1, 511, 512, 513, 1023, 1024, 5000])
def test_nothing_after_the_end_mark_is_passed_on(stream, content_end, before):
    at = content_end + before
    assert look([stream[:at], stream[at:], bytes(10240)])[2] == stream[:content_end]


def test_zeros_within_a_file_are_no_end_mark(stream, expected):
    assert (b"./zeros", hashlib.sha256(bytes(5 * BLOCK)).hexdigest()) in expected


def test_a_size_that_does_not_fit_octal_digits_is_understood():
    header = tarfile.TarInfo("huge")
    header.size = 9 << 30
    seen, members, passed = look([header.tobuf(tarfile.GNU_FORMAT), bytes(1 << 20)])
    assert (seen.is_ended, members, len(passed)) == (False, [], BLOCK + (1 << 20))


def test_an_empty_folder_s_stream_has_one_member(tmp_path):
    stream = subprocess.run(["tar", "-c", "--format=gnu", "-C", tmp_path, "."], capture_output=True, check=True).stdout
    assert look([stream])[1] == [(b".", None)]
