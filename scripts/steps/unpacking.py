"""Opens an archive for prove and restore: checked as a whole first, then unpacked, then checked again inside.

Nothing outside the scratch folder is touched before all of that is done.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.database import compare
from scripts.database.digest import DumpDigest, TableDigest
from scripts.errors import ArchiveError, DatabaseError, Fault, HostError
from scripts.hosts.local import MANAGER
from scripts.hosts.streams import CHUNK
from scripts.present import output
from scripts.registry import locks
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.store import checksums, index, manifest, reading, verify
from scripts.store.archive import Archive
from scripts.store.index import Index
from scripts.store.manifest import APP, Manifest, Part

FOREIGN_GROWTH = 10   # an archive without a record unpacks to at most about this much of its size


@dataclass(frozen=True)
class Unpacked:
    """An archive on the manager's disk. manifest is None for one of TRIM or Tiki Manager, found for one of no index."""

    archive: Archive
    top: Path
    parts: tuple[Part, ...]
    manifest: Manifest | None
    tables: dict[str, TableDigest]
    found: Index | None = None

    @property
    def app(self) -> Part:
        return next(part for part in self.parts if part.kind == APP)

    @property
    def dump(self) -> Path:
        return self.top / manifest.DUMP_NAME

    def folder(self, part: Part) -> Path:
        """Return where a part lies now."""
        return self.top / part.folder


@contextmanager
def opened(reader: Instance, archive: Archive, scratch: Path, unverified: bool, verb: str) -> Iterator[Unpacked]:
    """Yield an archive unpacked in scratch; retention leaves it alone meanwhile.

    Raises ArchiveError when anything in it is not as it was packed.
    """
    with locks.hold(reader.settings, [Lock(archive.path.name, exclusive=False)], verb):
        found = _checked(archive, unverified)
        _require_room(archive, scratch, _content_bytes(archive))
        place = scratch / "unpacked"
        MANAGER.make_folder(str(place), 0o700)
        top = verify.unpack(archive, place, found)
        yield _described(archive, top, lambda name: (top / name).exists(), found)


@contextmanager
def looked_through(reader: Instance, archive: Archive, scratch: Path, unverified: bool, verb: str
                   ) -> Iterator[Unpacked]:
    """Yield an archive of which everything was unpacked and compared, and nothing but its own files lies in scratch.

    One without an index is opened as `opened` does.
    """
    with locks.hold(reader.settings, [Lock(archive.path.name, exclusive=False)], verb):
        found = _checked(archive, unverified)
        place = scratch / "unpacked"
        MANAGER.make_folder(str(place), 0o700)
        if found is None:
            _require_room(archive, scratch, _content_bytes(archive))
            top = verify.unpack(archive, place)
            yield _described(archive, top, lambda name: (top / name).exists(), None)
            return
        _require_room(archive, scratch, verify.own_bytes(found))
        names = verify.check_all(archive, found, place)
        yield _described(archive, place, names.__contains__, found)


def _checked(archive: Archive, unverified: bool) -> Index | None:
    """Compare an archive with its sha256, and return its index; without a good one it is read in another way."""
    if not verify.check_file(archive, unverified):
        output.warn(f"{archive.path.name}: unverifiable: it has no sha256; it is checked as far as it can be read")
    return reading.index_of(archive, lambda fault: output.warn(
        f"{fault}. The archive itself is whole without it; the next backup reads and packs everything. To be rid of "
        f"this warning: rm {index.beside(archive.path)}"))


def _described(archive: Archive, top: Path, is_there: Callable[[str], bool], found: Index | None) -> Unpacked:
    """Return an archive whose own files lie in top; found: every byte of it was compared with this index of it.

    Then the dump is, byte by byte, what went by when its tables were counted and summed up.
    """
    try:
        ours = _manifest(top)
        old = manifest.parse_old(_required(top / manifest.OLD_NAME).read_bytes())
        parts = ours.parts if ours else old
        for part in parts:
            if not is_there(part.folder):
                raise ArchiveError(f"is no backup of an instance: {part.folder} is missing in it")
        _required(top / manifest.DUMP_NAME)
        tables = _recorded(ours) if ours and found else _tables(top / manifest.DUMP_NAME)
        if ours:
            _compare(ours, tables)
    except (ArchiveError, DatabaseError) as fault:
        raise ArchiveError(f"{archive.path.name}: {fault}. Nothing was changed. Try an older one: "
                           f"make archives INSTANCE={archive.instance}") from fault
    return Unpacked(archive, top, parts, ours, tables, found)


def _manifest(top: Path) -> Manifest | None:
    """Return our manifest, checked against the list it vouches for; None in a foreign archive."""
    if not (top / manifest.OUR_NAME).exists():
        return None
    ours = manifest.parse((top / manifest.OUR_NAME).read_bytes())
    if checksums.of_file(_required(top / checksums.LIST_NAME)) != ours.list_sha256:
        raise ArchiveError("is damaged: its list of checksums is not the one its manifest vouches for")
    return ours


def _required(path: Path) -> Path:
    if not path.exists():
        raise ArchiveError(f"is no backup of an instance: {path.name} is missing in it")
    return path


def _tables(dump: Path) -> dict[str, TableDigest]:
    """Return what the dump holds, table by table; raise DatabaseError when it lacks its end."""
    digest = DumpDigest()
    with open(dump, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.feed(chunk)
    return digest.finish()


def _recorded(ours: Manifest) -> dict[str, TableDigest]:
    return {name: TableDigest(table.rows, table.digest) for name, table in ours.tables.items()}


def _compare(ours: Manifest, tables: dict[str, TableDigest]) -> None:
    found = compare.differences(_recorded(ours), tables)
    if found:
        raise ArchiveError(f"is damaged: its dump is not what was dumped: {'; '.join(found[:3])}")


def _content_bytes(archive: Archive) -> int:
    record = archive.record
    return record.content_bytes if record and record.content_bytes else archive.size_bytes * FOREIGN_GROWTH


def _require_room(archive: Archive, scratch: Path, needed: int) -> None:
    free = MANAGER.free_bytes(str(scratch))
    if free < needed:
        raise HostError(f"{archive.path.name}: no space to unpack it: about {output.size(needed)} are needed in "
                        f"{scratch.parent}, and {output.size(free)} are free. Make room, or set WORK_DIR in "
                        "conf/settings.env")


def with_next_step(fault: Fault, step: str) -> Fault:
    """Return the same kind of fault with what to do next behind it."""
    return type(fault)(f"{str(fault).rstrip('.')}. {step}")
