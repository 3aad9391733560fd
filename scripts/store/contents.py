"""Looks into an archive without unpacking it: one pass tells every member, and the sha256 of every file.

Only the dump and the small descriptions at the archive's top come to the disk. Archives of TRIM and Tiki Manager, which
have no list of checksums, tell as much.
"""

import hashlib
import tarfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from scripts.errors import ArchiveError, CommandError
from scripts.hosts import process
from scripts.hosts.listing import FILE, FOLDER, LINK, Entry
from scripts.hosts.streams import CHUNK, Sink, Source
from scripts.store import checksums, compress, manifest, verify
from scripts.store.archive import Archive
from scripts.store.manifest import APP, DATA, Manifest, Part

KINDS = {tarfile.SYMTYPE: LINK, tarfile.DIRTYPE: FOLDER, tarfile.FIFOTYPE: "p", tarfile.CHRTYPE: "c",
         tarfile.BLKTYPE: "b"}
KEPT = (manifest.DUMP_NAME, manifest.OUR_NAME, manifest.OLD_NAME, checksums.LIST_NAME)
END_MARK = bytes(1024)


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
    _pass_through(archive, lambda members, member: _take(found, members, member))
    try:
        _describe(found)
    except ArchiveError as fault:
        raise ArchiveError(f"{archive.path.name}: {fault}. Nothing was changed. Try another one: make archives "
                           f"INSTANCE={archive.instance}") from fault
    return found


def files(found: Contents, paths: Collection[str]) -> dict[str, bytes]:
    """Return what is in some files, by path below the archive's top folder; a second pass."""
    texts: dict[str, bytes] = {}

    def take(members: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = _below_top(member.name)
        if path in paths and member.isreg():
            texts[path] = members.extractfile(member).read()

    _pass_through(found.archive, take)
    return texts


def _pass_through(archive: Archive, take: Callable[[tarfile.TarFile, tarfile.TarInfo], None]) -> None:
    def stage(source: Source, sink: Sink) -> None:
        reader = _Reader(source)
        with tarfile.open(fileobj=reader, mode="r|", bufsize=CHUNK, encoding="utf-8",
                          errors="surrogateescape") as members:
            for member in members:
                take(members, member)
                members.members = []  # tarfile would keep all of them
        reader.drain()

    try:
        with open(archive.path, "rb") as file:
            process.pipe(compress.decompressor(archive.packed), stage, out_of=file)
    except (CommandError, tarfile.TarError, EOFError) as error:
        raise ArchiveError(f"{archive.path.name}: cannot be read: {error}") from error


class _Reader:
    """What tarfile reads from; knows whether the stream had its end mark, which tarfile does not ask for."""

    def __init__(self, source: Source) -> None:
        self._source, self._end = source, b""

    def read(self, size: int) -> bytes:
        pieces, missing = [], size
        while missing and (data := self._source.read(missing)):
            pieces.append(data)
            missing -= len(data)
        whole = b"".join(pieces)
        self._end = (self._end + whole)[-len(END_MARK):]
        return whole

    def drain(self) -> None:
        """Read on to the end; raise ReadError when the stream stopped early: between two files nobody would notice."""
        while self.read(CHUNK):
            pass
        if self._end != END_MARK:
            raise tarfile.ReadError("it stops before its end mark")


def _take(found: Contents, members: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    top, path = member.name.removeprefix("./").split("/", 1)[0], _below_top(member.name)
    if top == ".":
        return
    found.top = found.top or top
    if top != found.top:
        raise tarfile.ReadError("it has several entries at its top instead of one folder, so it is no backup")
    if member.islnk():  # a second name of a file that came before
        first = _below_top(member.linkname)
        if first not in found.entries:
            raise tarfile.ReadError(f"{path}: is a second name of {first}, which is not in it")
        found.entries[path] = found.entries[first]
        found.sums[path] = found.sums.get(first, "")
        return
    found.entries[path] = Entry(KINDS.get(member.type, FILE), f"{member.mode & 0o7777:o}",
                                member.uname or str(member.uid), member.gname or str(member.gid), member.size,
                                str(member.mtime), member.linkname if member.issym() else "")
    if member.isreg():
        found.sums[path] = _summed(found, members, member, path)


def _summed(found: Contents, members: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> str:
    """Return the sha256 of a member's content, which is kept when it is one of the archive's own files."""
    total = hashlib.sha256()
    content = members.extractfile(member)
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


def _below_top(name: str) -> str:
    """Return a member's path below the one folder at the archive's top; that folder itself is ""."""
    return name.removeprefix("./").rstrip("/").partition("/")[2]
