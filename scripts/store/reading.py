"""Reads segments of an archive, in order; each is compared with its sums in the index before a byte of it is used.

Many are unpacked by a program that uses all cores; a few are unpacked sooner without starting one. An archive without
an index goes through that program as a whole.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, NamedTuple, TypeVar

from scripts.errors import ArchiveError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.streams import CHUNK, Filter, Sink, Source
from scripts.store import compress, damage, index
from scripts.store.archive import Archive
from scripts.store.index import Index, Segment

FEW = 4     # segments of 900 kB: two cores unpack them in the time in which a program starts and ends
Result = TypeVar("Result")


class Raw(NamedTuple):
    """A segment and what it holds of the tar stream."""

    segment: Segment
    content: bytes


OnDamage = Callable[[Segment, str], None]
"""Is told of a segment that is not what its index says, and why; the segment is passed over."""


def index_of(archive: Archive, on_damage: Callable[[ArchiveError], None] = lambda fault: None) -> Index | None:
    """Return an archive's index; None when it has none, or when on_damage was told what is wrong with it."""
    path = index.beside(archive.path)
    if not path.exists():
        return None
    try:
        return index.read(path)
    except ArchiveError as fault:
        on_damage(fault)
        return None


def through(archive: Archive, found: Index, segments: Sequence[Segment], take: Callable[[Iterator[Raw]], Result],
            on_damage: OnDamage | None = None) -> Result:
    """Let take have these segments, unpacked and verified; it reads them to the end.

    Raises ArchiveError, which names the members that are lost, for a damaged one, unless on_damage is told of it.
    """
    on_damage = on_damage or _refusing(archive, found)
    with open(archive.path, "rb") as file:
        if len(segments) <= FEW:
            return take(_unpacked_here(archive, file, segments, on_damage))
        flow, results = _Flow(file, segments, on_damage), []
        process.pipe(flow.feed, compress.decompressor(archive.packed),
                     lambda source, sink: results.append(take(flow.unpacked(source))))
        flow.require_end(archive)
        return results[0]


def pour(archive: Archive, found: Index, *stages: Command | Filter) -> None:
    """Pour the whole tar stream into these stages, each segment once it is verified; through's faults are raised."""
    with open(archive.path, "rb") as file:
        flow = _Flow(file, found.segments, _refusing(archive, found))
        process.pipe(flow.feed, compress.decompressor(archive.packed), flow.pass_on, *stages)
        flow.require_end(archive)


# Verified segments

def _refusing(archive: Archive, found: Index) -> OnDamage:
    def refuse(segment: Segment, why: str) -> None:
        raise ArchiveError(f"{archive.path.name}: is damaged: {why}{damage.told(found, [segment])}. Nothing was "
                           f"changed. {damage.way_out(archive)}")
    return refuse


class _Flow:
    """Both ends of a program that unpacks segments: what goes into it, and what comes out."""

    def __init__(self, file: IO[bytes], segments: Iterable[Segment], on_damage: OnDamage) -> None:
        self._file, self._segments, self._on_damage = file, segments, on_damage
        self._fed: deque[Segment] = deque()

    def feed(self, source: Source, sink: Sink) -> None:
        for segment in self._segments:
            if packed := _packed(self._file, segment, self._on_damage):
                self._fed.append(segment)
                sink.write(packed)

    def unpacked(self, source: Source) -> Iterator[Raw]:
        # A segment is among those that were fed before the first byte of it can come out.
        while first := source.read(1):
            segment = self._fed.popleft()
            content = first + exactly(source, segment.raw_length - 1)
            if _is_right(segment, content, self._on_damage):
                yield Raw(segment, content)

    def pass_on(self, source: Source, sink: Sink) -> None:
        for raw in self.unpacked(source):
            sink.write(raw.content)

    def require_end(self, archive: Archive) -> None:
        """Raise ArchiveError when not all of what went in came out."""
        if self._fed:
            raise ArchiveError(f"{archive.path.name}: cannot be unpacked: the program for that gave less than all")


def exactly(source: Source, size: int) -> bytes:
    """Return so many bytes of a stream, less at its end."""
    pieces = []
    while size and (data := source.read(min(size, CHUNK))):
        pieces.append(data)
        size -= len(data)
    return b"".join(pieces)


def _unpacked_here(archive: Archive, file: IO[bytes], segments: Iterable[Segment],
                   on_damage: OnDamage) -> Iterator[Raw]:
    for segment in segments:
        if not (packed := _packed(file, segment, on_damage)):
            continue
        try:
            content = compress.unpacked(archive.packed, packed)
        except ValueError as error:
            on_damage(segment, f"it does not unpack: {error}")
            continue
        if _is_right(segment, content, on_damage):
            yield Raw(segment, content)


def _packed(file: IO[bytes], segment: Segment, on_damage: OnDamage) -> bytes:
    """Return a segment's packed bytes; none when they are not what the index says."""
    packed = os.pread(file.fileno(), segment.length, segment.offset)
    if hashlib.sha256(packed).hexdigest() == segment.sha256:
        return packed
    on_damage(segment, "its bytes are not what was written")
    return b""


def _is_right(segment: Segment, content: bytes, on_damage: OnDamage) -> bool:
    is_right = hashlib.sha256(content).hexdigest() == segment.raw_sha256
    if not is_right:
        on_damage(segment, "what it unpacks to is not what was packed")
    return is_right


def is_continued(segment: Segment) -> bool:
    """Whether a segment goes on with a member that began in an earlier one."""
    return segment.kind == index.PIECE and not segment.count
