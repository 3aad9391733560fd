"""What packs and unpacks archives on this machine: programs on all cores where one uses them, or a library."""

import bz2
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from scripts.errors import HostError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.local import MANAGER

BZIP2_PROGRAMS = ("lbzip2", "pbzip2", "bzip2")  # fastest first; one core only: bzip2
CORES = {"lbzip2": "-n", "pbzip2": "-p"}
MOST_CORES = 4          # of one program: each takes eight megabytes
LARGE = 4_000_000       # bytes of one piece that are packed on several cores
AT_ONCE = 1 << 17   # packed bytes that are unpacked at once
# Of a real Tiki no more than bz2 makes of it: a hundredth less than level 7 with segments of 4 MB, in four fifths of
# its time. A window holds a whole segment.
ZSTD = {"window_log": 22, "hash_log": 20, "chain_log": 19, "search_log": 4, "min_match": 5}


def compressor() -> Command:
    """Return the command that packs its stdin to its stdout as zst: for what is kept beside archives."""
    return MANAGER.command(_first(("zstd",)), "-q", "-3", "-T0", "-c")


def decompressor(packed: str) -> Command:
    """Return the command that unpacks its stdin to its stdout and fails on damage."""
    if packed == "zst":
        return MANAGER.command(_first(("zstd",)), "-q", "-d", "-T0", "-c")
    return MANAGER.command(_first(BZIP2_PROGRAMS), "-d", "-c")


def unpacked(packed: str, data: bytes) -> bytes:
    """Return what one segment holds; raises ValueError when it does not unpack, or has more behind it."""
    return b"".join(press(packed).unpacked(data))


def press(packed: str) -> "Press":
    """Return what packs and unpacks pieces, each by itself; for one thread."""
    return _Zst() if packed == "zst" else _Bz2()


def beside(path: str, packed: str) -> str:
    """Return where the packed form of a file lies."""
    return f"{path}.{packed}"


class Press(ABC):
    """Packs pieces and unpacks them, each by itself. faults are what the library of its form raises."""

    packed_as: ClassVar[str]
    faults: tuple[type[Exception], ...]

    @abstractmethod
    def pack(self, pieces: Iterable[tuple[str, bytes]]) -> None:
        """Write the packed form of each piece beside the path that comes with it, where nothing lies."""

    def unpacked(self, data: bytes) -> Iterator[bytes]:
        """Yield what one packed piece holds, bit by bit; raises ValueError when it does not unpack, or is not alone."""
        stream = self._stream()
        try:
            for start in range(0, len(data), AT_ONCE):
                if stream.eof:
                    raise ValueError("there is more behind it")
                yield stream.decompress(data[start:start + AT_ONCE])
        except self.faults as error:
            raise ValueError(str(error)) from error
        if not stream.eof or stream.unused_data:
            raise ValueError("it is not one whole stream")

    @abstractmethod
    def _stream(self) -> Any: ...


class _Bz2(Press):
    """Packs by programs: they take two thirds of the time of the library. What is unpacked goes through that."""

    packed_as = "bz2"
    faults = (OSError, ValueError)

    def pack(self, pieces: Iterable[tuple[str, bytes]]) -> None:
        paths = [_write(path, raw) for path, raw in pieces]
        if not paths:
            return
        program, largest = _first(BZIP2_PROGRAMS), max(map(os.path.getsize, paths))
        cores = min(len(os.sched_getaffinity(0)), MOST_CORES) if largest > LARGE else 1
        words = [f"{CORES[program]}{cores}"] if program in CORES else []
        process.read(MANAGER.command(program, *words, "-k", "-9", "--", *paths))
        for path in paths:
            os.unlink(path)

    def _stream(self) -> bz2.BZ2Decompressor:
        return bz2.BZ2Decompressor()


class _Zst(Press):
    """Packs in this process: to start zstd for four megabytes costs as much as to pack them."""

    packed_as = "zst"

    def __init__(self) -> None:
        import zstandard  # here: most verbs pack nothing
        self.faults = (zstandard.ZstdError,)
        self._packer = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(
            **ZSTD, strategy=zstandard.STRATEGY_LAZY, write_checksum=True))
        self._unpacker = zstandard.ZstdDecompressor()

    def pack(self, pieces: Iterable[tuple[str, bytes]]) -> None:
        for path, raw in pieces:
            _write(beside(path, self.packed_as), self._packer.compress(raw))

    def _stream(self) -> Any:
        return self._unpacker.decompressobj()


def _write(path: str, data: bytes) -> str:
    with open(path, "wb") as file:      # buffered: it writes all or raises, where a disk is full
        file.write(data)
    return path


def _first(programs: tuple[str, ...]) -> str:
    for program in programs:
        if shutil.which(program):
            return program
    raise HostError(f"manager: {' or '.join(programs)} is not installed. Next: apt-get install {programs[0]}")
