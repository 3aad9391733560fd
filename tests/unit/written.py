"""Archives really written, of folders, without a database: what the tests of segments share."""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from scripts.store import archive, committing, index, walk, write
from scripts.store.archive import Record
from scripts.store.committing import Pending
from scripts.store.index import Index, Member
from scripts.store.manifest import APP, DATA, Part
from scripts.store.packing import Packer
from scripts.store.previous import Previous
from scripts.store.row import Counts
from scripts.store.sizes import SIZES, Sizes
from scripts.store.tree import Tree
from scripts.store.write import Packed
from tests.lab.compare import describe_tree

SMALL = {"bz2": Sizes(20_000, 12), "zst": Sizes(40_000, 13)}    # a few files make many segments
DUMP = b"-- a dump\n" * 300
LATER_NS = 10_000_000_000


class CalmTree(Tree):
    """A tree all of whose times are of long ago: its clock is ahead of them."""

    def now(self) -> int:
        return time.time_ns() + LATER_NS


@dataclass
class Written:
    """One archive of the row, and what became of its bytes."""

    path: Path
    packed: Packed

    @property
    def counts(self) -> Counts:
        return self.packed.counts

    @property
    def index(self) -> Index:
        return index.read(index.beside(self.path))

    def extracted(self, folder: Path) -> Path:
        """Unpack by GNU tar; return the top folder."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        subprocess.run(["tar", "-x", "-p", "-C", folder, "-f", self.path], check=True)
        return folder / "blog"


class Archives:
    """A folder of archives of some trees, each made from the one before."""

    def __init__(self, place: Path, folders: list[Path], packed_as: str = "bz2", kind: type[Tree] = CalmTree) -> None:
        self.place, self.packed_as, self._kind, self._count = place, packed_as, kind, 0
        place.mkdir(exist_ok=True)
        self.parts = [Part(DATA if number else APP, str(folder)) for number, folder in enumerate(folders)]
        self.last: Written | None = None

    def write(self, previous: Path | None = None, trusts: bool = True, dump: bytes = DUMP,
              unpacks_all: bool = False, meanwhile: Callable[[], object] = lambda: None) -> Written:
        """Write the next archive, from the last one where no other is given; without trust in stats all is read."""
        self._count += 1
        scratch = self.place / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        (scratch / "blog").mkdir(parents=True)
        pending = Pending(self.place / f"blog_2026-11-21_00-00-{self._count:02}.tar.{self.packed_as}", self.packed_as)
        before = previous or (self.last.path if self.last else None)
        try:
            packed = self._pack(pending, before, scratch, trusts, dump, unpacks_all, meanwhile)
        except BaseException:
            committing.drop(pending)    # as steps.archiving
            raise
        committing.commit(pending, Record("backup", archive.now(), "24"), packed.read_back)
        assert not list((scratch / "segments").iterdir())
        self.last = Written(pending.final, packed)
        return self.last

    def _pack(self, pending: Pending, before: Path | None, scratch: Path, trusts: bool, dump: bytes, unpacks_all: bool,
              meanwhile: Callable[[], object]) -> Packed:
        with ExitStack() as held:
            opened = held.enter_context(Previous(before)) if before else None
            packer = held.enter_context(Packer(self.packed_as, scratch, opened, unpacks_all))
            placed = packer.submit(dump + bytes(-len(dump) % 512)).result()
            dumped = Future()
            dumped.set_result(SimpleNamespace(size_bytes=len(dump), sha256=hashlib.sha256(dump).hexdigest(),
                                              pieces=[(placed, {"rows": 1})]))

            def describe(packed: Packed) -> bytes:
                meanwhile()
                return b'{"moment": %d}' % self._count

            trees = tuple(self._kind(part, part.path, "") for part in self.parts)
            contents = write.Contents("blog", trees, (), scratch, dumped, describe)
            return write.write(pending, contents, packer, archive.now() if trusts and before else "",
                               lambda count: None)


def use_small_segments(monkeypatch) -> None:
    """Cut archives so that a few files make many segments."""
    for packed_as, sizes in SMALL.items():
        monkeypatch.setitem(SIZES, packed_as, sizes)


def members(tree: Tree) -> list[Member]:
    """Return what is in a tree, as it lies."""
    return tree.look(lambda chunks: list(index.parsed(b"".join(chunks))))


def describe(top: Path) -> dict[bytes, object]:
    """Return all there is to know of a tree, times of folders too."""
    folders = {member.path: member.mtime_ns // 10**9 for text in walk.texts(str(top), b".")
               for member in index.parsed(text) if member.kind == walk.FOLDER}
    return {**describe_tree(top), b"folders": folders}


def grow(folder: Path, names: list[str], size: int = 3000) -> None:
    """Make files of hard to pack content."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(os.urandom(size))
