"""Compares the members of a tar stream with an index while they pass, and keeps the archive's own files."""

import hashlib
import os
from itertools import zip_longest
from pathlib import Path
from typing import IO

from scripts.store import checksums, manifest
from scripts.store.index import Index, Member
from scripts.store.tar_stream import Head
from scripts.store.walk import FILE

KEPT = (manifest.DUMP_NAME, manifest.OUR_NAME, manifest.OLD_NAME, checksums.LIST_NAME)


class Differs(Exception):
    """What came is not what the index, or the list of checksums, says."""


class Checking:
    """Takes the members of a whole archive. parts are the paths of what lies two folders deep: where parts begin."""

    def __init__(self, found: Index, folder: Path) -> None:
        self._found, self._folder = found, folder
        self._top = os.fsencode(found.header.top)
        self._members = found.all_members()
        self._member: Member | None = None
        self._hash = hashlib.sha256()
        self._kept: IO[bytes] | None = None
        self.parts: set[str] = set()

    def begin(self, head: Head) -> None:
        path = head.name.rstrip(b"/").removeprefix(self._top).removeprefix(b"/")
        self._member = next(self._members, None)
        if self._member is None or (self._member.path, self._member.kind) != (path, head.kind):
            raise Differs(f"{os.fsdecode(path)!r} is not where its index has it")
        if path.count(b"/") <= 1:
            self.parts.add(os.fsdecode(path))
        self._hash = hashlib.sha256()
        if head.kind == FILE and os.fsdecode(path) in KEPT:
            self._kept = open(self._folder / os.fsdecode(path), "xb")

    def content(self, data: memoryview) -> None:
        self._hash.update(data)
        if self._kept:
            self._kept.write(data)

    def end(self, padding: int) -> None:
        if self._kept:
            self._kept.close()
            self._kept = None
        if self._member.kind == FILE and self._hash.hexdigest() != self._member.sha256:
            raise Differs(f"{os.fsdecode(self._member.path)!r} is not what was packed")

    def finish(self) -> None:
        """Raise Differs when members are missing, or when the archive's list is another one than the index's."""
        if next(self._members, None):
            raise Differs("members that its index names are missing in it")
        listed = checksums.read(self._folder / checksums.LIST_NAME) \
            if (self._folder / checksums.LIST_NAME).exists() else iter(())
        unlisted = set(map(os.fsencode, checksums.UNLISTED))
        summed = ((member.sha256, member.path) for member in self._found.all_members()
                  if member.kind == FILE and member.path not in unlisted)
        for ours, theirs in zip_longest(summed, listed):
            if ours != theirs:
                path = os.fsdecode((ours or theirs)[1])
                raise Differs(f"{path!r} is not what its list of checksums says")
