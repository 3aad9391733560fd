"""Lists what of a folder goes into an archive, in a stable order, whatever the names look like.

Names are bytes: a file system promises nothing more.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator

from scripts.store.index import FILE, FOLDER, LINK, SECOND_NAME, Member

LeaveOut = Callable[[str], bool]
"""Says of a path relative to the folder whether it (and all below it) stays out."""

KINDS = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: LINK, stat.S_IFIFO: "p", stat.S_IFCHR: "c",
         stat.S_IFBLK: "b"}     # a socket is none: no archive can hold one
LINKED = (FILE, LINK)   # of what tar makes hard links


class FirstNames:
    """Knows which name of a file came first, of the files that have several."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, int], bytes] = {}

    def role(self, member: Member) -> Member:
        """Return a member of a file with several names as what tar makes of it: the file, or one more name of it."""
        if member.kind not in LINKED:
            return member
        first = self._first.setdefault((member.dev, member.inode), member.path)
        return member if first == member.path else member._replace(kind=SECOND_NAME, target=first)


def in_order(path: bytes) -> bytes:
    """Return what paths are sorted by: each folder before its content, names by their bytes."""
    return path.replace(b"/", b"\0")


def members(folder: str, inside: bytes, leave_out: LeaveOut) -> Iterator[Member]:
    """Yield a folder and all below it, each folder before its content, sorted; their paths begin with inside.

    Sockets are not yielded. What vanishes meanwhile is passed over.
    """
    first_names, top = FirstNames(), os.fsencode(folder)
    yield _member(inside, os.stat(top), b"")
    waiting = [_entries(top)]   # of each folder on the way down, what is still to come
    names = [b""]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            names.pop()
            continue
        relative = names[-1] + entry.name
        if leave_out(os.fsdecode(relative)):
            continue
        try:
            found = entry.stat(follow_symlinks=False)
            target = os.readlink(entry.path) if stat.S_ISLNK(found.st_mode) else b""
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISSOCK(found.st_mode):
            continue
        member = _member(inside + b"/" + relative, found, target)
        yield first_names.role(member) if found.st_nlink > 1 else member
        if member.kind == FOLDER:
            waiting.append(_entries(entry.path))
            names.append(relative + b"/")


def _entries(folder: bytes) -> Iterator[os.DirEntry]:
    """Return what is in a folder, by name; nothing when it is gone."""
    try:
        with os.scandir(folder) as found:
            return iter(sorted(found, key=lambda entry: entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return iter(())


def _member(path: bytes, found: os.stat_result, target: bytes) -> Member:
    mode = found.st_mode
    return Member(path, KINDS[stat.S_IFMT(mode)], found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino,
                  found.st_dev, mode & 0o7777, found.st_uid, found.st_gid, target)


def any_of(patterns: tuple[str, ...]) -> LeaveOut:
    """Return what tells whether a path is meant by one of these patterns.

    They read as rsync's anchored ones do: from the folder's top, `*` and `?` within one name, `**` across.
    """
    if not patterns:
        return lambda path: False
    expression = re.compile("|".join(_expression(pattern.strip("/")) for pattern in patterns), re.DOTALL)
    return lambda path: expression.fullmatch(path) is not None


def _expression(pattern: str) -> str:
    pieces = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(pieces.get(piece, re.escape(piece)) for piece in re.split(r"(\*\*|\*|\?)", pattern))
