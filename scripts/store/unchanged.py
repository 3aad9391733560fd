"""Takes members that did not change out of segments that did: for trees whose bytes would have to travel."""

import bisect
import hashlib
import os
from dataclasses import dataclass, field

from scripts.errors import ArchiveError
from scripts.store import compress, index
from scripts.store.index import MEMBERS, Member, Segment
from scripts.store.previous import Previous
from scripts.store.segments import is_settled
from scripts.store.tar_stream import Head, TarStream
from scripts.store.walk import in_order


class Unchanged:
    """What the previous archive holds of a tree whose members' paths begin with inside.

    `holding` is asked by one thread, `recorded` by another; both in the members' order.
    """

    def __init__(self, previous: Previous, inside: bytes) -> None:
        self._previous = previous
        self._segments = [segment for segment in previous.index.below(inside) if segment.kind == MEMBERS]
        self._starts = [in_order(segment.first) for segment in self._segments]
        self._told: tuple[Segment | None, dict[bytes, bytes]] = (None, {})
        self._unpacked: tuple[Segment | None, dict[bytes, Recorded]] = (None, {})

    def holding(self, member: Member, text: bytes) -> Segment | None:
        """Return the segment that has the very same member, looked at when its times could tell of every change.

        text is what index.described says of it.
        """
        place = bisect.bisect_right(self._starts, in_order(member.path)) - 1
        if place < 0 or not is_settled(member, self._previous.index.header.scanned):
            return None
        segment = self._segments[place]
        if self._told[0] is not segment:
            told = index.with_texts(self._previous.index.texts(segment)[0])
            self._told = segment, {one.path: text for one, text in told}
        is_same = self._told[1].get(member.path) == text
        return segment if is_same and self._previous.is_whole(segment) else None

    def recorded(self, path: bytes, segment: Segment) -> "Recorded":
        """Return a member out of a segment, as tar sent it then."""
        if self._unpacked[0] is not segment:
            self._unpacked = segment, self._unpack(segment)
        if path not in self._unpacked[1]:
            raise ArchiveError(f"{self._previous.path.name}: {os.fsdecode(path)!r} is not where its index has it")
        return self._unpacked[1][path]

    def _unpack(self, segment: Segment) -> dict[bytes, "Recorded"]:
        try:
            raw = compress.unpacked(self._previous.index.header.packed, self._previous.packed(segment))
        except ValueError:
            raw = b""
        if hashlib.sha256(raw).hexdigest() != segment.raw_sha256:
            raise ArchiveError(f"{self._previous.path.name}: what was packed in it does not come out again")
        recorder = _Recorder(os.fsencode(self._previous.index.header.top) + b"/")
        TarStream(recorder).feed(raw)
        return recorder.found


@dataclass
class Recorded:
    """A member of a segment, with so many bytes of zeros behind its content."""

    head: Head
    content: bytearray = field(default_factory=bytearray)
    padding: int = 0


class _Recorder:
    """Keeps the members of a segment by their paths."""

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self.found: dict[bytes, Recorded] = {}

    def begin(self, head: Head) -> None:
        self._one = self.found[head.name.rstrip(b"/").removeprefix(self._prefix)] = Recorded(head)

    def content(self, data: memoryview) -> None:
        self._one.content += data

    def end(self, padding: int) -> None:
        self._one.padding = padding
