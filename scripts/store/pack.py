"""Reads what of a tree is to be packed, by tar, and hands it on in segments, with the sha256 of every file.

What tar really delivered is compared with what it was asked for: its exit code alone says too little.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from scripts.errors import CommandError
from scripts.hosts import process
from scripts.hosts.moments import SECOND
from scripts.hosts.streams import Sink, Source
from scripts.store import checksums, index, segments, sizes
from scripts.store.delivery import Asked, Delivery
from scripts.store.index import Member
from scripts.store.packing import Packer, Placed
from scripts.store.row import About, Row
from scripts.store.segments import Fresh, Item, Kept, Planner
from scripts.store.tar_stream import Head, TarStream
from scripts.store.tree import Tree
from scripts.store.unchanged import Unchanged
from scripts.store.walk import FILE, SECOND_NAME, in_order


@dataclass
class Meanwhile:
    """What happened to a site while it was read: which files vanished, which ones may be torn."""

    vanished: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)

    def add(self, other: "Meanwhile") -> None:
        """Take in what happened to another tree."""
        self.vanished += other.vanished
        self.torn += other.torn


def pack_tree(tree: Tree, plan: list[Item], planner: Planner, top: str, scanned: int, packer: Packer,
              row: Row) -> Meanwhile:
    """Put a tree into the row as planned, read what is to be read, and return what happened to it meanwhile.

    scanned is when its members were looked at. Raises ArchiveError when tar left something out.
    """
    delivery = Delivery(tree, os.fsencode(top))
    unchanged = Unchanged(packer.previous, tree.inside) \
        if tree.is_far and packer.previous and planner.trusts_stats else None
    segmenting = _Segmenting(delivery, plan, scanned, packer, row, unchanged)
    if any(isinstance(item, Fresh) for item in plan):
        asked = _to_ask(plan, planner, tree.inside, unchanged)
        _read(tree, delivery, segmenting, asked, f"{top}/{tree.part.folder}")
    segmenting.finish()
    read = ((_name(member.path, tree.inside), member) for item in plan if isinstance(item, Fresh)
            for member, _ in planner.members(item))
    return Meanwhile(delivery.vanished(), delivery.torn(read))


def _read(tree: Tree, delivery: Delivery, segmenting: "_Segmenting", asked: Iterator[Asked], prefix: str) -> None:
    # Names and hard links move below the prefix, the targets of symbolic links do not (S).
    tar = tree.tar(f"--transform=flags=rhS;s,^\\.,{_replacement(prefix)},")
    stream = TarStream(segmenting)

    def take(source: Source, sink: Sink) -> None:
        for chunk in tree.chunks(source):
            stream.feed(chunk)

    try:
        process.pipe(lambda source, sink: delivery.ask(asked, sink), tar, take)
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
        for member, text in planner.members(item):
            if old := unchanged.holding(member, text) if unchanged else None:
                not_asked.add(member.path)
                yield Asked(_name(member.path, inside), member, text, place, old=old)
                continue
            first = member.target if member.kind == SECOND_NAME else b""
            if first and first not in seen and (
                    first in not_asked or isinstance(plan[segments.place_of(first, starts)], Kept)):
                seen.add(first)
                yield Asked(_name(first, inside), member._replace(path=first), b"", place, is_wanted=False)
            yield Asked(_name(member.path, inside), member, text, place)


class _Segmenting:
    """Takes the members that tar delivers and puts segments of them into the row, between those that are kept."""

    def __init__(self, delivery: Delivery, plan: list[Item], scanned: int, packer: Packer, row: Row,
                 unchanged: Unchanged | None) -> None:
        self._unchanged = unchanged
        self._delivery, self._plan, self._scanned, self._packer, self._row = delivery, plan, scanned, packer, row
        self._next = 0              # of the plan: what was not begun
        self._item = -1
        self._raw = _Raw()
        self._texts = _Texts()
        self._asked: Asked | None = None        # None while a member passes that is not wanted
        self._head: Head | None = None
        self._is_large = False
        self._hash = hashlib.sha256()

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
        self._asked = None
        if not asked.is_wanted:
            return
        if asked.item != self._item:
            self._close()
            self._keep_up_to(asked.item)
            self._item, self._next = asked.item, asked.item + 1
        self._asked, self._head, self._hash = asked, head, hashlib.sha256()
        self._is_large = head.kind == FILE and head.size >= self._packer.sizes.large
        if self._is_large:
            self._close()
            self._row.piece(self._packer.submit(head.raw), asked.member.path)
        else:
            self._raw.add(head.raw)

    def content(self, data: memoryview) -> None:
        if self._asked is None:
            return
        self._hash.update(data)
        self._raw.add(data)
        while self._is_large and self._raw.size > self._packer.sizes.most:
            self._piece(self._raw.cut(self._packer.sizes))

    def end(self, padding: int) -> None:
        asked = self._asked
        if asked is None:
            return
        if padding:
            self._raw.add(bytes(padding))
        member, text = asked.member, asked.text
        is_settled = segments.is_settled(member, self._scanned)
        if (other := _delivered(member, self._head)) is not member:
            text, is_settled = index.described(other), False
        self._texts.add(member.path, text, self._hash.hexdigest() if self._head.kind == FILE else "", is_settled)
        if self._is_large:
            self._piece(self._raw.taken())
            self._row.whole(self._texts.about())
            self._texts = _Texts()
        self._asked = None

    def finish(self) -> None:
        """Put the rest into the row."""
        for asked in self._delivery.up_to(None):
            self._take_old(asked)
        self._close()
        self._keep_up_to(len(self._plan))

    def _piece(self, raw: bytes) -> None:
        self._row.piece(self._packer.submit(raw), self._asked.member.path)

    def _close(self) -> None:
        if self._raw.size:
            placed: Future[Placed] = self._packer.submit(self._raw.taken())
            self._row.put(placed, self._texts.about())
        self._texts = _Texts()

    def _keep_up_to(self, place: int) -> None:
        for item in self._plan[self._next:place]:
            if isinstance(item, Kept):
                for segment in item.segments:
                    self._row.keep(segment)
        self._next = max(self._next, place)


class _Raw:
    """Bytes of a segment as they come, joined but once; what is added must stay as it is."""

    def __init__(self) -> None:
        self._pieces: list[bytes | memoryview] = []
        self.size = 0

    def add(self, data: bytes | memoryview) -> None:
        self._pieces.append(data)
        self.size += len(data)

    def taken(self) -> bytes:
        """Return all, and begin anew."""
        joined = b"".join(self._pieces)
        self._pieces, self.size = [], 0
        return joined

    def cut(self, limits: sizes.Sizes) -> bytes:
        """Return what comes before the first place to cut, and keep the rest."""
        joined = self.taken()
        place = sizes.cut(joined, limits)
        self.add(memoryview(joined)[place:])
        return joined[:place]


@dataclass
class _Texts:
    """What the index will say of a segment, as it grows."""

    first: bytes | None = None
    count: int = 0
    members: bytearray = field(default_factory=bytearray)
    sums: bytearray = field(default_factory=bytearray)
    is_settled: bool = True

    def add(self, path: bytes, text: bytes, sha256: str, is_settled: bool) -> None:
        self.first = path if self.first is None else self.first
        self.count += 1
        self.members += text
        self.is_settled &= is_settled
        if sha256:
            self.sums += checksums.line(sha256, path)

    def about(self) -> About:
        state = index.state_of([self.members]) if self.is_settled else ""
        return About(self.first or b"", self.count, state, bytes(self.members), bytes(self.sums))


def _delivered(asked: Member, head: Head) -> Member:
    """Return a member as it is in the stream: the very same, unless it became something else since it was looked at.

    It may be another one that bears its name for a while, as when a deployment puts folders in each other's place.
    """
    is_same_time = asked.mtime_ns // SECOND == head.mtime
    if is_same_time and asked.kind == head.kind and (head.kind != FILE or asked.size == head.size):
        return asked
    target = asked.target if asked.kind == head.kind else b""
    return asked._replace(kind=head.kind, size=head.size if head.kind == FILE else asked.size, target=target,
                          mtime_ns=asked.mtime_ns if is_same_time else head.mtime * SECOND)


def _name(path: bytes, inside: bytes) -> bytes:
    """Return a member's path as tar is asked for it: from the tree's folder."""
    return b"." + path.removeprefix(inside)


def _replacement(text: str) -> str:
    """Return text as the right side of tar's s,,, expression."""
    return re.sub(r"([\\&,])", r"\\\1", text)
