"""Writes one archive from its parts: in which order they come, and the one moment at which it counts.

Until then everything bears `.partial`; an archive under its final name was unpacked whole from the disk.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from scripts.hosts import process
from scripts.hosts.host import MANAGER
from scripts.hosts.streams import Sink, Source
from scripts.store import archive, checksums, compress, manifest, verify
from scripts.store.archive import Record
from scripts.store.manifest import Part
from scripts.store.pack import ArchiveStream, Packed
from scripts.store.walk import LeaveOut


@dataclass(frozen=True)
class Tree:
    """A part of a site and where the manager reads it."""

    part: Part
    folder: str
    leave_out: LeaveOut


@dataclass(frozen=True)
class Contents:
    """What goes into an archive.

    scratch is an empty folder of the manager; `scratch/top` holds external files by their names and, once dump is
    done, the dump. describe gets what was packed so far and returns the text of our manifest.
    """

    top: str
    trees: tuple[Tree, ...]
    external: tuple[Part, ...]
    scratch: Path
    dump: "Future[object]"
    describe: Callable[[Packed], bytes]

    @property
    def folder(self) -> Path:
        return self.scratch / self.top


def write(partial: Path, packed_as: str, contents: Contents, on_bytes: Callable[[int], None]) -> Packed:
    """Pack everything into partial, on all cores; the dump may still be running when this begins."""
    packed: list[Packed] = []

    def stage(source: Source, sink: Sink) -> None:
        stream = ArchiveStream(sink, contents.top, contents.folder / checksums.LIST_NAME, on_bytes)
        packed.append(_fill(stream, contents))

    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        process.pipe(stage, compress.compressor(packed_as), into=file)
    return packed[0]


def commit(partial: Path, final: Path, packed_as: str, stream_sha256: str, record: Record) -> None:
    """Read partial back from the disk and, when it is whole, let it count under its final name.

    Raises ArchiveError when it is not; partial is then removed.
    """
    try:
        digest = verify.read_back(partial, packed_as, stream_sha256)
        MANAGER.write(str(archive.companion(final, ".sha256")), f"{digest}  {final.name}\n".encode(), 0o600)
        archive.write_record(final, record)
        MANAGER.rename(str(partial), str(final))
        MANAGER.sync(str(final))
    except BaseException:
        MANAGER.remove(str(partial))
        raise


def clear_leftovers(folder: Path) -> list[str]:
    """Remove what a killed run left in an archive folder; return the names. Only with the store's lock held."""
    removed = []
    for path in sorted(folder.glob(f"*{archive.PARTIAL}")):
        MANAGER.remove(str(path))
        removed.append(path.name)
    for ending in (".sha256", ".record.json"):
        for path in sorted(folder.glob(f"*.tar.*{ending}")):
            if not path.with_name(path.name.removesuffix(ending)).exists():
                MANAGER.remove(str(path))
                removed.append(path.name)
    return removed


def _fill(stream: ArchiveStream, contents: Contents) -> Packed:
    """Put the parts into the stream in their order.

    The top folder comes first: Tiki Manager takes its name from the archive's first bytes. What describes the rest
    comes last: a reader that finds it may trust everything before it.
    """
    parts = tuple(tree.part for tree in contents.trees) + contents.external
    (contents.folder / manifest.OLD_NAME).write_bytes(manifest.old_text(parts))
    folders = sorted({tree.part.folder.split("/")[0] for tree in contents.trees})
    for name in folders:
        (contents.folder / name).mkdir()
    stream.add_files(str(contents.scratch), _below(contents, "", *folders, manifest.OLD_NAME,
                                                   *(part.folder for part in contents.external)))
    for tree in contents.trees:
        stream.add_tree(tree.folder, tree.part.folder, tree.leave_out)
    contents.dump.result()
    stream.add_files(str(contents.scratch), _below(contents, manifest.DUMP_NAME))
    stream.close_list()
    (contents.folder / manifest.OUR_NAME).write_bytes(contents.describe(stream.packed))
    stream.add_files(str(contents.scratch), _below(contents, checksums.LIST_NAME, manifest.OUR_NAME))
    stream.finish()
    return stream.packed


def _below(contents: Contents, *names: str) -> list[str]:
    return [f"{contents.top}/{name}".rstrip("/") for name in names]
