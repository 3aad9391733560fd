"""Writes one archive from its parts: in which order they come, and what of them the previous archive has already."""

import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from scripts.hosts import process
from scripts.store import archive, checksums, index, manifest, pack, segments
from scripts.store.committing import Pending
from scripts.store.index import Header, Totals
from scripts.store.manifest import Part
from scripts.store.own import Own
from scripts.store.pack import Meanwhile
from scripts.store.packing import Packer, Placed
from scripts.store.previous import Previous
from scripts.store.reading_back import ReadBack
from scripts.store.row import Counts, Row
from scripts.store.segments import Fresh, Item, Planner
from scripts.store.tree import Tree

__all__ = ["Contents", "Dump", "Packed", "Tree", "write"]

FEW_BYTES = 4096       # of a tar stream: a tree that takes more is no mere folder
LIST_SMALL = 1 << 18   # bytes of a list that are packed again in no time, whatever changed
LIST_WHOLE = 16 << 20   # bytes; a list up to here is one segment, so that one changed file changes few segments


class Dump(Protocol):
    """A dump that is packed already: its pieces in order, each with what the index is to note of it.

    The last one has tar's padding; size_bytes and sha256 have not.
    """

    size_bytes: int
    sha256: str
    pieces: list[tuple[Placed, Any]]


@dataclass(frozen=True)
class Contents:
    """What goes into an archive.

    scratch is an empty folder of the manager; `scratch/top` holds external files by their names. describe gets what was
    packed so far and returns the text of our manifest; the list of checksums lies in list_path then.
    """

    top: str
    trees: tuple[Tree, ...]
    external: tuple[Part, ...]
    scratch: Path
    dump: "Future[Dump]"
    describe: Callable[["Packed"], bytes]

    @property
    def folder(self) -> Path:
        return self.scratch / self.top

    @property
    def list_path(self) -> Path:
        return self.folder / checksums.LIST_NAME


@dataclass
class Packed:
    """What went into an archive; damaged is how many segments of the one before were not whole.

    emptied are the folders of trees that held something in the one before, and are empty now.
    read_back has read some of it from the disk already. read_whole is when all of the site was read for the last time.
    """

    read_back: ReadBack
    files: int = 0
    counts: Counts = field(default_factory=Counts)
    meanwhile: Meanwhile = field(default_factory=Meanwhile)
    damaged: int = 0
    read_whole: str = ""
    emptied: list[str] = field(default_factory=list)

    @property
    def stream_bytes(self) -> int:
        return self.counts.raw_bytes


@dataclass(frozen=True)
class _Plan:
    """How the segments of a tree come about; its members were looked at from scanned on, by its host's clock."""

    tree: Tree
    items: list[Item]
    scanned: int


def write(pending: Pending, contents: Contents, packer: Packer, whole: str,
          on_bytes: Callable[[int], None]) -> Packed:
    """Pack everything into a partial archive, and its index beside it; the dump may still be running when this begins.

    whole is when all was read for the last time: then a file whose stat is what it was is not read. Without it all are.
    """
    previous = packer.previous
    with open(contents.scratch / "members", "w+b") as spool:
        planner = Planner(packer.sizes, spool, previous.index if previous else None, bool(whole))
        plans = _planned(contents, planner, packer)
        scanned = min((plan.scanned for plan in plans), default=0)
        header = Header(pending.final.name, packer.packed_as, contents.top, scanned, whole or archive.now())
        writer = index.Writer(pending.partial_index, header)
        descriptor = os.open(pending.partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with open(contents.list_path, "wb") as listing:
                row = Row(descriptor, writer, previous, listing, on_bytes)
                packed = _fill(contents, plans, planner, packer, row, ReadBack(pending.partial))
            packed.read_whole = header.read_whole
            packed.emptied = [plan.tree.folder for plan in plans if previous and _is_emptied(plan, planner, previous)]
            writer.finish(lambda count: Totals(row.size_bytes, packed.stream_bytes, count, packed.files))
        finally:
            writer.close()
            os.close(descriptor)
    return packed


def _planned(contents: Contents, planner: Planner, packer: Packer) -> list[_Plan]:
    """Look at all trees, and meanwhile at the bytes of the previous archive."""
    def plan() -> list[_Plan]:
        found = []
        for tree in contents.trees:
            scanned = tree.now()
            found.append(_Plan(tree, tree.look(partial(planner.plan, tree.inside)), scanned))
        planner.done()
        return found

    if not packer.previous:
        return plan()
    plans, _ = process.side_by_side(plan, packer.previous.check)
    return [_Plan(one.tree, segments.without_damaged(one.items, packer.previous.damaged), one.scanned) for one in plans]


def _is_emptied(plan: _Plan, planner: Planner, previous: Previous) -> bool:
    """Whether a tree that held something in the previous archive is its mere folder now."""
    if len(plan.items) > 1 or not isinstance(plan.items[0], Fresh) or plan.items[0].size > FEW_BYTES:
        return False
    held = sum(segment.count for segment in previous.index.below(plan.tree.inside))
    return held > 1 and sum(1 for _ in planner.members(plan.items[0])) == 1


def _fill(contents: Contents, plans: list[_Plan], planner: Planner, packer: Packer, row: Row,
          read_back: ReadBack) -> Packed:
    """Put the parts into the archive in their order.

    The top folder comes first: Tiki Manager takes its name from the archive's first bytes. What describes the rest
    comes last: a reader that finds it may trust everything before it.
    """
    packed = Packed(read_back, counts=row.counts)
    own = Own(contents.top, packer, row)
    _add_top(contents, own)
    for plan in plans:
        packed.meanwhile.add(pack.pack_tree(plan.tree, plan.items, planner, contents.top, plan.scanned, packer, row))
    read_back.follow(row.written())  # while the dump comes
    dump = contents.dump.result()
    own.large(manifest.DUMP_NAME.encode(), dump.size_bytes, dump.sha256, dump.pieces)
    packed.files = row.close_list()
    _add_list(contents.list_path, own, row, packer.previous is not None)
    read_back.follow(row.written())  # while that is packed
    own.add(manifest.OUR_NAME.encode(), contents.describe(packed))
    row.finish()
    own.end_mark(packed.stream_bytes)
    own.close()
    row.finish()
    packed.damaged = len(packer.previous.damaged) if packer.previous else 0
    return packed


def _add_top(contents: Contents, own: Own) -> None:
    parts = tuple(tree.part for tree in contents.trees) + contents.external
    own.add(b"", None)
    for name in sorted({os.fsencode(tree.part.folder.split("/")[0]) for tree in contents.trees}):
        own.add(name, None)
    own.add(manifest.OLD_NAME.encode(), manifest.old_text(parts))
    for part in contents.external:
        own.add(os.fsencode(part.folder), (contents.folder / part.folder).read_bytes())
    own.close()


def _add_list(path: Path, own: Own, row: Row, has_previous: bool) -> None:
    """Add the list of checksums: of itself where that is not packed again, or where it is large.

    Else together with what follows, so that few segments change. A large one is so too where two were packed before
    it, which one new file may take: with it and what follows they are three. The next backup packs it alone.
    """
    name = checksums.LIST_NAME.encode()
    if path.stat().st_size > LIST_WHOLE:
        own.large_file(name, path)
        return
    own.add(name, path.read_bytes())
    if own.is_known() or not has_previous or (path.stat().st_size > LIST_SMALL and row.counts.segments_packed != 2):
        own.close()
