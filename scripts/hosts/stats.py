"""Tells the stat of everything below a folder of a host: one call, in order, and never all of it in memory.

For trees of four hundred thousand files. Names are bytes; what is told travels packed when it goes over a wire.
"""

import heapq
import marshal
import shlex
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import IO, NamedTuple

from scripts.errors import CommandError, HostError
from scripts.hosts import listing, process
from scripts.hosts.host import Host
from scripts.hosts.moments import SECOND
from scripts.hosts.streams import Sink, Source

RECORD = "%y %s %T@ %C@ %i %D %m %U %G %n\\0%l\\0%P\\0"
FIELDS = 3
END = "that is all"
RUN = 60_000            # records that are sorted at once: some 20 MB
BATCH = 500             # of them that are read back at once
MAGIC = b"\x1f\x8b"     # of gzip
GZIP = 16 + zlib.MAX_WBITS
GONE = (b"No such file or directory", b"Not a directory")    # the latter when a file took a folder's place
NO_GNU = 91             # what the script ends with where a program is another one than GNU's
# What find complains of comes last, between the answer's own marks: its exit code alone does not tell who went away.
PROGRAM = """LC_ALL=C; export LC_ALL
for name in find tar; do case $("$name" --version 2>/dev/null) in
    *GNU*) ;; *) echo "$name" >&2; exit @NO_GNU@;; esac; done
cd -- "$1" || exit 1
{ said=$({ @FIND@; } 2>&1 >&3); printf 'end %s\\0%s\\0' "$?" "$said"; } 3>&1 | @PACK@"""
PACK = "{ if command -v gzip >/dev/null; then gzip -1 -c; else cat; fi; }"

Record = tuple[bytes, bytes, bytes]     # what it is sorted by, its numbers, a link's target


class Stat(NamedTuple):
    """What is at a path below a folder, which itself is b"". kind is find's letter, names counts hard links."""

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
    names: int
    target: bytes


def read(host: Host, folder: str, passed: Iterable[str] = (), kept: Iterable[str] = ()) -> Iterator[Stat]:
    """Yield a folder and all below it, each folder before its content, names by their bytes.

    passed are relative paths that are passed over with all in them, `folder/*` for what is in a folder; in such ones
    what bears a name of kept is told all the same. What vanishes meanwhile is not told. Raises CommandError when the
    answer is cut off or something may not be looked into, HostError for programs that cannot tell.
    """
    # The root is asked for last: its words prove that the rest arrived.
    find = shlex.join(["find", ".", "/", "-path", "/", "-prune", "-printf", f"{END}\\0\\0\\0", "-o",
                       *_pruned(tuple(passed), tuple(kept)), "-printf", RECORD])
    program = PROGRAM.replace("@FIND@", find).replace("@PACK@", PACK if host.is_remote else "cat") \
        .replace("@NO_GNU@", str(NO_GNU))
    with _Sorted() as found:
        told = _Told(found, f"[{host.name}] find in {folder}")
        try:
            process.read_through(host.command("sh", "-c", program, "stats", folder), told.take)
        except CommandError as error:
            if error.code != NO_GNU:
                raise
            name = error.stderr.strip()
            raise HostError(f"{host.name}: the program {name} there is missing, or not GNU's as a backup needs it. "
                            "Next: make doctor") from error
        told.judge()
        for key, numbers, target in found.all():
            yield _stat(key, numbers, target)


def clock(host: Host) -> int:
    """Return the time by a host's clock, in nanoseconds."""
    told = host.read_line("date", "+%s%N")
    if not told.isdigit():
        raise CommandError(f"[{host.name}] date: its answer is no number: {told[-60:]!r}")
    return int(told)


class _Told:
    """What a host answers, taken apart as it comes."""

    def __init__(self, found: "_Sorted", place: str) -> None:
        self._found, self._place, self._rest = found, place, b""
        self._unpack = None
        self._is_unpacked, self._is_ended = True, False

    def take(self, source: Source, sink: Sink) -> None:
        first = source.read()
        while first and len(first) < len(MAGIC) and (more := source.read()):
            first += more
        if first.startswith(MAGIC):
            self._unpack = zlib.decompressobj(GZIP)
        self._feed(first)
        for chunk in source.chunks():
            self._feed(chunk)
        self._is_unpacked = self._unpack is None or self._unpack.eof

    def _feed(self, chunk: bytes) -> None:
        try:
            text = self._rest + (self._unpack.decompress(chunk) if self._unpack else chunk)
        except zlib.error:
            raise CommandError(f"{self._place}: its answer is damaged: it did not come as it was sent") from None
        fields = text.split(b"\0")
        # What closes the answer, two fields and no third, stays in the rest.
        whole = (len(fields) - 1) // FIELDS * FIELDS
        self._rest = b"\0".join(fields[whole:])
        told = iter(fields[:whole])
        for numbers, target, path in zip(told, told, told):
            if numbers == END.encode():
                self._is_ended = True
            else:
                self._found.add((path.replace(b"/", b"\0"), numbers, target))

    def judge(self) -> None:
        """Raise CommandError unless the answer is whole and find found all it looked for."""
        end, *said = self._rest.split(b"\0")
        is_whole = self._is_unpacked and self._is_ended
        if not is_whole or end not in (b"end 0", b"end 1") or len(said) != 2 or said[1]:
            raise CommandError(f"{self._place}: its answer is cut off: {self._rest[-80:]!r}")
        wrong = [line for line in said[0].split(b"\n") if line and not line.endswith(GONE)]
        if wrong or (end == b"end 1" and not said[0]):
            shown = wrong[0].decode("utf-8", "replace") if wrong else "it failed and does not say why"
            raise CommandError(f"{self._place}: {shown.removeprefix('find: ')}. Nothing may be missing in a backup: "
                               "let this account read it, or leave it out with EXCLUDE=")


class _Sorted:
    """Records in order; those that are too many to be held lie in files without a name."""

    def __init__(self) -> None:
        self._waiting: list[Record] = []
        self._runs: list[IO[bytes]] = []

    def __enter__(self) -> "_Sorted":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._runs:
            file.close()

    def add(self, record: Record) -> None:
        self._waiting.append(record)
        if len(self._waiting) >= RUN:
            self._runs.append(tempfile.TemporaryFile())
            for batch in self._batches():
                marshal.dump(batch, self._runs[-1])

    def all(self) -> Iterator[Record]:
        """Yield them; not more can be added then."""
        in_memory = (record for batch in self._batches() for record in batch)
        return heapq.merge(*map(_read_back, self._runs), in_memory, key=itemgetter(0))

    def _batches(self) -> Iterator[list[Record]]:
        records, self._waiting = self._waiting, []
        records.sort()
        for start in range(0, len(records), BATCH):
            yield records[start:start + BATCH]


def _read_back(file: IO[bytes]) -> Iterator[Record]:
    end = file.tell()
    file.seek(0)
    while file.tell() < end:
        yield from marshal.load(file)


def _stat(key: bytes, numbers: bytes, target: bytes) -> Stat:
    kind, size, mtime, ctime, inode, dev, mode, uid, gid, names = numbers.split(b" ")
    return Stat(key.replace(b"\0", b"/"), kind.decode(), int(size), _ns(mtime), _ns(ctime), int(inode), int(dev),
                int(mode, 8), int(uid), int(gid), int(names), target)


def _ns(seconds: bytes) -> int:
    """Return find's time as nanoseconds: it has ten digits behind the point."""
    whole, _, part = seconds.partition(b".")
    return int(whole) * SECOND + int(part[:9].ljust(9, b"0"))


def _pruned(passed: tuple[str, ...], kept: tuple[str, ...]) -> list[str]:
    words = []
    for path in passed:
        inside = path.removesuffix("/*")
        words += ["-path", f"./{listing.literally(inside)}{path[len(inside):]}"]
        for name in kept if inside != path else ():
            words += ["!", "-name", listing.literally(name)]
        words += ["-prune", "-o"]
    return words
