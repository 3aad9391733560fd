"""Reads what of a tree is to be packed, by tar, and hands it on in segments, with the sha256 of every file.

What tar really delivered is compared with what it was asked for: its exit code alone says too little.
"""

import collections
import hashlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from scripts.errors import ArchiveError, CommandError
from scripts.hosts import process
from scripts.hosts.streams import Sink, Source
from scripts.store import checksums, index, segments, sizes
from scripts.store.index import FILE, SECOND_NAME, Member, Segment
from scripts.store.packing import Packer, Placed
from scripts.store.row import About, Row
from scripts.store.segments import Fresh, Item, Kept, Planner
from scripts.store.tar_stream import BLOCK, Head, TarStream
from scripts.store.tree import Tree
from scripts.store.unchanged import Unchanged
from scripts.store.walk import in_order

TAR_DIFFERS = 1         # a file changed while it was read
TAR_FAILED = 2          # among others: a file vanished between our list and tar's look
TAR_SAYS = re.compile(r"(\S*/)?tar: ")
HARMLESS = re.compile(r"(Cannot stat: (No such file or|Not a) directory|File removed before we read it"
                      r"|file changed as we read it|File shrank by \d+ bytes; padding with zeros"
                      r"|Exiting with failure status due to previous errors|socket ignored)$")


@dataclass(frozen=True)
class Asked:
    """One name that tar was asked for. item is the place of what it belongs to in the plan.

    A member that is not wanted itself is there for a further name of it that is. Where old is set tar is not asked: the
    very same member is in that segment of the previous archive.
    """

    name: bytes
    member: Member
    item: int
    is_wanted: bool = True
    old: Segment | None = None


def pack_tree(tree: Tree, plan: list[Item], planner: Planner, top: str, scanned: int, packer: Packer,
              row: Row) -> list[str]:
    """Put a tree into the row as planned, read what is to be read, and return what vanished meanwhile.

    scanned is when its members were looked at. Raises ArchiveError when tar left something out.
    """
    delivery = _Delivery(tree, os.fsencode(top))
    unchanged = Unchanged(packer.previous, tree.inside) \
        if tree.is_far and packer.previous and planner.trusts_stats else None
    segmenting = _Segmenting(delivery, plan, scanned, packer, row, unchanged)
    if any(isinstance(item, Fresh) for item in plan):
        asked = _to_ask(plan, planner, tree.inside, unchanged)
        _read(tree, delivery, segmenting, asked, f"{top}/{tree.part.folder}")
    segmenting.finish()
    return delivery.vanished()


def _read(tree: Tree, delivery: "_Delivery", segmenting: "_Segmenting", asked: Iterator[Asked], prefix: str) -> None:
    # Names and hard links move below the prefix, the targets of symbolic links do not (S).
    tar = tree.tar(f"--transform=flags=rhS;s,^\\.,{_replacement(prefix)},")
    stream = TarStream(segmenting)

    def take(source: Source, sink: Sink) -> None:
        for chunk in tree.chunks(source):
            stream.feed(chunk)

    try:
        process.pipe(lambda source, sink: delivery.ask(asked, sink), tar, take, ok=(0, TAR_DIFFERS))
    except CommandError as error:
        delivery.excuse(error)
    stream.finish()


def _to_ask(plan: list[Item], planner: Planner, inside: bytes, unchanged: Unchanged | None) -> Iterator[Asked]:
    """Yield what tar is asked for, in order.

    Of a file whose first name lies in a segment that is kept, or is not asked for, tar has to see that name too, or it
    would not make the further name a link.
    """
    starts = [in_order(item.first) for item in plan]
    seen: set[bytes] = set()
    not_asked: set[bytes] = set()
    for place, item in enumerate(plan):
        if isinstance(item, Kept):
            continue
        for member in planner.members(item):
            if old := unchanged.holding(member) if unchanged else None:
                not_asked.add(member.path)
                yield Asked(_name(member.path, inside), member, place, old=old)
                continue
            first = member.target if member.kind == SECOND_NAME else b""
            if first and first not in seen and (
                    first in not_asked or isinstance(plan[segments.place_of(first, starts)], Kept)):
                seen.add(first)
                yield Asked(_name(first, inside), member._replace(path=first), place, is_wanted=False)
            yield Asked(_name(member.path, inside), member, place)


class _Segmenting:
    """Takes the members that tar delivers and puts segments of them into the row, between those that are kept."""

    def __init__(self, delivery: "_Delivery", plan: list[Item], scanned: int, packer: Packer, row: Row,
                 unchanged: Unchanged | None) -> None:
        self._unchanged = unchanged
        self._delivery, self._plan, self._scanned, self._packer, self._row = delivery, plan, scanned, packer, row
        self._next = 0              # of the plan: what was not begun
        self._item = -1
        self._raw = bytearray()
        self._texts = _Texts()
        self._member: Member | None = None      # None while one passes that is not wanted
        self._is_large = False
        self._hash = None

    def begin(self, head: Head) -> None:
        for asked in self._delivery.up_to(head.name):
            self._take_old(asked)
        self._begin(self._delivery.got(head.name), head)

    def _take_old(self, asked: Asked) -> None:
        """Take a member that tar was not asked for."""
        found = self._unchanged.recorded(asked.member.path, asked.old)
        self._begin(asked, found.head)
        if found.content:
            self.content(memoryview(found.content))
        self.end(found.padding)

    def _begin(self, asked: Asked, head: Head) -> None:
        self._member = None
        if not asked.is_wanted:
            return
        if asked.item != self._item:
            self._close()
            self._keep_up_to(asked.item)
            self._item, self._next = asked.item, asked.item + 1
        self._member = _delivered(asked.member, head)
        is_settled = self._member is asked.member and segments.is_settled(asked.member, self._scanned)
        self._hash = hashlib.sha256() if head.kind == FILE else None
        self._is_large = head.kind == FILE and head.size >= self._packer.sizes.large
        if self._is_large:
            self._close()
            self._row.piece(self._packer.submit(head.raw), self._member.path)
        else:
            self._raw += head.raw
        self._texts.is_settled &= is_settled

    def content(self, data: memoryview) -> None:
        if self._member is None:
            return
        self._hash.update(data)
        self._raw += data
        while self._is_large and len(self._raw) > self._packer.sizes.most:
            self._piece(sizes.cut(self._raw, self._packer.sizes))

    def end(self, padding: int) -> None:
        if self._member is None:
            return
        self._raw += bytes(padding)
        self._texts.add(self._member._replace(sha256=self._hash.hexdigest() if self._hash else ""))
        if self._is_large:
            self._piece(len(self._raw))
            self._row.whole(self._texts.about())
            self._texts = _Texts()
        self._member = None

    def finish(self) -> None:
        """Put the rest into the row."""
        for asked in self._delivery.up_to(None):
            self._take_old(asked)
        self._close()
        self._keep_up_to(len(self._plan))

    def _piece(self, length: int) -> None:
        with memoryview(self._raw) as view:
            placed = self._packer.submit(view[:length])
        self._row.piece(placed, self._member.path)
        del self._raw[:length]

    def _close(self) -> None:
        if self._raw:
            placed: Future[Placed] = self._packer.submit(self._raw)
            self._row.put(placed, self._texts.about())
            self._raw = bytearray()
        self._texts = _Texts()

    def _keep_up_to(self, place: int) -> None:
        for item in self._plan[self._next:place]:
            if isinstance(item, Kept):
                for segment in item.segments:
                    self._row.keep(segment)
        self._next = max(self._next, place)


@dataclass
class _Texts:
    """What the index will say of a segment, as it grows."""

    first: bytes | None = None
    count: int = 0
    members: bytearray = field(default_factory=bytearray)
    sums: bytearray = field(default_factory=bytearray)
    is_settled: bool = True

    def add(self, member: Member) -> None:
        self.first = member.path if self.first is None else self.first
        self.count += 1
        self.members += index.described(member)
        if member.sha256:
            self.sums += checksums.line(member.sha256, member.path)

    def about(self) -> About:
        state = index.state_of([self.members]) if self.is_settled else ""
        return About(self.first or b"", self.count, state, bytes(self.members), bytes(self.sums))


def _delivered(asked: Member, head: Head) -> Member:
    """Return a member as it is in the stream: the very same, unless it became something else since it was looked at."""
    if asked.kind == head.kind and (head.kind != FILE or asked.size == head.size):
        return asked
    target = asked.target if asked.kind == head.kind else b""
    return asked._replace(kind=head.kind, size=head.size if head.kind == FILE else asked.size, target=target)


class _Delivery:
    """Compares what tar was asked for with what it delivered, in order and without holding all names."""

    def __init__(self, tree: Tree, top: bytes) -> None:
        self._tree, self._prefix = tree, top + b"/"
        self._asked: collections.deque[Asked] = collections.deque()
        self._missing: list[Asked] = []

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

    def vanished(self) -> list[str]:
        """Return what was asked for and is gone; raise ArchiveError for what is there and did not come."""
        missing = [asked.name for asked in self._missing]
        for name in self._tree.present(missing) if missing else ():
            raise ArchiveError(f"{self._tree.folder}: tar left out {os.fsdecode(name)!r}, which is there")
        wanted = [asked.name for asked in self._missing if asked.is_wanted]
        return [os.fsdecode(os.path.join(os.fsencode(self._tree.folder), name[2:])) for name in wanted]


def _name(path: bytes, inside: bytes) -> bytes:
    """Return a member's path as tar is asked for it: from the tree's folder."""
    return b"." + path.removeprefix(inside)


def _replacement(text: str) -> str:
    """Return text as the right side of tar's s,,, expression."""
    return re.sub(r"([\\&,])", r"\\\1", text)
