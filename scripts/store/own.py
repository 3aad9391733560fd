"""The members of an archive that are ours: folders, descriptions, the dump. Their heads are made here, not by tar.

One whose content is that of the previous archive keeps its time, so that it need not be packed again.
"""

import grp
import hashlib
import os
import pwd
import tarfile
import time
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import IO, Any

from scripts.hosts.moments import SECOND
from scripts.store import checksums, index, sizes
from scripts.store.index import CHUNK, Index, Member
from scripts.store.packing import Packer, Placed
from scripts.store.row import About, Row
from scripts.store.tar_stream import BLOCK
from scripts.store.walk import FILE, FOLDER

MODES = {FILE: 0o600, FOLDER: 0o700}


class Own:
    """Puts members of ours into the row; those that `add` gathers become one segment with `close`."""

    def __init__(self, top: str, packer: Packer, row: Row) -> None:
        self._top, self._packer, self._row = top, packer, row
        self._before = _known(packer.previous.index if packer.previous else None)
        self._raw, self._members = bytearray(), []

    def add(self, path: bytes, content: bytes | None) -> None:
        """Add a file, or, without content, a folder."""
        kind = FOLDER if content is None else FILE
        one = self._member(path, kind, len(content or b""), hashlib.sha256(content or b"").hexdigest())
        self._raw += self._head(one)
        self._raw += content or b""
        self._raw += bytes(-one.size % BLOCK)
        self._members.append(one)

    def end_mark(self, before: int) -> None:
        """Add the end of the tar stream; before is how long it is without what was added since the last `close`."""
        end = 2 * BLOCK
        self._raw += bytes(end + -(before + len(self._raw) + end) % (20 * BLOCK))    # tar's usual unit of writing

    def is_known(self) -> bool:
        """Whether the previous archive has a segment of just what was added."""
        previous = self._packer.previous
        return bool(previous and previous.with_content(hashlib.sha256(self._raw).hexdigest(), len(self._raw)))

    def close(self) -> None:
        """Put what was added into the row."""
        self._row.put(self._packer.submit(bytes(self._raw)), _about(self._members))
        self._raw, self._members = bytearray(), []

    def large(self, path: bytes, size: int, sha256: str, pieces: list[tuple[Placed, Any]]) -> None:
        """Put a file whose content is packed already; each piece comes with what the index notes of it."""
        one = self._member(path, FILE, size, sha256)
        self._row.piece(self._packer.submit(self._head(one)), path)
        for placed, tables in pieces:
            ready: Future[Placed] = Future()
            ready.set_result(placed)
            self._row.piece(ready, path, tables)
        self._row.whole(_about([one]))

    def large_file(self, path: bytes, content: Path) -> None:
        """Put a file of any size."""
        one = self._member(path, FILE, content.stat().st_size, checksums.of_file(content))
        self._row.piece(self._packer.submit(self._head(one)), path)
        with open(content, "rb") as file:
            for piece in cut(file, self._packer.sizes, -one.size % BLOCK):
                self._row.piece(self._packer.submit(piece), path)
        self._row.whole(_about([one]))

    def _member(self, path: bytes, kind: str, size: int, sha256: str) -> Member:
        """Return a member of ours; its time is that of the same one before, or now."""
        old = self._before.get(path)
        sha256 = sha256 if kind == FILE else ""
        is_same = old and (old.kind, old.size, old.sha256) == (kind, size, sha256)
        moment = old.mtime_ns if is_same else int(time.time()) * SECOND
        return Member(path, kind, size, moment, 0, 0, 0, MODES[kind], os.geteuid(), os.getegid(), b"", sha256)

    def _head(self, one: Member) -> bytes:
        """Return what comes before a member's content in the tar stream."""
        name = os.fsencode(self._top) + (b"/" + one.path if one.path else b"")
        info: Any = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
        info.type = tarfile.DIRTYPE if one.kind == FOLDER else tarfile.REGTYPE
        info.size, info.mtime, info.mode = one.size, one.mtime_ns // SECOND, one.mode
        info.uid, info.gid = one.uid, one.gid
        info.uname, info.gname = _names(one.uid, one.gid)
        return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def cut(file: IO[bytes], limits: sizes.Sizes, padding: int = 0):
    """Yield the content of a file in pieces, and so many bytes of zeros behind it."""
    waiting = bytearray()
    while data := file.read(CHUNK):
        waiting += data
        while len(waiting) > limits.most:
            place = sizes.cut(waiting, limits)
            yield bytes(waiting[:place])
            del waiting[:place]
    yield bytes(waiting) + bytes(padding)


def _known(previous: Index | None) -> dict[bytes, Member]:
    """Return the members of ours in the previous archive by their paths: those at its top."""
    if not previous:
        return {}
    return {member.path: member for segment in previous.segments if b"/" not in segment.first
            for member in previous.members(segment) if b"/" not in member.path}


def _about(members: list[Member]) -> About:
    return About(members[0].path, len(members), "", b"".join(map(index.described, members)),
                 b"".join(checksums.line(one.sha256, one.path) for one in members if one.sha256))


@cache
def _names(uid: int, gid: int) -> tuple[str, str]:
    """Return the names of an account and a group; empty for one that has none."""
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = ""
    try:
        return owner, grp.getgrgid(gid).gr_name
    except KeyError:
        return owner, ""
