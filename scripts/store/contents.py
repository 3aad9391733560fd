"""Looks into an archive without unpacking it: one pass tells every member, and the sha256 of every file.

Only the dump and the small descriptions at the archive's top come to the disk. Archives of TRIM and Tiki Manager, which
have no list of checksums, tell as much.
"""

import hashlib
import os
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from scripts.errors import ArchiveError
from scripts.hosts.listing import FILE, FOLDER, LINK, Entry
from scripts.hosts.streams import CHUNK
from scripts.store import checksums, manifest, members, picking, reading, verify
from scripts.store.archive import Archive
from scripts.store.manifest import APP, DATA, Manifest, Part
from scripts.store.members import Passing

KINDS = {tarfile.SYMTYPE: LINK, tarfile.DIRTYPE: FOLDER, tarfile.FIFOTYPE: "p", tarfile.CHRTYPE: "c",
         tarfile.BLKTYPE: "b"}
KEPT = (manifest.DUMP_NAME, manifest.OUR_NAME, manifest.OLD_NAME, checksums.LIST_NAME)


@dataclass
class Contents:
    """What an archive holds. entries and sums are by path below the archive's one top folder.

    folder is where its dump and descriptions lie now; manifest is None for one of TRIM or Tiki Manager.
    """

    archive: Archive
    folder: Path
    top: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)
    manifest: Manifest | None = None
    parts: tuple[Part, ...] = ()

    @property
    def dump(self) -> Path:
        return self.folder / manifest.DUMP_NAME

    def below(self, part: Part) -> dict[str, Entry]:
        """Return what a part holds, by path below it; the part's own folder is ""."""
        start = f"{part.folder}/"
        return {path[len(start):] if path != part.folder else "": entry for path, entry in self.entries.items()
                if path == part.folder or path.startswith(start)}


def read(archive: Archive, folder: Path, unverified: bool = False) -> Contents:
    """Return what an archive holds, its dump being put into folder, which is there and empty.

    Raises ArchiveError when it is damaged or no backup of an instance; who calls holds the archive's lock.
    """
    verify.check_file(archive, unverified)
    found = Contents(archive, folder)
    members.each(archive, reading.index_of(archive), lambda passing: _take(found, passing))
    try:
        _describe(found)
    except ArchiveError as fault:
        raise ArchiveError(f"{archive.path.name}: {fault}. Nothing was changed. Try another one: make archives "
                           f"INSTANCE={archive.instance}") from fault
    return found


def files(archive: Archive, paths: Collection[str]) -> dict[str, bytes]:
    """Return what is in some files, by path below the archive's top folder; without an index by a pass through all."""
    wanted, texts = set(map(os.fsencode, paths)), {}

    def take(passing: Passing) -> None:
        if passing.path in wanted and passing.info.isreg():
            texts[os.fsdecode(passing.path)] = passing.content().read()

    found = reading.index_of(archive)
    segments = found and picking.holding_any(found, wanted)
    members.each(archive, found, take, segments)
    return texts


def told(archive: Archive) -> Manifest | None:
    """Return what an archive tells of itself; None where that is lost, or another program's."""
    try:
        return manifest.parse(files(archive, [manifest.OUR_NAME])[manifest.OUR_NAME])
    except (ArchiveError, KeyError):
        return None


def parts(archive: Archive) -> tuple[Part, ...]:
    """Return the parts that an archive's oldest description names; raise ArchiveError when it is no backup."""
    return parts_in(archive, files(archive, [manifest.OLD_NAME]))


def parts_in(archive: Archive, descriptions: Mapping[str, bytes]) -> tuple[Part, ...]:
    """Return the same from a description that was read already."""
    try:
        if manifest.OLD_NAME not in descriptions:
            raise ArchiveError(f"is no backup of an instance: {manifest.OLD_NAME} is missing in it")
        return manifest.parse_old(descriptions[manifest.OLD_NAME])
    except ArchiveError as fault:
        raise ArchiveError(f"{archive.path.name}: {fault}") from fault


def _take(found: Contents, passing: Passing) -> None:
    top, path, member = passing.top, os.fsdecode(passing.path), passing.info
    if top == ".":
        return
    found.top = found.top or top
    if top != found.top:
        raise tarfile.ReadError("it has several entries at its top instead of one folder, so it is no backup")
    if member.islnk():  # a second name of a file that came before
        first = members.below_top(member.linkname)
        if first not in found.entries:
            raise tarfile.ReadError(f"{path}: is a second name of {first}, which is not in it")
        found.entries[path] = found.entries[first]
        found.sums[path] = found.sums.get(first, "")
        return
    found.entries[path] = Entry(KINDS.get(member.type, FILE), f"{member.mode & 0o7777:o}",
                                member.uname or str(member.uid), member.gname or str(member.gid), member.size,
                                str(member.mtime), member.linkname if member.issym() else "")
    if member.isreg():
        found.sums[path] = _summed(found, passing.content(), path)


def _summed(found: Contents, content: IO[bytes], path: str) -> str:
    """Return the sha256 of a member's content, which is kept when it is one of the archive's own files."""
    total = hashlib.sha256()
    kept = open(found.folder / path, "xb") if path in KEPT else None
    try:
        while data := content.read(CHUNK):
            total.update(data)
            if kept:
                kept.write(data)
    finally:
        if kept:
            kept.close()
    return total.hexdigest()


def _describe(found: Contents) -> None:
    """Read the archive's own descriptions and check the sums against its list, when it has one."""
    if (found.folder / manifest.OUR_NAME).exists():
        found.manifest = manifest.parse((found.folder / manifest.OUR_NAME).read_bytes())
        _require(found, checksums.LIST_NAME)
        if found.sums[checksums.LIST_NAME] != found.manifest.list_sha256:
            raise ArchiveError("is damaged: its list of checksums is not the one its manifest vouches for")
        for digest, path in checksums.read(found.folder / checksums.LIST_NAME):
            name = path.decode("utf-8", "surrogateescape")
            if found.sums.get(name) != digest:
                raise ArchiveError(f"is damaged: {name!r} is not what was packed")
    old = manifest.parse_old(_require(found, manifest.OLD_NAME).read_bytes())
    _require(found, manifest.DUMP_NAME)
    found.parts = tuple(part for part in (found.manifest.parts if found.manifest else old)
                        if part.kind in (APP, DATA))
    for part in found.parts:
        if part.folder not in found.entries:
            raise ArchiveError(f"is no backup of an instance: {part.folder} is missing in it")


def _require(found: Contents, name: str) -> Path:
    if name not in found.sums:
        raise ArchiveError(f"is no backup of an instance: {name} is missing in it")
    return found.folder / name

