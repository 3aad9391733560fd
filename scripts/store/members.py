"""Takes members of tar out of segments of an archive, or out of the whole of one without an index, as they come by.

Damage takes no more with it than the members that it hits: what follows begins anew.
"""

import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import IO, NamedTuple

from scripts.errors import ArchiveError, CommandError
from scripts.hosts import process
from scripts.hosts.streams import CHUNK, Sink, Source
from scripts.store import compress, reading
from scripts.store.archive import Archive
from scripts.store.index import Index, Member, Segment
from scripts.store.reading import OnDamage, Raw

END_MARK = bytes(1024)


class Passing(NamedTuple):
    """A member as it comes by; path is below the archive's top folder. member is what the index says of it, if any.

    content gives a reader of a file's bytes, once.
    """

    top: str
    path: bytes
    info: tarfile.TarInfo
    member: Member | None
    content: Callable[[], IO[bytes]]


def each(archive: Archive, found: Index | None, take: Callable[[Passing], object],
            segments: Sequence[Segment] | None = None, on_damage: OnDamage | None = None) -> None:
    """Let take see every member of an archive, or of these segments, which hold whole members.

    Raises ArchiveError when something cannot be read; with on_damage only that is passed over.
    """
    if found is None:
        _through_all(archive, take)
    else:
        chosen = found.segments if segments is None else segments
        reading.through(archive, found, chosen, lambda raws: _through(archive, found, raws, take), on_damage)


# Segments

class _Stretch:
    """Segments that lie one behind the other, as one file that tarfile reads; ends where the next one is missing."""

    def __init__(self, raws: "_Raws") -> None:
        self._raws, self._rest = raws, memoryview(b"")
        self.segments: deque[Segment] = deque()
        self.last: Segment | None = None

    def read(self, size: int) -> bytes:
        while not self._rest and (raw := self._raws.following(self.last)):
            self.last = raw.segment
            self.segments.append(raw.segment)
            self._rest = memoryview(raw.content)
        data, self._rest = self._rest[:size], self._rest[size:]
        return bytes(data)

    def members(self, found: Index) -> Iterator[Member]:
        """Yield what the index says of the members that come out, none ahead of what was read."""
        while self.segments:
            yield from found.members(self.segments.popleft())


class _Raws:
    """Segments as they come, and the one that was looked at and not taken yet."""

    def __init__(self, raws: Iterator[Raw]) -> None:
        self._raws, self.next = raws, next(raws, None)

    def following(self, last: Segment | None) -> Raw | None:
        """Return the next segment when it lies behind the last one."""
        if self.next is None or (last and self.next.segment.offset != last.end):
            return None
        taken, self.next = self.next, next(self._raws, None)
        return taken


def _through(archive: Archive, found: Index, raws: Iterator[Raw], take: Callable[[Passing], object]) -> None:
    coming = _Raws(raws)
    goes_on = {segment.offset for segment in found.segments if reading.is_continued(segment)}
    while coming.next:
        if coming.next.segment.offset in goes_on:   # the start of this member is lost
            coming.following(None)
            continue
        stretch = _Stretch(coming)
        expected = stretch.members(found)
        try:
            for info, content in _infos(stretch.read):
                member = next(expected, None)
                if member is None or member.path != _path(info):
                    raise ArchiveError(f"{archive.path.name}: {info.name!r} is not where its index has it")
                take(Passing(found.header.top, member.path, info, member, content))
            while stretch.read(CHUNK):  # behind the end mark
                pass
            if next(expected, None):
                raise ArchiveError(f"{archive.path.name}: cannot be read: it holds less than its index says")
        except tarfile.ReadError as error:
            if stretch.last.end not in goes_on:
                raise ArchiveError(f"{archive.path.name}: cannot be read: {error}") from error


def _infos(read: Callable[[int], bytes]) -> Iterator[tuple[tarfile.TarInfo, Callable[[], IO[bytes]]]]:
    # Not as a stream ("r|"): then tarfile would copy all that it has read ahead, for each block.
    with tarfile.TarFile(fileobj=_Forward(read), encoding="utf-8", errors="surrogateescape") as tar:
        for info in tar:
            yield info, lambda info=info: tar.extractfile(info)
            tar.members = []  # tarfile would keep all of them


class _Forward:
    """A file for tarfile that is read from its first byte to its last; seeking back it cannot, nor does tarfile."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self._place = read, 0

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> None:
        while self._place < place and self.read(min(CHUNK, place - self._place)):
            pass

    def read(self, size: int) -> bytes:
        data = self._read(size)
        while len(data) < size and (more := self._read(size - len(data))):
            data += more
        self._place += len(data)
        return data


def _path(info: tarfile.TarInfo) -> bytes:
    """Return a member's path below the one folder at the archive's top; that folder itself is empty."""
    return below_top(info.name).encode("utf-8", "surrogateescape")


def below_top(name: str) -> str:
    """Return a member's name without the archive's top folder."""
    return name.removeprefix("./").rstrip("/").partition("/")[2]


# An archive without an index

def _through_all(archive: Archive, take: Callable[[Passing], object]) -> None:
    def stage(source: Source, sink: Sink) -> None:
        reader = _Reader(source)
        for info, content in _infos(reader.read):
            top = info.name.removeprefix("./").split("/", 1)[0]
            take(Passing(top, _path(info), info, None, content))
        reader.drain()

    try:
        with open(archive.path, "rb") as file:
            process.pipe(compress.decompressor(archive.packed), stage, out_of=file)
    except (CommandError, tarfile.TarError, EOFError) as error:
        raise ArchiveError(f"{archive.path.name}: cannot be read: {error}") from error


class _Reader:
    """What tarfile reads from; knows whether the stream had its end mark, which tarfile does not ask for."""

    def __init__(self, source: Source) -> None:
        self._source, self._end = source, b""

    def read(self, size: int) -> bytes:
        whole = reading.exactly(self._source, size)
        self._end = (self._end + whole[-len(END_MARK):])[-len(END_MARK):]
        return whole

    def drain(self) -> None:
        """Read on to the end; raise ReadError when the stream stopped early: between two files nobody would notice."""
        while self.read(CHUNK):
            pass
        if self._end != END_MARK:
            raise tarfile.ReadError("it stops before its end mark")
