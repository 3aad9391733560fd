"""The index beside an archive: its segments, and what each of them holds; whoever has it need not read the archive.

Its first line is a JSON header. For each segment follow one JSON line, its members packed by zlib, and their checksum
lines packed by zlib, as long as the line says. Then come a line of totals, and one with the sha256 of all before it.
A segment that is copied into the next archive takes its two packed texts along as they are, so neither reading nor
writing an index holds more than one of them in memory.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, NamedTuple

from scripts.errors import ArchiveError
from scripts.store.walk import TEXT

ENDING = ".index"
FORMAT = 1
MEMBERS, PIECE = "members", "piece"     # kinds of segments: whole members of tar, or a part of a large one
LONGEST_LINE = 1 << 24                  # bytes: what is longer is no line of ours
CHUNK = 1 << 20                          # bytes read at once
QUICK = 1                               # zlib's level; sums do not get smaller with more


class Member(NamedTuple):
    """What a segment holds. path and target of a second name are below the archive's top folder, without it.

    kind is find's letter, or h; mode has the permissions alone. sha256 is that of a file's content, else empty.
    """

    path: bytes
    kind: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    dev: int
    mode: int
    uid: int
    gid: int
    target: bytes = b""
    sha256: str = ""


@dataclass(frozen=True)
class Segment:
    """One stream of an archive. offset and length are of its packed bytes, as sha256 is; raw_* are of what they hold.

    kind is members, or piece: all pieces with the same first in a row make up one member of tar, with its header;
    the first of them has its count and members. first is the path of the first member. state is the digest of all
    that the members' paths and stats say; empty: they may not be taken as unchanged. tables is what the dump needs.
    """

    kind: str
    offset: int
    length: int
    sha256: str
    raw_length: int
    raw_sha256: str
    first: bytes
    count: int
    state: str = ""
    tables: Any = None
    members_at: int = field(default=0, compare=False)       # where the packed texts are in the index
    members_length: int = field(default=0, compare=False)
    sums_length: int = field(default=0, compare=False)

    @property
    def end(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True)
class Header:
    """What an index says of the whole. scanned is when its members were looked at: ns of the clock of their host.

    read_whole is the ISO moment at which every file was read and everything unpacked for the last time.
    """

    archive: str
    packed: str
    top: str
    scanned: int
    read_whole: str
    format: int = FORMAT


@dataclass(frozen=True)
class Totals:
    """What is known at the end: bytes of the archive and of its tar stream, and the sha256 of that stream, if known."""

    size_bytes: int
    stream_bytes: int
    segments: int
    files: int = 0
    stream_sha256: str = ""


@dataclass(frozen=True)
class Index:
    """An index that was read whole and found undamaged.

    descriptor is of the file where it stays open until `close`; else the file is opened for each look at texts.
    """

    path: Path
    header: Header
    totals: Totals
    segments: list[Segment]
    descriptor: int | None = None

    def close(self) -> None:
        """Close the file of an index that was read to stay open."""
        os.close(self.descriptor)

    def below(self, path: bytes) -> list[Segment]:
        """Return the segments that begin with path or below it: those of a tree, which no segment shares."""
        return [segment for segment in self.segments
                if segment.first == path or segment.first.startswith(path + b"/")]

    def all_members(self) -> Iterator[Member]:
        """Yield what the archive holds, in order."""
        for segment in self.segments:
            yield from self.members(segment)

    def members(self, segment: Segment) -> Iterator[Member]:
        """Yield what a segment holds, in order; of a large member only its first piece tells."""
        members, sums = self.texts(segment)
        return parsed(members, sums)

    def texts(self, segment: Segment) -> tuple[bytes, bytes]:
        """Return a segment's members as `described` tells them, and their checksum lines."""
        packed = self.packed_texts(segment)
        return tuple(zlib.decompress(text) if text else b"" for text in packed)

    def packed_texts(self, segment: Segment) -> tuple[bytes, bytes]:
        """Return both as they lie in the index."""
        if self.descriptor is not None:
            return _packed_texts(self.descriptor, segment)
        with open(self.path, "rb") as file:
            return _packed_texts(file.fileno(), segment)


def beside(archive: Path) -> Path:
    """Return the path of an archive's index."""
    return archive.with_name(archive.name + ENDING)


def _packed_texts(descriptor: int, segment: Segment) -> tuple[bytes, bytes]:
    """Return a segment's packed texts out of an open index."""
    text = os.pread(descriptor, segment.members_length + segment.sums_length, segment.members_at)
    return text[:segment.members_length], text[segment.members_length:]


def is_on_disk(descriptor: int, segment: Segment) -> bool:
    """Whether the packed bytes of a segment are, in its open archive, what the index says; never all in memory."""
    total, place = hashlib.sha256(), segment.offset
    try:
        while place < segment.end and (data := os.pread(descriptor, min(CHUNK, segment.end - place), place)):
            total.update(data)
            place += len(data)
    except OSError:
        return False    # the disk gives it back no more
    return total.hexdigest() == segment.sha256


def described(member: Member) -> bytes:
    """Return what the index says of a member, but for its sha256; the state of a segment is the sha256 of these."""
    return TEXT % (member[0], member[1].encode(), *member[2:11])


def parsed(members: bytes, sums: bytes = b"") -> Iterator[Member]:
    """Yield the members of a text of `described`; each file but second names takes the next checksum line."""
    lines = iter(sums.split(b"\n"))
    for path, words, target in _fields(members):
        yield _member(path, words, target, next(lines, b"") if words.startswith(b"f") else b"")


def with_texts(members: bytes) -> Iterator[tuple[Member, bytes]]:
    """Yield the members of a text of `described`, without sha256, each with what it says of that one."""
    for path, words, target in _fields(members):
        yield _member(path, words, target), b"%b\0%b\0%b\0" % (path, words, target)


def _fields(members: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    fields = iter(members.split(b"\0"))
    return zip(fields, fields, fields)


def _member(path: bytes, words: bytes, target: bytes, line: bytes = b"") -> Member:
    kind, size, mtime, ctime, inode, dev, mode, uid, gid = words.split(b" ")
    return Member(path, kind.decode(), int(size), int(mtime), int(ctime), int(inode), int(dev), int(mode, 8),
                  int(uid), int(gid), target, line.lstrip(b"\\")[:64].decode())


def read(path: Path, *, of_this_size: bool = True, stays_open: bool = False) -> Index:
    """Return the index at path, beside its archive; without of_this_size though the archive was cut or grew.

    stays_open: what removes the file meanwhile does no harm, and the caller closes it. Raises ArchiveError when it is
    missing, damaged, of another form, or of another archive than the one it lies beside.
    """
    name = path.name.removesuffix(ENDING)
    try:
        with open(path, "rb") as file:
            found = _read(path, file)
            size = path.with_name(name).stat().st_size if of_this_size else found.totals.size_bytes
            if found.header.archive != name or found.totals.size_bytes != size:
                raise ArchiveError(f"{path.name}: is not the index of the archive it lies beside")
            return replace(found, descriptor=os.dup(file.fileno())) if stays_open else found
    except OSError as error:
        raise ArchiveError(f"{path.name}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveError(f"{path.name}: is damaged: {error}") from error


def _read(path: Path, file: IO[bytes]) -> Index:
    whole = hashlib.sha256()
    header = Header(**json.loads(_line(file, whole)))
    if header.format != FORMAT:
        raise ValueError(f"it is of format {header.format}; update TRIM to read it")
    segments: list[Segment] = []
    while "total" not in (values := json.loads(_line(file, whole))):
        lengths = values["members_length"], values["sums_length"]
        segments.append(Segment(**{**values, "first": values["first"].encode("utf-8", "surrogateescape")},
                                members_at=file.tell()))
        texts = file.read(sum(lengths))
        if min(lengths) < 0 or len(texts) != sum(lengths):
            raise ValueError("it is cut off")
        whole.update(texts)
    if json.loads(_line(file, hashlib.sha256())) != {"sha256": whole.hexdigest()} or file.read(1):
        raise ValueError("its own sha256 differs")
    totals = Totals(**values["total"])
    _refuse_gaps(segments, totals)
    return Index(path, header, totals, segments)


def _line(file: IO[bytes], whole) -> bytes:
    line = file.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise ValueError("it is cut off")
    whole.update(line)
    return line


def _refuse_gaps(segments: list[Segment], totals: Totals) -> None:
    """Raise ValueError unless the segments lie one behind the other from the archive's first byte to its last."""
    end = 0
    for segment in segments:
        if segment.offset != end:
            raise ValueError("its segments do not make up an archive")
        end = segment.end
    if (end, len(segments)) != (totals.size_bytes, totals.segments):
        raise ValueError("its segments do not make up an archive")


class Writer:
    """Writes an index while its archive is written; it counts once `finish` has returned."""

    def __init__(self, path: Path, header: Header) -> None:
        self._whole, self._count = hashlib.sha256(), 0
        self._file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self._put(_json(vars(header)))

    def add(self, segment: Segment, members: bytes = b"", sums: bytes = b"") -> None:
        """Add a segment with its texts, as `described` and checksums.line give them."""
        self.add_packed(segment, *(zlib.compress(text, QUICK) if text else b"" for text in (members, sums)))

    def add_packed(self, segment: Segment, members: bytes, sums: bytes) -> None:
        """Add a segment with the packed texts that another index has of it."""
        values = {key: value for key, value in vars(segment).items() if key != "members_at"}
        values |= {"first": segment.first.decode("utf-8", "surrogateescape"), "members_length": len(members),
                   "sums_length": len(sums)}
        self._put(_json(values) + members + sums)
        self._count += 1

    def finish(self, totals: Callable[[int], Totals]) -> None:
        """Close the index; totals gets the number of segments."""
        self._put(_json({"total": vars(totals(self._count))}))
        self._file.write(_json({"sha256": self._whole.hexdigest()}))
        self.close()

    def close(self) -> None:
        """Close the file; without `finish` it is no index."""
        self._file.close()

    def _put(self, text: bytes) -> None:
        self._whole.update(text)
        self._file.write(text)


def state_of(members: Iterable[bytes]) -> str:
    """Return the state of a segment with these members, as `described` tells them."""
    return hashlib.sha256(b"".join(members)).hexdigest()


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"
