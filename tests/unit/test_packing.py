"""Pieces really packed, by the programs of this machine."""

import os
import resource
import subprocess
from pathlib import Path

import pytest

from scripts.errors import ArchiveError, CommandError
from scripts.store import compress, sizes
from scripts.store.packing import Packer

PROGRAMS = {"bz2": "bzip2", "zst": "zstd"}


@pytest.mark.parametrize("packed_as", ["bz2", "zst"])
def test_what_is_packed_comes_out_as_it_went_in_and_in_order(tmp_path, packed_as):
    pieces = [os.urandom(1000 * number) + bytes(50_000) for number in range(40)]
    with Packer(packed_as, tmp_path) as packer:
        placed = [one.result() for one in [packer.submit(piece) for piece in pieces]]
    row = b"".join(Path(one.path).read_bytes() for one in placed)
    unpacked = subprocess.run([PROGRAMS[packed_as], "-dc"], input=row, capture_output=True, check=True).stdout
    assert unpacked == b"".join(pieces)
    assert [one.raw_length for one in placed] == [len(piece) for piece in pieces]
    assert len(row) == sum(one.length for one in placed)


def test_what_is_taken_over_leaves_nothing_behind(tmp_path):
    with Packer("bz2", tmp_path) as packer:
        for one in [packer.submit(b"x" * number) for number in range(1, 50)]:
            one.result().remove()
    assert not list((tmp_path / "segments").iterdir())


def test_many_pieces_wait_for_the_packers(tmp_path):
    with Packer("bz2", tmp_path) as packer:
        futures = [packer.submit(b"%d" % number) for number in range(500)]
        assert len(packer._waiting) <= packer._most_waiting
        assert all(future.result().is_new for future in futures)


def test_a_program_that_fails_fails_whoever_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(compress, "_first", lambda programs: "false")
    with pytest.raises(CommandError), Packer("bz2", tmp_path) as packer:
        packer.submit(b"x").result()
    with pytest.raises(CommandError), Packer("bz2", tmp_path / "segments") as packer:
        for _ in range(1000):
            packer.submit(b"x")


def test_a_program_that_leaves_nothing_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(compress, "_first", lambda programs: "true")
    with pytest.raises(FileNotFoundError), Packer("bz2", tmp_path) as packer:
        packer.submit(b"x").result()


@pytest.mark.parametrize("packed_as", ["bz2", "zst"])
@pytest.mark.parametrize("wrong", [lambda data: data[:-9], lambda data: data[:40] + b"\0\xff" + data[42:],
                                   lambda data: b"", lambda data: data + data, lambda data: data + b"more"])
def test_what_does_not_come_out_again_is_a_fault(tmp_path, monkeypatch, packed_as, wrong):
    """As of a program that ends well with half its output."""
    press = type(compress.press(packed_as))
    real = press.pack

    def pack(self, pieces):
        pieces = [*pieces]
        real(self, pieces)
        for path, _ in pieces:
            packed = Path(compress.beside(path, packed_as))
            packed.write_bytes(wrong(packed.read_bytes()))
    monkeypatch.setattr(press, "pack", pack)
    with pytest.raises(ArchiveError, match=f"packed as {packed_as} does not come out again as it was. Next: "), \
            Packer(packed_as, tmp_path) as packer:
        packer.submit(os.urandom(5000) + bytes(90_000)).result()


def test_a_disk_that_gets_full_within_a_piece_is_a_fault(tmp_path):
    """The first write that does not fit is short, and no error; so it is with files that may not grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"), Packer("bz2", tmp_path) as packer:
            packer.submit(bytes(150_000)).result()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_fault_of_the_caller_ends_the_packers(tmp_path):
    with pytest.raises(KeyError), Packer("bz2", tmp_path) as packer:
        for _ in range(40):
            packer.submit(os.urandom(500_000))
        raise KeyError
    assert not any(thread.is_alive() for thread in packer._threads)


# Where content is cut

def cuts(data: bytes, packed_as: str) -> list[bytes]:
    limits, found = sizes.SIZES[packed_as], []
    while len(data) > limits.most:
        place = sizes.cut(data, limits)
        found.append(data[:place])
        data = data[place:]
    return found


def log(lines: int) -> bytes:
    return b"".join(b"10.0.%d.%d - [%d] GET /tiki-index.php?page=%d 200\n" % (number % 7, number * 31 % 251, number,
                                                                              number * 7919 % 1009)
                    for number in range(lines))


@pytest.mark.parametrize("packed_as", ["bz2", "zst"])
@pytest.mark.parametrize("kind", ["random", "log", "zeros"])
def test_every_piece_is_within_its_limits(packed_as, kind):
    data = {"random": os.urandom, "log": lambda size: log(size // 40), "zeros": bytes}[kind](12 << 20)
    limits = sizes.SIZES[packed_as]
    found = cuts(data, packed_as)
    assert found and all(limits.least <= len(piece) <= limits.most for piece in found)


@pytest.mark.parametrize("kind", ["random", "log"])
def test_what_is_put_in_changes_few_pieces(kind):
    data = os.urandom(9 << 20) if kind == "random" else log(220_000)
    before = cuts(data, "bz2")
    after = cuts(data[:3_000_000] + b"put in" + data[3_000_000:], "bz2")
    assert len(set(after) - set(before)) <= 4
