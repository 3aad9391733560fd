"""Tells the stat of everything below a folder of a host: one call, in order, and never all of it in memory.

For trees of four hundred thousand files. Names are bytes; what is told travels packed when it goes over a wire.
"""

import heapq
import marshal
import os
import shlex
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
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
ANYWHERE = "**/"
RUN = 60_000            # records that are sorted at once: some 20 MB
BATCH = 500             # of them that are read back at once
MAGIC = b"\x1f\x8b"     # of gzip
GZIP = 16 + zlib.MAX_WBITS
# The latter two when a file took a folder's place, or a link one that is being opened.
GONE = (b"No such file or directory", b"Not a directory", b"Too many levels of symbolic links")
NO_LINK = b"Invalid argument"   # of a link whose place something else took before find read it
NO_GNU = 91             # what the script ends with where a program is another one than GNU's
# What begins a record that is of no file: the host's time, a folder's path without links, a folder's end.
CLOCK, REAL, FOLDER_ENDS = b"clock", b"real", b"end "
# What find complains of comes last, between the answer's own marks: its exit code alone does not tell who went away.
PROGRAM = """LC_ALL=C; export LC_ALL
for name in find tar; do case $("$name" --version 2>/dev/null) in
    *GNU*) ;; *) echo "$name" >&2; exit @NO_GNU@;; esac; done
for folder do (cd -- "$folder") || exit 1; done
{ printf 'clock\\0%s\\0\\0' "$(date +%s%N)"
@FINDS@
} | @PACK@"""
FIND = """( cd -- @FOLDER@ || exit
printf 'real\\0%s\\0\\0' "$(pwd -P; echo .)"
{ said=$({ @FIND@; } 2>&1 >&3); printf 'end %s\\0%s\\0\\0' "$?" "$said"; } 3>&1 ) || exit"""
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


class Folders:
    """What lies below some folders of a host, and its time before they were looked at: all in one call, when needed.

    Raises CommandError when the answer is cut off or something may not be looked into, HostError for programs that
    cannot tell.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._wanted: list[tuple[str, str]] = []    # a folder, and the find that looks at it
        self._clock = 0
        self._found: dict[int, _Sorted] = {}
        self._real: list[str] = []

    def add(self, folder: str, passed: Iterable[str] = (), kept: Iterable[str] = ()) -> int:
        """Have a folder looked at too, and return what `stats` is asked for it with; before it is asked for any.

        passed are relative paths that are passed over with all in them, `folder/*` for what is in a folder; in such
        ones what bears a name of kept is told all the same. `**/name` is a name at any depth, the top too.
        """
        # The root is asked for last: its words prove that the rest arrived.
        find = shlex.join(["find", ".", "/", "-path", "/", "-prune", "-printf", f"{END}\\0\\0\\0", "-o",
                           *_pruned(tuple(passed), tuple(kept)), "-printf", RECORD])
        self._wanted.append((folder, find))
        return len(self._wanted) - 1

    def clock(self) -> int:
        """Return the time by the host's clock when it began to look, in nanoseconds."""
        if not self._clock:
            self._look()
        return self._clock

    def real_path(self, place: int) -> str:
        """Return the folder that was looked at, without links: one of these may lead elsewhere by now."""
        if not self._real:
            self._look()
        return self._real[place]

    def stats(self, place: int) -> Iterator[Stat]:
        """Yield a folder and all below it, each folder before its content, names by their bytes.

        What vanished meanwhile is not told.
        """
        if place not in self._found:
            self._look()
        with self._found.pop(place) as found:
            for key, numbers, target in found.all():
                yield _stat(key, numbers, target)

    def _look(self) -> None:
        finds = "\n".join(FIND.replace("@FOLDER@", shlex.quote(folder)).replace("@FIND@", find)
                          for folder, find in self._wanted)
        program = PROGRAM.replace("@FINDS@", finds).replace("@PACK@", PACK if self._host.is_remote else "cat") \
            .replace("@NO_GNU@", str(NO_GNU))
        folders = [folder for folder, _ in self._wanted]
        told = _Told(f"[{self._host.name}] find in ", folders)
        try:
            process.read_through(self._host.command("sh", "-c", program, "stats", *folders), told.take)
        except CommandError as error:
            if error.code != NO_GNU:
                raise
            name = error.stderr.strip()
            raise HostError(f"{self._host.name}: the program {name} there is missing, or not GNU's as a backup needs "
                            "it. Next: make doctor") from error
        told.judge()
        self._clock, self._found, self._real = told.clock, dict(enumerate(told.found)), told.real


class _Told:
    """What a host answers of these folders, taken apart as it comes."""

    def __init__(self, place: str, folders: Sequence[str]) -> None:
        self._place, self._folders, self._rest = place, folders, b""
        self._unpack = None
        self._is_unpacked, self._is_whole = True, False
        self.found, self._ends = [_Sorted()], []
        self.real: list[str] = []
        self.clock = 0
        self._unread_links = 0      # told as links, and without what they lead to

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
            raise self._fault("its answer is damaged: it did not come as it was sent") from None
        fields = text.split(b"\0")
        whole = (len(fields) - 1) // FIELDS * FIELDS
        self._rest = b"\0".join(fields[whole:])
        told = iter(fields[:whole])
        for numbers, target, path in zip(told, told, told):
            if path or numbers[1:2] == b" ":
                self.found[-1].add((path.replace(b"/", b"\0"), numbers, target))
                self._unread_links += numbers.startswith(b"l ") and not target
            else:
                self._take_mark(numbers, target)

    def _take_mark(self, mark: bytes, text: bytes) -> None:
        """Take a record that is of no file."""
        if mark == END.encode():
            self._is_whole = True
        elif mark == CLOCK:
            if not text.isdigit():
                raise self._fault(f"the host's time is no number: {text[-60:]!r}")
            self.clock = int(text)
        elif mark == REAL:
            self.real.append(os.fsdecode(text).removesuffix("\n."))
        elif mark.startswith(FOLDER_ENDS):
            self._ends.append((mark, text, self._is_whole))
            self._is_whole = False
            if sum(map(len, self.found)) > RUN:
                self.found[-1].put_away()
            self.found.append(_Sorted())
        else:
            raise self._fault(f"its answer is cut off: {mark[-80:]!r}")

    def _fault(self, what: str) -> CommandError:
        """Return a fault about the folder that is being told of."""
        return CommandError(f"{self._place}{self._folders[min(len(self._ends), len(self._folders) - 1)]}: {what}")

    def judge(self) -> None:
        """Raise CommandError unless the answer is whole and find found all it looked for, everywhere."""
        for folder, (end, said, is_whole) in zip(self._folders, self._ends):
            if not is_whole or end not in (b"end 0", b"end 1"):
                raise CommandError(f"{self._place}{folder}: its answer is cut off: {said[-80:]!r}")
            wrong = [line for line in said.split(b"\n") if line and not line.endswith(GONE)
                     and not self._is_of_unread_link(line)]
            if wrong or (end == b"end 1" and not said):
                shown = wrong[0].decode("utf-8", "replace") if wrong else "it failed and does not say why"
                raise CommandError(f"{self._place}{folder}: {shown.removeprefix('find: ')}. Nothing may be missing in "
                                   "a backup: let this account read it, or, in the web root, leave it out with "
                                   "EXCLUDE=")
        if not self._is_unpacked or self._rest or not self.clock \
                or {len(self._ends), len(self.real)} != {len(self._folders)}:
            raise self._fault(f"its answer is cut off: {self._rest[-80:]!r}")

    def _is_of_unread_link(self, line: bytes) -> bool:
        """Whether find complains of one of the links it told without a target; tar will take what is there now."""
        if not self._unread_links or not line.endswith(NO_LINK):
            return False
        self._unread_links -= 1
        return True


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

    def __len__(self) -> int:
        """Return how many are held in memory."""
        return len(self._waiting)

    def add(self, record: Record) -> None:
        self._waiting.append(record)
        if len(self._waiting) >= RUN:
            self.put_away()

    def put_away(self) -> None:
        """Hold none in memory until more are added."""
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
        if path.startswith(ANYWHERE):
            words += ["-name", listing.literally(path.removeprefix(ANYWHERE)), "-prune", "-o"]
            continue
        inside = path.removesuffix("/*")
        words += ["-path", f"./{listing.literally(inside)}{path[len(inside):]}"]
        for name in kept if inside != path else ():
            words += ["!", "-name", listing.literally(name)]
        words += ["-prune", "-o"]
    return words
