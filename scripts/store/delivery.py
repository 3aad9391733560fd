"""Compares what tar was asked for with what it delivered: its exit code alone says too little."""

import collections
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.errors import ArchiveError, CommandError
from scripts.hosts.streams import Sink
from scripts.store.index import Member, Segment
from scripts.store.tar_stream import BLOCK
from scripts.store.tree import Tree

TAR_FAILED = 2          # among others: a file vanished between our list and tar's look
TAR = r"(?:\S*/)?tar: "
TAR_SAYS = re.compile(TAR)
WENT = r"(?:Cannot stat: (?:No such file or|Not a) directory|File removed before we read it)"
GONE = re.compile(rf"{TAR}(.*): {WENT}$")
HARMLESS = re.compile(rf"({WENT}|file changed as we read it|File shrank by \d+ bytes; padding with zeros"
                      r"|Exiting with failure status due to previous errors|socket ignored)$")


@dataclass(frozen=True)
class Asked:
    """One name that tar was asked for.

    text is what index.described says of its member; item is the place of what it belongs to in the plan. A member that
    is not wanted itself is there for a further name of it that is. Where old is set tar is not asked: the very same
    member is in that segment of the previous archive.
    """

    name: bytes
    member: Member
    text: bytes
    item: int
    is_wanted: bool = True
    old: Segment | None = None


class Delivery:
    """What tar was asked for and did not deliver yet; never all names."""

    def __init__(self, tree: Tree, top: bytes) -> None:
        self._tree, self._prefix = tree, top + b"/"
        self._asked: collections.deque[Asked] = collections.deque()
        self._missing: list[Asked] = []
        self._gone: set[str] = set()    # what tar told of as gone, in its own spelling

    def ask(self, names: Iterator[Asked], sink: Sink) -> None:
        waiting = bytearray()
        for asked in names:
            self._asked.append(asked)
            waiting += b"" if asked.old else asked.name + b"\0"
            if len(waiting) > 8 * BLOCK:
                sink.write(waiting)
                waiting = bytearray()
        sink.write(waiting)

    def up_to(self, name: bytes | None) -> Iterator[Asked]:
        """Yield what comes before a member, or before the end, and was not to come by tar.

        What was asked for before it and did not come is missing.
        """
        path = name.rstrip(b"/").removeprefix(self._prefix) if name is not None else None
        while self._asked and (self._asked[0].old or self._asked[0].member.path != path):
            asked = self._asked.popleft()
            if asked.old:
                yield asked
            else:
                self._missing.append(asked)

    def got(self, name: bytes) -> Asked:
        """Return what a member was asked for as; all before it was taken."""
        if self._asked:
            return self._asked.popleft()
        raise ArchiveError(f"tar packed {os.fsdecode(name)!r}, which it was not asked for")

    def excuse(self, error: CommandError) -> None:
        """Let tar's failure pass when all it says is that files came, went or changed meanwhile."""
        # Each line that is tar's: shells and sudo of other hosts say things too, whatever they start.
        lines = [line for line in error.whole_stderr.splitlines() if TAR_SAYS.match(line)]
        if error.code != TAR_FAILED or not lines:
            raise error
        for line in lines:
            if not HARMLESS.search(line):   # the error shows but the last lines
                raise CommandError(f"{self._tree.folder}: {line}", code=error.code, stderr=error.stderr) from error
            if found := GONE.match(line):
                self._gone.add(found[1])

    def vanished(self) -> list[str]:
        """Return what was asked for and is gone; raise ArchiveError for what is there and did not come.

        What tar told of was gone when it came there, though it may be there again: logs are moved away and begun anew.
        """
        missing = [asked.name for asked in self._missing if _spelt(asked.name) not in self._gone]
        for name in self._tree.present(missing) if missing else ():
            raise ArchiveError(f"{self._tree.folder}: tar left out {os.fsdecode(name)!r}, which is there")
        wanted = [asked.name for asked in self._missing if asked.is_wanted]
        return [os.fsdecode(os.path.join(os.fsencode(self._tree.folder), name[2:])) for name in wanted]


def _spelt(name: bytes) -> str:
    """Return a name as GNU tar prints it in messages (its quoting style "escape", in the locale C)."""
    return "".join(_LETTERS[byte] for byte in name)


_LETTERS = [chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}" for byte in range(256)]
for _letter, _escaped in zip("\a\b\f\n\r\t\v\\", "abfnrtv\\"):
    _LETTERS[ord(_letter)] = f"\\{_escaped}"
