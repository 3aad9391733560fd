"""A part of a site where it lies: what is in it, and the tar that reads some of it."""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.local import MANAGER
from scripts.hosts.streams import Sink, Source
from scripts.store import texts, walk
from scripts.store.manifest import Part

T = TypeVar("T")


@dataclass(frozen=True)
class Tree:
    """A part of a site that the manager reads in place; a tree of another host is one too, with other answers.

    folder is where it lies on its host. Names are relative to it as tar takes them: `.` and `./a/b`. left_out is an
    expression of the paths below it that stay out (walk.expression); empty: none.
    """

    part: Part
    folder: str
    left_out: str

    is_far: ClassVar[bool] = False
    """Whether its bytes have to travel: then what is here already is not asked for again."""

    @property
    def inside(self) -> bytes:
        """Return where it lies below the archive's top folder; the paths of its members begin with it."""
        return os.fsencode(self.part.folder)

    def look(self, take: Callable[[Iterator[bytes]], T]) -> T:
        """Hand take, in chunks, the texts of the folder itself and of all below it, and return what it returns.

        They are those of index.described, in the order of walk.in_order. Of the names of one file all but the first
        are of kind walk.SECOND_NAME; target is that first one. Sockets are not told, and what vanishes meanwhile is
        passed over.
        """
        taken: list[T] = []
        command = MANAGER.command(*walk.command(self.folder, self.inside, self.left_out))

        def hand_on(source: Source, sink: Sink) -> None:
            taken.append(take(texts.whole(source.chunks(), f"[manager] look at {self.folder}")))

        process.read_through(replace(command, shown=f"[manager] look at {self.folder}"), hand_on)
        return taken[0]

    def now(self) -> int:
        """Return the time by the clock that sets its files' times, in ns."""
        return time.time_ns()

    def tar(self, *options: str) -> Command:
        """Return the tar that packs, to its stdout, what NUL-ended names on its stdin say, without what is below."""
        return MANAGER.command("tar", "-c", "--format=gnu", "--no-recursion", "--null", *options, "-C", self.folder,
                               "-f", "-", "-T", "-")

    def chunks(self, source: Source) -> Iterator[bytes]:
        """Yield what that tar prints, no faster than it may come."""
        return source.chunks()

    def present(self, names: Collection[bytes]) -> list[bytes]:
        """Return those of these names that are there; links are not followed."""
        folder = os.fsencode(self.folder)
        return [name for name in names if os.path.lexists(os.path.join(folder, name))]

    def at(self, names: Collection[bytes]) -> dict[bytes, tuple[int, int]]:
        """Return size and mtime, in ns, of those of these names that are there; links are not followed."""
        folder, found = os.fsencode(self.folder), {}
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                status = os.lstat(os.path.join(folder, name))
                found[name] = status.st_size, status.st_mtime_ns
        return found
