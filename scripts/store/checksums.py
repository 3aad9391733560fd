"""The list of file checksums that travels in an archive, in the format of sha256sum.

`cd NAME && sha256sum -c trim-files.sha256` checks an unpacked archive without TRIM.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from scripts.errors import ArchiveError

LIST_NAME = "trim-files.sha256"
UNLISTED = (LIST_NAME, "trim-manifest.json")  # the list itself, and what is written after it
_ESCAPES = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_ODD = re.compile(rb"[\\\n\r]")
_UNESCAPES = {value: key for key, value in _ESCAPES.items()}


def line(digest: str, path: bytes) -> bytes:
    """Return one line of the list; an odd name is escaped as sha256sum does, with a backslash in front."""
    if not _ODD.search(path):   # as of nearly all of a hundred thousand
        return digest.encode() + b"  " + path + b"\n"
    escaped = _ODD.sub(lambda found: _ESCAPES[found[0]], path)
    return b"\\" + digest.encode() + b"  " + escaped + b"\n"


def read(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (sha256, path) of every line; raise ArchiveError for a line that is none."""
    with open(path, "rb") as lines:
        yield from parsed(lines)


def parsed(lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the same of the lines of a list."""
    for text in lines:
        found = re.fullmatch(rb"(\\?)([0-9a-f]{64})  (.+)\n", text, re.DOTALL)
        if not found:
            raise ArchiveError(f"{LIST_NAME}: not a checksum line: {text[:80]!r}")
        name = found[3]
        if found[1]:
            name = re.sub(rb"\\[\\nr]", lambda escape: _UNESCAPES[escape[0]], name)
        yield found[2].decode(), name


def of_file(path: str | bytes | Path) -> str:
    """Return the sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differences(folder: Path) -> list[str]:
    """Return what of an unpacked archive is not as its list says, a sentence each; [] when all is as recorded.

    A second name of a file (a hard link) is not in the list: its content is the first name's.
    """
    top = os.fsencode(folder)
    found: list[str] = []
    listed: set[bytes] = set()
    shared: set[tuple[int, int]] = set()
    for digest, path in read(folder / LIST_NAME):
        listed.add(path)
        full = os.path.join(top, path)
        try:
            status = os.lstat(full)
            if not stat.S_ISREG(status.st_mode) or of_file(full) != digest:
                found.append(f"{os.fsdecode(path)}: its content is not what was packed")
            if status.st_nlink > 1:
                shared.add((status.st_dev, status.st_ino))
        except OSError as error:
            found.append(f"{os.fsdecode(path)}: {error.strerror}")
    return found + [f"{os.fsdecode(path)}: is in the archive and not in its list"
                    for path in _unlisted(top, listed, shared)]


def _unlisted(top: bytes, listed: set[bytes], shared: set[tuple[int, int]]) -> Iterator[bytes]:
    """Yield the regular files below top that the list neither names nor knows by another name."""
    for folder, _, files in os.walk(top):
        for name in files:
            full = os.path.join(folder, name)
            relative = os.path.relpath(full, top)
            if relative in listed or os.fsdecode(relative) in UNLISTED:
                continue
            status = os.lstat(full)
            if stat.S_ISREG(status.st_mode) and (status.st_dev, status.st_ino) not in shared:
                yield relative
