"""Sums up a row that is too long to be held whole, as it comes: a file in a database may be a row of 64 MB."""

import re
from hashlib import blake2b

SIZE = 16  # bytes of a row's digest
BETWEEN_TEXTS = re.compile(rb"[^'()\n]*+")
IN_TEXT = re.compile(rb"[^'\\\n]*+(?:(?:\\[^\n]|'')[^'\\\n]*+)*+")


class Unreadable(ValueError):
    """The bytes are no row."""


class LongRow:
    """One such row; begun is what was taken of it already. closed_by is what follows it, `,` or `;`, once it ended."""

    def __init__(self, begun: bytes = b"") -> None:
        self._digest = blake2b(begun, digest_size=SIZE)
        self._in_text = False
        self.closed_by = b""

    @property
    def value(self) -> int:
        return int.from_bytes(self._digest.digest(), "big")

    def take_line(self, data: bytes, place: int) -> int:
        """Take from place on what there is of a row that has a line of its own; return where that stops."""
        end = data.find(b"\n", place)
        # What closes the row is held back until it is known to.
        stop = end - 2 if end >= 0 else max(place, len(data) - 2)
        if end < 0:
            self._digest.update(data[place:stop])
            return stop
        if stop < place or data[stop:end] not in (b"),", b");"):
            raise Unreadable
        self._digest.update(data[place:end - 1])
        self.closed_by = data[end - 1:end]
        return end + 1

    def take(self, data: bytes, place: int) -> int:
        """Take from place on what there is of a row that shares its line with others; return where that stops."""
        while not self.closed_by:
            end = (IN_TEXT if self._in_text else BETWEEN_TEXTS).match(data, place).end()
            self._digest.update(data[place:end])
            # A backslash, a quote and what closes the row mean one thing or another by what follows.
            if len(data) - end < 2:
                return end
            sign, place = data[end:end + 1], end + 1
            if sign == b")" and not self._in_text:
                place += 1
                self.closed_by = data[end + 1:place]
            elif sign == b"'":
                self._in_text = not self._in_text
            else:
                raise Unreadable
            self._digest.update(sign)
        if self.closed_by not in (b",", b";"):
            raise Unreadable
        return place
