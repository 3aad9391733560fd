"""Lists what of a folder goes into an archive, in a stable order, whatever the names look like.

Names are bytes: a file system promises nothing more. A backup runs this file as a program of its own (`command`): forty
thousand files take as long as a dump takes, and two threads of one Python would wait for each other. So it imports
nothing of ours, and little else.
"""

import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator

FILE, FOLDER, LINK, SECOND_NAME = "f", "d", "l", "h"    # find's letters; h is a further name of a file (a hard link)
KINDS = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: LINK, stat.S_IFIFO: "p", stat.S_IFCHR: "c",
         stat.S_IFBLK: "b"}     # a socket is none: no archive can hold one
LINKED = (FILE, LINK)   # of what tar makes hard links
TEXT = b"%b\0%b %d %d %d %d %d %o %d %d\0%b\0"      # the text of a member: index.described
FIELDS = 3              # of such a text, each with a NUL behind it
END = b"\0that is all\0\0"      # what the program says last: of no member, because none is without a path
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)   # a file took a folder's place, or a link that leads to itself
CHUNK = 1 << 16         # bytes that are told at once
HINT = ". Nothing may be missing in a backup: let this account read it, or, in the web root, leave it out with EXCLUDE="

LeaveOut = Callable[[str], bool]
"""Says of a path relative to the folder whether it (and all below it) stays out."""


class FirstNames:
    """Knows which name of a file came first, of the files that have several."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, int], bytes] = {}

    def first(self, path: bytes, kind: str, dev: int, inode: int) -> bytes:
        """Return the name that came first when path is a further one of what tar makes hard links of, else nothing."""
        if kind not in LINKED:
            return b""
        first = self._first.setdefault((dev, inode), path)
        return b"" if first == path else first


def in_order(path: bytes) -> bytes:
    """Return what paths are sorted by: each folder before its content, names by their bytes."""
    return path.replace(b"/", b"\0")


def texts(folder: str, inside: bytes, left_out: str = "") -> Iterator[bytes]:
    """Yield the text of a folder and of all below it, each folder before its content; their paths begin with inside.

    left_out is an expression of paths below the folder that stay out with all in them. Sockets are not told, and what
    vanishes meanwhile is passed over.
    """
    first_names, top = FirstNames(), os.fsencode(folder)
    is_left_out = meant_by(left_out)
    yield _text(inside, FOLDER, os.stat(top), b"")
    waiting = [_entries(top)]   # of each folder on the way down, what is still to come
    names = [b""]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            names.pop()
            continue
        relative = names[-1] + entry.name
        if is_left_out(os.fsdecode(relative)):
            continue
        if (looked := _looked(entry)) is None:
            continue
        kind, found, target = looked
        path = inside + b"/" + relative
        if found.st_nlink > 1 and (first := first_names.first(path, kind, found.st_dev, found.st_ino)):
            yield _text(path, SECOND_NAME, found, first)
            continue
        yield _text(path, kind, found, target)
        if kind == FOLDER:
            waiting.append(_entries(entry.path))
            names.append(relative + b"/")


def in_chunks(told: Iterable[bytes]) -> Iterator[bytes]:
    """Yield texts, many at once."""
    chunk = bytearray()
    for text in told:
        chunk += text
        if len(chunk) > CHUNK:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def _looked(entry: os.DirEntry) -> tuple[str, os.stat_result, bytes] | None:
    """Return kind, facts and a link's target; nothing for a socket, and for what is gone."""
    try:
        found = entry.stat(follow_symlinks=False)
        while (kind := KINDS.get(stat.S_IFMT(found.st_mode))) == LINK:
            try:
                return kind, found, os.readlink(entry.path)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                found = os.lstat(entry.path)    # something else took the link's place meanwhile
    except OSError as error:
        if error.errno not in GONE:
            raise
        return None
    return (kind, found, b"") if kind else None


def _entries(folder: bytes) -> Iterator[os.DirEntry]:
    """Return what is in a folder, by name; nothing when it is gone."""
    try:
        with os.scandir(folder) as found:
            return iter(sorted(found, key=lambda entry: entry.name))
    except OSError as error:
        if error.errno not in GONE:
            raise
        return iter(())


def _text(path: bytes, kind: str, found: os.stat_result, target: bytes) -> bytes:
    return TEXT % (path, kind.encode(), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino,
                   found.st_dev, found.st_mode & 0o7777, found.st_uid, found.st_gid, target)


def expression(patterns: Iterable[str]) -> str:
    """Return the regular expression of all paths that one of these patterns means; of no pattern it is empty.

    They read as rsync's anchored ones do: from the folder's top, `*` and `?` within one name, `**` across.
    """
    return "|".join(_expression(pattern.strip("/")) for pattern in patterns)


def any_of(patterns: Iterable[str]) -> LeaveOut:
    """Return what tells whether a path is meant by one of these patterns."""
    return meant_by(expression(patterns))


def meant_by(text: str) -> LeaveOut:
    """Return what tells whether a path is meant by an expression; an empty one means none."""
    meant = re.compile(text, re.DOTALL).fullmatch if text else lambda path: None
    return lambda path: meant(path) is not None


def _expression(pattern: str) -> str:
    pieces = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(pieces.get(piece, re.escape(piece)) for piece in re.split(r"(\*\*|\*|\?)", pattern))


# As a program

def command(folder: str, inside: bytes, left_out: str) -> tuple[str, ...]:
    """Return the words that start this file as a program, which tells texts and END."""
    return (sys.executable, "-I", "-S", "-X", "utf8", __file__, folder, os.fsdecode(inside), left_out)


def main(words: list[str]) -> int:
    """Tell the texts of a folder on stdout; return the exit code."""
    folder, inside, left_out = words
    try:
        for chunk in in_chunks(texts(folder, os.fsencode(inside), left_out)):
            _write(chunk)
        _write(END)
    except OSError as error:
        hint = HINT if isinstance(error, PermissionError) else ""
        print(f"{os.fsdecode(error.filename or folder)}: {error.strerror}{hint}", file=sys.stderr)
        return 1
    return 0


def _write(told: bytes) -> None:
    while told:
        told = told[os.write(1, told):]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
