"""A part of a site that this process cannot read itself: its host lists it, and its host's tar packs it."""

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from scripts.hosts import bandwidth, listing, moments
from scripts.hosts.command import Command
from scripts.hosts.host import Host
from scripts.hosts.listing import Entry
from scripts.hosts.stats import Folders
from scripts.hosts.streams import Source
from scripts.store import walk
from scripts.store.tree import T, Tree
from scripts.store.walk import SECOND_NAME, TEXT, FirstNames

SOCKET = "s"


@dataclass(frozen=True)
class FarTree(Tree):
    """Such a part. folders tells what is in it when asked for place, and of all trees of a site at once.

    left_out has the last word.
    """

    host: Host
    folders: Folders
    place: int

    @property
    def is_far(self) -> bool:
        return self.host.is_remote

    def look(self, take: Callable[[Iterator[bytes]], T]) -> T:
        return take(walk.in_chunks(self._texts()))

    def _texts(self) -> Iterator[bytes]:
        first_names, gone = FirstNames(), None
        is_left_out = walk.meant_by(self.left_out)
        for found in self.folders.stats(self.place):
            if gone is not None and found.path.startswith(gone):
                continue
            gone = None
            if found.path and is_left_out(os.fsdecode(found.path)):
                gone = found.path + b"/"
            elif found.kind != SOCKET:
                path = self.inside + b"/" + found.path if found.path else self.inside
                first = first_names.first(path, found.kind, found.dev, found.inode) if found.names > 1 else b""
                yield TEXT % (path, (SECOND_NAME if first else found.kind).encode(), *found[2:10],
                              first or found.target)

    def now(self) -> int:
        return self.folders.clock()

    def tar(self, *options: str) -> Command:
        # In English: some of what it says is read. Numbers of owners alone: the manager knows other names for them.
        return self.host.command("env", "LC_ALL=C", "tar", "-c", "--format=gnu", "--numeric-owner", "--no-recursion",
                                 "--null", *options, "-C", self.folders.real_path(self.place), "-f", "-", "-T", "-")

    def present(self, names: Collection[bytes]) -> list[bytes]:
        found = self._named(names)
        return [name for name in names if name == b"." or name in found]

    def at(self, names: Collection[bytes]) -> dict[bytes, tuple[int, int]]:
        return {name: (entry.size, moments.nanoseconds(entry.time)) for name, entry in self._named(names).items()} \
            if names else {}

    def _named(self, names: Collection[bytes]) -> dict[bytes, Entry]:
        relative = (os.fsdecode(name).removeprefix("./") for name in names)
        found = listing.named(self.host, self.folders.real_path(self.place), relative)
        return {b"./" + os.fsencode(name): entry for name, entry in found.items()}

    def chunks(self, source: Source) -> Iterator[bytes]:
        return bandwidth.chunks(source) if self.is_far else source.chunks()
