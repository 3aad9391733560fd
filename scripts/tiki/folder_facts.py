"""Asks a host, in one call, what folders are that somebody named: there or not, links, open to everybody."""

import os
import stat
import tempfile
from collections.abc import Collection
from dataclasses import dataclass

from scripts.errors import CommandError
from scripts.hosts.host import Host

# find looks behind a link (-H) and tells one that leads nowhere as a link. The root is its last: what is missing makes
# find fail, and its name proves that the rest arrived.
LOOK = """
realpath -m -z -- "${TMPDIR:-/tmp}" "$@" || exit
find -H "$@" / -maxdepth 0 -printf '%p\\0%y %m\\0' 2>/dev/null || true
"""
OPEN = stat.S_ISVTX | stat.S_IWOTH
LINK = "l"


@dataclass(frozen=True)
class Facts:
    """What one name leads to. A link is there, also when it leads nowhere; then leads_on is not set."""

    real: str
    is_there: bool = False
    leads_on: bool = False
    is_open: bool = False


@dataclass(frozen=True)
class Looked:
    """The host's folder for temporary files, without links, and the facts by name."""

    temporary: str
    facts: dict[str, Facts]


def look(host: Host, paths: Collection[str]) -> Looked:
    """Return the facts of absolute paths; raise CommandError when the answer is cut off."""
    paths = tuple(dict.fromkeys(paths))
    if host.reads_in_place:
        return Looked(os.path.realpath(tempfile.gettempdir()), {path: _here(path) for path in paths})
    temporary, *told = host.read_names("sh", "-c", LOOK, "sh", *paths) or [""]
    real, seen = told[:len(paths)], told[len(paths):]
    if len(real) < len(paths) or seen[-2:-1] != ["/"]:
        raise CommandError(f"[{host.name}] realpath, find: the answer is cut off, or they did not look")
    there = dict(zip(seen[::2], seen[1::2]))
    return Looked(temporary, {path: _read(name, there.get(path)) for path, name in zip(paths, real)})


def _read(real: str, told: str | None) -> Facts:
    if told is None:
        return Facts(real)
    kind, mode = told.split(" ")
    return Facts(real, True, kind != LINK, kind != LINK and int(mode, 8) & OPEN == OPEN)


def _here(path: str) -> Facts:
    real = os.path.realpath(path)
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return Facts(real, os.path.islink(path))
    return Facts(real, True, True, mode & OPEN == OPEN)
