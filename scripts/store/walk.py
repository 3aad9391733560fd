"""Lists what of a folder goes into an archive, in a stable order, whatever the names look like.

Names are bytes: a file system promises nothing more.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator

LeaveOut = Callable[[str], bool]
"""Says of a path relative to the folder whether it (and all below it) stays out."""


def members(folder: str, leave_out: LeaveOut) -> Iterator[bytes]:
    """Yield `.` and every path below folder as `./a/b`, each folder before its content, sorted.

    Sockets are not yielded: no archive can hold one. What vanishes meanwhile is passed over.
    """
    yield b"."
    yield from _below(os.fsencode(folder), b".", leave_out)


def _below(top: bytes, relative: bytes, leave_out: LeaveOut) -> Iterator[bytes]:
    try:
        with os.scandir(os.path.join(top, relative)) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        path = relative + b"/" + entry.name
        if leave_out(os.fsdecode(path[2:])) or _is_socket(entry):
            continue
        yield path
        if entry.is_dir(follow_symlinks=False):
            yield from _below(top, path, leave_out)


def _is_socket(entry: os.DirEntry) -> bool:
    if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False) or entry.is_symlink():
        return False
    try:
        return stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return True


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


def size_of(folder: str, leave_out: LeaveOut) -> int:
    """Return the bytes of the files that an archive would take."""
    total = 0
    top = os.fsencode(folder)
    for path in members(folder, leave_out):
        try:
            found = os.lstat(os.path.join(top, path))
        except FileNotFoundError:
            continue
        total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total
