"""Cuts a dump into pieces where its content says so, and knows what of an unchanged piece need not be read again.

A row that comes, goes or changes moves no cut but those next to it, so all other pieces of the next dump are the same;
but for those in which the dump program ends a statement elsewhere then. It does so by size, about each megabyte, and is
mostly at its old places again a few statements later.
"""

from collections.abc import Iterator
from typing import Any
from zlib import crc32

from scripts.database.digest import DumpDigest, State

LINE_END, ROW_END = b"\n", b"),("
BEHIND = {LINE_END: 1, ROW_END: 2}      # a cut is so many bytes behind the start of what is looked for


class Cutter:
    """Takes a dump in chunks of any size and gives it back in pieces.

    A piece ends behind the line whose checksum is the least among those that end between its least and its most bytes:
    that line is the same in the next dump, wherever the piece begins. MySQL's program has many rows on a line: then
    it is such a row. A row too long for that begins a piece of its own, and is cut by length.
    """

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most
        self._waiting = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take more, and yield the pieces that are whole now."""
        self._waiting += chunk
        while len(self._waiting) > self._most:
            yield self._taken(self._place())

    def rest(self) -> bytes:
        """Return the last piece."""
        return self._taken(len(self._waiting))

    def _taken(self, size: int) -> bytes:
        with memoryview(self._waiting) as view:
            piece = bytes(view[:size])
        del self._waiting[:size]
        return piece

    def _place(self) -> int:
        window = bytes(self._waiting[self._least:self._most])
        for mark, behind in BEHIND.items():
            if (cut := _least_of(window, mark)) is not None:
                return self._least + cut + behind
        starts = [self._waiting.rfind(mark, 0, self._least) + behind for mark, behind in BEHIND.items()
                  if mark in self._waiting[:self._least]]
        return max(starts, default=self._most)


def _least_of(window: bytes, mark: bytes) -> int | None:
    """Return where the mark behind the line with the least checksum is; None without any."""
    first, *others = window.split(mark)
    if not others:
        return None
    others.pop()                        # it has not ended
    place = at = len(first)             # of the first one it is not known where it began: any other is better
    least = 1 << 32
    for line in others:
        at += len(mark) + len(line)
        if (found := crc32(line)) < least:
            least, place = found, at
    return place


def taken(digest: DumpDigest, piece: bytes, known: Any) -> dict[str, Any]:
    """Let a digest take a piece, and return what is to be known of that piece next time.

    known is what was noted of the very same bytes; it counts when they begin in the same place of a dump as then.
    """
    before = digest.state
    if isinstance(known, dict) and before and known.get("after") and known["before"] == _told(before):
        digest.skip(piece, {table: (rows, int(total, 16)) for table, (rows, total) in known["tables"].items()},
                    State(*known["after"]))
        return known
    held = digest.take(piece)
    return {"before": _told(before), "after": _told(digest.state),
            "tables": {table: [rows, f"{total:x}"] for table, (rows, total) in held.items()}}


def _told(state: State | None) -> list[str] | None:
    return [state.at, state.table] if state else None
