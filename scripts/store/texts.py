"""A row of members as index.described tells them, taken from a stream: one by one, or all up to one in one piece.

A piece that says what the index says is compared as it is: nobody takes forty thousand members apart to find that
nothing changed.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from scripts.errors import CommandError
from scripts.store.walk import END, FIELDS

LONGEST = 1 << 20       # bytes of a piece that is taken in one


class Told(NamedTuple):
    """One member: its path, its text, kind and size as they stand in it, and its target."""

    path: bytes
    text: bytes
    kind: str
    size: int
    target: bytes


class Texts:
    """What comes in chunks, which end anywhere."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._text, self._at = b"", 0

    def is_at(self, path: bytes) -> bool:
        """Whether the next member is the one at this path."""
        while len(self._text) - self._at <= len(path) and self._more():
            pass
        return self._text.startswith(path + b"\0", self._at)

    def up_to(self, path: bytes | None) -> bytes | None:
        """Return what comes before the member at this path, or before the end; `take` it, or go on as if not asked.

        None when that is too much to be looked at in one piece, or there is no such member.
        """
        end = self._end() if path is None else self._start_of(path)
        return None if end is None else self._text[self._at:end]

    def take(self, text: bytes) -> None:
        """Go on behind what `up_to` returned."""
        self._at += len(text)

    def __iter__(self) -> Iterator[Told]:
        return self

    def __next__(self) -> Told:
        while (end := self._end_of_member()) is None:
            if not self._more():
                raise StopIteration
        text = self._text[self._at:end]
        self._at = end
        path, words, target, _ = text.split(b"\0")
        kind, size, _ = words.split(b" ", 2)
        return Told(path, text, kind.decode(), int(size), target)

    def _end_of_member(self) -> int | None:
        end = self._at
        for _ in range(FIELDS):
            end = self._text.find(b"\0", end) + 1
            if not end:
                return None
        return end

    def _end(self) -> int | None:
        while len(self._text) - self._at <= LONGEST:
            if not self._more():
                return len(self._text)
        return None

    def _start_of(self, path: bytes) -> int | None:
        wanted, looked = b"\0" + path + b"\0", self._at
        while True:
            found = self._text.find(wanted, looked)
            if found >= 0:
                # A link's target may read like a path: what a member begins with has whole members before it.
                if self._text.count(b"\0", self._at, found + 1) % FIELDS == 0:
                    return found + 1
                looked = found + 1
                continue
            looked = max(looked, len(self._text) - len(wanted))
            behind = looked - self._at
            if behind > LONGEST or not self._more():
                return None
            looked = self._at + behind

    def _more(self) -> bool:
        """Add the next chunk; whether there was one."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._text, self._at = self._text[self._at:] + chunk, 0
        return True


def whole(chunks: Iterable[bytes], place: str) -> Iterator[bytes]:
    """Yield what the program of walk tells, without its end; raise CommandError when that does not come."""
    kept = b""
    for chunk in chunks:
        kept += chunk
        yield kept[:-len(END)]
        kept = kept[-len(END):]
    if kept != END:
        raise CommandError(f"{place}: its answer is cut off: {kept[-60:]!r}")
