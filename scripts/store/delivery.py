"""Compares what tar was asked for with what it delivered: its exit code alone says too little."""

import collections
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scripts.errors import ArchiveError, CommandError
from scripts.hosts.streams import Sink
from scripts.store.index import Member, Segment
from scripts.store.tar_stream import BLOCK
from scripts.store.tree import Tree
from scripts.store.walk import FILE

TAR_DIFFERS = 1         # a file changed while it was read
TAR_FAILED = 2          # among others: a file vanished between our list and tar's look
TAR = r"(?:\S*/)?tar: "
TAR_SAYS = re.compile(TAR)
CHANGED, SHRANK = "file changed as we read it", r"File shrank by \d+ bytes; padding with zeros"
SAID_OF = re.compile(rf"{TAR}(.*): (?:({CHANGED})|({SHRANK}))$")
# A file may go between two of tar's calls for it, too. Names are those that we ask for: the tree has to be there. There
# are too many links where one took a file's place (tar opens none), or one that leads to itself a folder's.
GONE = re.compile(rf"{TAR}(\.(?:/.*)?): (?:Cannot (?:stat|open|readlink): (?:(?:No such file or|Not a) directory"
                  r"|Too many levels of symbolic links)|Cannot readlink: Invalid argument"
                  r"|File removed before we read it)$")
HARMLESS = re.compile(r"(?:Exiting with failure status due to previous errors|socket ignored)$")


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
        self._changed: set[str] = set()
        self._shrunk: set[str] = set()

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
        has_failed = error.code != TAR_DIFFERS
        if has_failed and (error.code != TAR_FAILED or not lines):
            raise error
        for line in lines:
            if said := SAID_OF.match(line):
                (self._changed if said[2] else self._shrunk).add(said[1])
            elif found := GONE.match(line):
                self._gone.add(found[1])
            elif has_failed and not HARMLESS.search(line):   # the error shows but the last lines
                raise CommandError(f"{self._tree.folder}: {line}", code=error.code, stderr=error.stderr) from error

    def torn(self, asked: Iterable[tuple[bytes, Member]]) -> list[str]:
        """Return which of the files that were asked for, by their names, may be half of one and half of another.

        Those that tar found shorter than a moment before and filled up with zeros, and those that were written to and
        did not grow. One that grew is, as logs are, what it was when tar came to it.
        """
        if not self._changed and not self._shrunk:
            return []
        told = {name: member for name, member in asked
                if member.kind == FILE and _spelt(name) in self._changed | self._shrunk}
        at = self._tree.at(told)
        return [self._path(name) for name, member in told.items()
                if _spelt(name) in self._shrunk or (name in at and _was_rewritten(member, *at[name]))]

    def vanished(self) -> list[str]:
        """Return what was asked for and is gone; raise ArchiveError for what is there and did not come.

        What tar told of was gone when it came there, though it may be there again: logs are moved away and begun anew.
        """
        missing = [asked.name for asked in self._missing if _spelt(asked.name) not in self._gone]
        for name in self._tree.present(missing) if missing else ():
            raise ArchiveError(f"{self._tree.folder}: tar left out {os.fsdecode(name)!r}, which is there")
        return [self._path(asked.name) for asked in self._missing if asked.is_wanted]

    def _path(self, name: bytes) -> str:
        return os.fsdecode(os.path.join(os.fsencode(self._tree.folder), name[2:]))


def _was_rewritten(member: Member, size: int, mtime_ns: int) -> bool:
    """Whether a file that changed under tar's hands has other content: another name of it, or another mode, is none."""
    return mtime_ns != member.mtime_ns and size <= member.size


def _spelt(name: bytes) -> str:
    """Return a name as GNU tar prints it in messages (its quoting style "escape", in the locale C)."""
    return "".join(_LETTERS[byte] for byte in name)


_LETTERS = [chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}" for byte in range(256)]
for _letter, _escaped in zip("\a\b\f\n\r\t\v\\", "abfnrtv\\"):
    _LETTERS[ord(_letter)] = f"\\{_escaped}"
