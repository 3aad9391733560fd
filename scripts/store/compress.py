"""Which program packs and unpacks an archive on this machine: all cores where one is installed that uses them."""

import shutil

from scripts.errors import HostError
from scripts.hosts.command import Command
from scripts.hosts.host import MANAGER

BZIP2_PROGRAMS = ("lbzip2", "pbzip2", "bzip2")  # fastest first; one core only: bzip2


def compressor(packed: str) -> Command:
    """Return the command that packs its stdin to its stdout."""
    if packed == "zst":
        return MANAGER.command(_first(("zstd",)), "-q", "-3", "-T0", "-c")
    return MANAGER.command(_first(BZIP2_PROGRAMS), "-9", "-c")


def decompressor(packed: str) -> Command:
    """Return the command that unpacks its stdin to its stdout and fails on damage."""
    if packed == "zst":
        return MANAGER.command(_first(("zstd",)), "-q", "-d", "-T0", "-c")
    return MANAGER.command(_first(BZIP2_PROGRAMS), "-d", "-c")


def _first(programs: tuple[str, ...]) -> str:
    for program in programs:
        if shutil.which(program):
            return program
    raise HostError(f"manager: {' or '.join(programs)} is not installed. Next: apt-get install {programs[0]}")
