"""Decides what of a tree is taken from the previous archive as it is, what is read, and where segments begin.

Segments follow the previous archive: one begins wherever one of that began, so that a file which comes or goes shifts
nothing. What is new in between is cut by size; one that grew is cut in two, a tiny one is joined with its neighbour. A
large file is a row of segments of its own. A segment is taken as it is when all that the stats of its members say is
what it was, and was old enough then to tell of every later change.
"""

import bisect
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import IO, NamedTuple

from scripts.store import index
from scripts.store.index import MEMBERS, Index, Member, Segment
from scripts.store.sizes import Sizes
from scripts.store.tar_stream import BLOCK
from scripts.store.texts import Texts, Told
from scripts.store.walk import FILE, SECOND_NAME, in_order

RACE_NS = 2_000_000_000     # the coarsest clock of a file system: FAT's
LONG_NAME = 90              # bytes of a path; with the top folder before it tar needs two blocks more


@dataclass(frozen=True)
class Kept:
    """One segment of the previous archive, or all pieces of a large file, which are taken as they are.

    leans_on are the first names of those files that have a further name (a hard link) in it.
    """

    segments: tuple[Segment, ...]
    leans_on: tuple[bytes, ...] = ()

    @property
    def first(self) -> bytes:
        return self.segments[0].first

    @property
    def size(self) -> int:
        return sum(segment.raw_length for segment in self.segments)

    @property
    def is_large(self) -> bool:
        return self.segments[0].kind != MEMBERS


@dataclass(frozen=True)
class Text:
    """Where the spool tells of members, as index.described does."""

    offset: int
    length: int


@dataclass(frozen=True)
class Fresh:
    """Members that are read and packed together. texts say where it is told who they are."""

    first: bytes
    size: int
    texts: tuple[Text | Segment, ...]
    is_large: bool = False


Item = Kept | Fresh


class Planner:
    """Plans one tree after the other. spool is an open file that takes what is known of the members to be read."""

    def __init__(self, sizes: Sizes, spool: IO[bytes], previous: Index | None, trusts_stats: bool) -> None:
        self._sizes, self._spool, self._previous, self._trusts = sizes, spool, previous, trusts_stats

    def plan(self, inside: bytes, chunks: Iterable[bytes]) -> list[Item]:
        """Return how the segments of a tree come about, in their order.

        chunks are the texts of its members, whose paths begin with inside, cut anywhere.
        """
        cells = self._cells(inside)
        starts = [in_order(cell.first) for cell in cells]
        place = 0
        items: list[Item] = []
        present = _Cell()
        told = Texts(chunks)
        while True:
            while place < len(cells) and (whole := self._as_it_was(told, cells, place)):
                self._close(present, items)
                present = _Cell()
                items.append(whole)
                place += 1
            member = next(told, None)
            if member is None:
                break
            is_large = member.size >= self._sizes.large and member.kind == FILE
            known = None
            if place < len(cells) and in_order(member.path) >= starts[place]:
                place = bisect.bisect_right(starts, in_order(member.path), place)
                known = cells[place - 1]
            if known or is_large or present.is_large:
                self._close(present, items)
                present = _Cell(known, is_large)
            present.add(member)
            if present.size > self._sizes.grown:
                items += (self._fresh(taken) for taken in present.cuts(self._sizes))
        self._close(present, items)
        return self._without_tiny(items)

    def _as_it_was(self, told: Texts, cells: list[Kept], place: int) -> Item | None:
        """Take the members of a segment of the previous archive at once, when they are told as they were then."""
        cell = cells[place]
        following = cells[place + 1].first if place + 1 < len(cells) else None
        if not told.is_at(cell.first) or (text := told.up_to(following)) is None \
                or cell.segments[0].state != index.state_of([text]):
            return None
        told.take(text)
        if self._trusts:
            return replace(cell, leans_on=_targets(text))
        return Fresh(cell.first, cell.size, (self._spooled(text),), cell.is_large)

    def members(self, fresh: Fresh) -> Iterator[tuple[Member, bytes]]:
        """Yield the members of what is to be read, and what index.described says of each; no sha256 is known."""
        for text in fresh.texts:
            if isinstance(text, Segment):
                yield from index.with_texts(self._previous.texts(text)[0])
            else:
                yield from index.with_texts(os.pread(self._spool.fileno(), text.length, text.offset))

    @property
    def trusts_stats(self) -> bool:
        return self._trusts

    def done(self) -> None:
        """Let `members` read all that was planned."""
        self._spool.flush()

    def _cells(self, inside: bytes) -> list[Kept]:
        """Return the segments that the previous archive has of a tree, the pieces of each large file together."""
        if not self._previous:
            return []
        ours = groupby(self._previous.below(inside), key=lambda segment: (segment.kind, segment.first))
        return [Kept(tuple(row)) for _, row in ours]

    def _close(self, cell: "_Cell", items: list[Item]) -> None:
        """Add what has come to its end: the segment of the previous archive where nothing in it changed."""
        if not cell.entries:
            return
        known = cell.known
        if known and self._trusts and known.first == cell.entries[0].path \
                and known.segments[0].state == index.state_of(entry.text for entry in cell.entries):
            items.append(replace(known, leans_on=tuple(entry.target for entry in cell.entries if entry.target)))
        else:
            items.append(self._fresh(cell.entries, cell.is_large))

    def _fresh(self, entries: list["_Entry"], is_large: bool = False) -> Fresh:
        text = self._spooled(b"".join(entry.text for entry in entries))
        return Fresh(entries[0].path, sum(entry.size for entry in entries), (text,), is_large)

    def _spooled(self, text: bytes) -> Text:
        told = Text(self._spool.tell(), len(text))
        self._spool.write(text)
        return told

    def _without_tiny(self, items: list[Item]) -> list[Item]:
        """Join what is tiny and read anyway with a neighbour, so that many small changes leave no crumbs."""
        found: list[Item] = []
        for item in items:
            while found and self._belong_together(found[-1], item):
                item = _joined(found.pop(), item)
            found.append(item)
        return found

    def _belong_together(self, one: Item, two: Item) -> bool:
        is_tiny = any(isinstance(item, Fresh) and item.size < self._sizes.tiny for item in (one, two))
        return is_tiny and not one.is_large and not two.is_large and one.size + two.size <= self._sizes.target


def without_damaged(items: list[Item], damaged: Iterable[int]) -> list[Item]:
    """Return a plan in which what begins at these places of the previous archive is read anew.

    So is a further name of a file whose first name is read: until then that one may be gone, or another file.
    """
    gone, starts = set(damaged), [in_order(item.first) for item in items]
    found: list[Item] = []
    for item in items:
        if isinstance(item, Kept) and (any(segment.offset in gone for segment in item.segments) or any(
                isinstance(one, Fresh) for first in item.leans_on for one in found[place_of(first, starts):][:1])):
            item = Fresh(item.first, item.size, item.segments[:1], item.is_large)
        found.append(item)
    return found


def place_of(path: bytes, starts: list[bytes]) -> int:
    """Return in which item of a plan a path lies; starts are in_order of their first ones."""
    return bisect.bisect_right(starts, in_order(path)) - 1


def is_settled(member: Member, scanned: int) -> bool:
    """Whether the times of a member, looked at from scanned on, would tell of every change that came after."""
    return max(member.mtime_ns, member.ctime_ns) < scanned - RACE_NS


def tar_size(member: Told) -> int:
    """Return about how many bytes of a tar stream a member takes."""
    size = BLOCK + -(-member.size // BLOCK) * BLOCK if member.kind == FILE else BLOCK
    if len(member.path) > LONG_NAME:
        size += 2 * BLOCK
    return size + 2 * BLOCK if len(member.target) > LONG_NAME else size


def _targets(text: bytes) -> tuple[bytes, ...]:
    """Return the first names of those files that have a further name in a text of members."""
    if b"\0h " not in text:
        return ()
    return tuple(member.target for member in index.parsed(text) if member.kind == SECOND_NAME)


def _joined(one: Item, two: Item) -> Fresh:
    texts = [text for item in (one, two) for text in (item.texts if isinstance(item, Fresh) else item.segments)]
    return Fresh(one.first, one.size + two.size, tuple(texts))


class _Entry(NamedTuple):
    """A member, what index.described tells of it, and about how many bytes of a tar stream it takes.

    target is the first name of a file of which this is a further one.
    """

    path: bytes
    text: bytes
    size: int
    target: bytes


@dataclass
class _Cell:
    """What lies between two places where segments begin, as it fills; what was cut off is no more in it."""

    known: Kept | None = None
    is_large: bool = False
    entries: list[_Entry] = field(default_factory=list)
    size: int = 0

    def add(self, member: Told) -> None:
        target = member.target if member.kind == SECOND_NAME else b""
        self.entries.append(_Entry(member.path, member.text, tar_size(member), target))
        self.size += self.entries[-1].size

    def cuts(self, sizes: Sizes) -> Iterator[list[_Entry]]:
        """Yield what is cut off in front while there is too much.

        Where that is depends on the members from the first one on alone: a segment is never cut again as it is.
        """
        while self.size > sizes.grown and (count := self._place(sizes)) < len(self.entries):
            taken, self.entries, self.known = self.entries[:count], self.entries[count:], None
            self.size -= sum(entry.size for entry in taken)
            yield taken

    def _place(self, sizes: Sizes) -> int:
        """Return how many members fit, or more where so few are no segment."""
        total = 0
        for count, entry in enumerate(self.entries):
            if total + entry.size > sizes.target and total >= sizes.tiny:
                return count
            total += entry.size
        return len(self.entries)
