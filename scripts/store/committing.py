"""The one moment at which an archive counts, and what is looked at before it; what killed runs left goes here too.

Until then everything bears `.partial`. Under its final name each segment of an archive was read from the disk and found
to be what the index says: those that were packed by unpacking them, those that were copied by their sha256.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import ArchiveError
from scripts.hosts import process, stall
from scripts.hosts.host import MANAGER
from scripts.store import archive, index, reading, verify
from scripts.store.archive import Archive, Record
from scripts.store.index import CHUNK, Index, Segment


@dataclass(frozen=True)
class Pending:
    """An archive that does not count yet, under the name that it will have."""

    final: Path
    packed_as: str

    @property
    def partial(self) -> Path:
        return archive.companion(self.final, archive.PARTIAL)

    @property
    def partial_index(self) -> Path:
        return archive.companion(self.final, index.ENDING + archive.PARTIAL)


def commit(pending: Pending, record: Record, fresh: list[int] | None) -> None:
    """Read an archive back from the disk and, when it is whole, let it count under its final name.

    fresh are the numbers of the segments that are unpacked as well, because they are new; None means all. Raises
    ArchiveError when something is not as it was packed; the archive is then removed.
    """
    final, partial = pending.final, pending.partial
    try:
        MANAGER.rename(str(pending.partial_index), str(index.beside(final)))
        digest = read_back(partial, index.read(index.beside(final), of_this_size=False), pending, fresh)
        MANAGER.sync(str(index.beside(final)))
        MANAGER.write(str(archive.companion(final, ".sha256")), f"{digest}  {final.name}\n".encode(), 0o600)
        archive.write_record(final, record)
        MANAGER.rename(str(partial), str(final))
        MANAGER.sync(str(final))
    except BaseException:
        drop(pending)
        raise


def drop(pending: Pending) -> None:
    """Remove all there is of an archive, unless it counts."""
    MANAGER.remove(str(pending.partial), str(pending.partial_index))
    if not pending.final.exists():
        MANAGER.remove(*(str(archive.companion(pending.final, ending)) for ending in archive.COMPANIONS))


def read_back(partial: Path, found: Index, pending: Pending, fresh: list[int] | None) -> str:
    """Return the sha256 of an archive that was just written, as it is on the disk.

    Raises ArchiveError when a segment is not what the index says, packed or unpacked.
    """
    verify.forget_cached(partial)
    unpacked = found.segments if fresh is None else [found.segments[number] for number in fresh]
    digest, _ = process.side_by_side(lambda: _read(partial, found),
                                     lambda: _unpack(partial, found, pending.packed_as, unpacked))
    return digest


def clear_leftovers(folder: Path) -> list[str]:
    """Remove what a killed run left in an archive folder; return the names. Only with the store's lock held."""
    removed = []
    for path in sorted(folder.glob(f"*{archive.PARTIAL}")):
        MANAGER.remove(str(path))
        removed.append(path.name)
    for ending in archive.COMPANIONS:
        for path in sorted(folder.glob(f"*.tar.*{ending}")):
            if not path.with_name(path.name.removesuffix(ending)).exists():
                MANAGER.remove(str(path))
                removed.append(path.name)
    return removed


def _read(partial: Path, found: Index) -> str:
    """Read a file once: return its sha256, having compared each segment's."""
    whole = hashlib.sha256()
    with open(partial, "rb", buffering=0) as file:
        for segment in found.segments:
            part, left = hashlib.sha256(), segment.length
            while left and (data := file.read(min(CHUNK, left))):
                whole.update(data)
                part.update(data)
                left -= len(data)
                stall.watcher.moved(len(data))
            if part.hexdigest() != segment.sha256:
                raise _other(partial, segment)
        if file.read(1):
            raise ArchiveError(f"{partial.name}: is longer than what was written")
    return whole.hexdigest()


def _unpack(partial: Path, found: Index, packed_as: str, segments: list[Segment]) -> None:
    """Unpack segments; each is compared on the way."""
    def refuse(segment: Segment, why: str) -> None:
        raise _other(partial, segment)

    as_archive = Archive(partial, found.header.top, "", packed_as, None)
    reading.through(as_archive, found, segments, lambda raws: sum(1 for _ in raws), refuse)


def _other(partial: Path, segment: Segment) -> ArchiveError:
    return ArchiveError(f"{partial.name}: what was read back is not what was packed, from byte {segment.offset} on; "
                        "the disk or the packing program is at fault")
