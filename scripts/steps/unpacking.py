"""Opens an archive for prove and restore: checked as a whole first, then unpacked, then checked again inside.

Nothing outside the scratch folder is touched before all of that is done.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.database import compare
from scripts.database.digest import DumpDigest, TableDigest
from scripts.errors import ArchiveError, DatabaseError, Fault, HostError
from scripts.hosts.host import MANAGER
from scripts.hosts.streams import CHUNK
from scripts.present import output
from scripts.registry import locks
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.store import checksums, manifest, verify
from scripts.store.archive import Archive
from scripts.store.manifest import APP, Manifest, Part

FOREIGN_GROWTH = 10   # an archive without a record unpacks to at most about this much of its size


@dataclass(frozen=True)
class Unpacked:
    """An archive on the manager's disk. manifest is None for one of TRIM or Tiki Manager."""

    archive: Archive
    top: Path
    parts: tuple[Part, ...]
    manifest: Manifest | None
    tables: dict[str, TableDigest]

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
        if not verify.check_file(archive, unverified):
            output.warn(f"{archive.path.name}: unverifiable: it has no sha256; it is checked as far as it can be read")
        _require_room(archive, scratch)
        place = scratch / "unpacked"
        MANAGER.make_folder(str(place), 0o700)
        top = verify.unpack(archive, place)
        yield _described(archive, top)


def _described(archive: Archive, top: Path) -> Unpacked:
    try:
        ours = _manifest(top)
        old = manifest.parse_old(_required(top / manifest.OLD_NAME).read_bytes())
        parts = ours.parts if ours else old
        for part in parts:
            _required(top / part.folder)
        tables = _tables(_required(top / manifest.DUMP_NAME))
        if ours:
            _compare(ours, tables)
    except (ArchiveError, DatabaseError) as fault:
        raise ArchiveError(f"{archive.path.name}: {fault}. Nothing was changed. Try an older one: "
                           f"make archives INSTANCE={archive.instance}") from fault
    return Unpacked(archive, top, parts, ours, tables)


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


def _compare(ours: Manifest, tables: dict[str, TableDigest]) -> None:
    recorded = {name: TableDigest(table.rows, table.digest) for name, table in ours.tables.items()}
    found = compare.differences(recorded, tables)
    if found:
        raise ArchiveError(f"is damaged: its dump is not what was dumped: {'; '.join(found[:3])}")


def _require_room(archive: Archive, scratch: Path) -> None:
    record = archive.record
    needed = record.content_bytes if record and record.content_bytes else archive.size_bytes * FOREIGN_GROWTH
    free = MANAGER.free_bytes(str(scratch))
    if free < needed:
        raise HostError(f"{archive.path.name}: no space to unpack it: about {output.size(needed)} are needed in "
                        f"{scratch.parent}, and {output.size(free)} are free. Make room, or set WORK_DIR in "
                        "conf/settings.env")


def with_next_step(fault: Fault, step: str) -> Fault:
    """Return the same kind of fault with what to do next behind it."""
    return type(fault)(f"{str(fault).rstrip('.')}. {step}")
