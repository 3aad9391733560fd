"""A part of a site where it lies: what is in it, and the tar that reads some of it."""

import os
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar

from scripts.hosts.command import Command
from scripts.hosts.host import MANAGER
from scripts.hosts.streams import Source
from scripts.store import walk
from scripts.store.index import Member
from scripts.store.manifest import Part
from scripts.store.walk import LeaveOut


@dataclass(frozen=True)
class Tree:
    """A part of a site that the manager reads in place; a tree of another host is one too, with other answers.

    folder is where it lies on its host. Names are relative to it as tar takes them: `.` and `./a/b`.
    """

    part: Part
    folder: str
    leave_out: LeaveOut

    is_far: ClassVar[bool] = False
    """Whether its bytes have to travel: then what is here already is not asked for again."""

    @property
    def inside(self) -> bytes:
        """Return where it lies below the archive's top folder; the paths of its members begin with it."""
        return os.fsencode(self.part.folder)

    def members(self) -> Iterator[Member]:
        """Yield the folder itself and all below it with its stat, in the order of walk.in_order.

        No sha256. Of the names of one file all but the first are of kind index.SECOND_NAME; target is that first one.
        Sockets are not yielded, and what vanishes meanwhile is passed over.
        """
        return walk.members(self.folder, self.inside, self.leave_out)

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
