"""The one moment at which an archive counts, and what is looked at before it; what killed runs left goes here too.

Until then everything bears `.partial`. Under its final name each segment of an archive was read from the disk, and its
sha256 is that of the bytes that came out as they went in when they were packed (packing.py).
"""

from dataclasses import dataclass
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.store import archive, index
from scripts.store.archive import Record
from scripts.store.reading_back import ReadBack


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


def commit(pending: Pending, record: Record, read_back: ReadBack) -> None:
    """Read the rest of an archive back from the disk and, when it is whole, let it count under its final name.

    Raises ArchiveError when something is not as it was packed; the archive is then removed.
    """
    final, partial = pending.final, pending.partial
    try:
        MANAGER.rename(str(pending.partial_index), str(index.beside(final)))
        digest = read_back.finish(index.read(index.beside(final), of_this_size=False).segments)
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
