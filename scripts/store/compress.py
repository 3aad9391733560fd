"""Which program packs and unpacks an archive on this machine: all cores where one is installed that uses them."""

import bz2
import shutil
from dataclasses import replace

from scripts.errors import HostError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.host import MANAGER

BZIP2_PROGRAMS = ("lbzip2", "pbzip2", "bzip2")  # fastest first; one core only: bzip2
ONE_CORE = {"lbzip2": ("-n1",), "pbzip2": ("-p1",), "bzip2": (), "zstd": ("-T1",)}
ENDING = {"bz2": ".bz2", "zst": ".zst"}
ZSTD_LEVEL = "-6"   # of segments of 4 MB: a tenth less than bz2 makes of the same tree, in a fifth of the time


def compressor() -> Command:
    """Return the command that packs its stdin to its stdout as zst: for what is kept beside archives."""
    return MANAGER.command(_first(("zstd",)), "-q", "-3", "-T0", "-c")


def packing(packed: str, files: list[str]) -> Command:
    """Return the command that packs each of these files on one core, beside it, with its ENDING."""
    program = _first(("zstd",) if packed == "zst" else BZIP2_PROGRAMS)
    level = ("-q", "-f", ZSTD_LEVEL) if packed == "zst" else ("-k", "-9")
    return MANAGER.command(program, *ONE_CORE[program], *level, "--", *files)


def decompressor(packed: str) -> Command:
    """Return the command that unpacks its stdin to its stdout and fails on damage."""
    if packed == "zst":
        return MANAGER.command(_first(("zstd",)), "-q", "-d", "-T0", "-c")
    return MANAGER.command(_first(BZIP2_PROGRAMS), "-d", "-c")


def unpacked(packed: str, data: bytes) -> bytes:
    """Return what one segment holds; raises OSError, ValueError or CommandError when it does not unpack."""
    if packed == "bz2":
        return bz2.decompress(data)     # sooner than a program starts
    return process.read(replace(decompressor(packed), stdin=data))


def _first(programs: tuple[str, ...]) -> str:
    for program in programs:
        if shutil.which(program):
            return program
    raise HostError(f"manager: {' or '.join(programs)} is not installed. Next: apt-get install {programs[0]}")
