"""Which owners and modes a Tiki's files need. Decides only, from a listing of the tree.

Source: Tiki's setup.sh, the list of writable folders of 12 to 24 and its `fix` command: everything readable, what Tiki
writes writable for the group too. setup.sh opens db/local.php to the whole machine; here it is never widened.
"""

from collections.abc import Iterable
from dataclasses import dataclass

WRITABLE = ("db", "dump", "files", "img/trackers", "img/wiki", "img/wiki_up", "maps", "mods", "modules/cache",
            "storage", "styles", "temp", "templates", "templates_c", "themes", "tiki_tests/tests", "vendor", "whelp")
LISTING = ("-printf", "%y %m %u:%g %P\\0")   # find's words for one entry: kind, mode, owner, path


@dataclass(frozen=True)
class Entry:
    """A file (f) or folder (d) below the web root as it is: mode in bits, owner as user:group."""

    kind: str
    mode: int
    owner: str
    path: str


@dataclass(frozen=True)
class Change:
    """What is wrong with an entry: its mode, its owner, or both; None for what is right."""

    entry: Entry
    mode: int | None
    owner: str | None

    def __str__(self) -> str:
        mode = f"mode {self.entry.mode:04o} to {self.mode:04o}" if self.mode is not None else ""
        owner = f"owner {self.entry.owner} to {self.owner}" if self.owner else ""
        return f"{self.entry.path or '.'}: {', '.join(filter(None, (mode, owner)))}"


def entries(listing: Iterable[str]) -> list[Entry]:
    """Return the files and folders of a listing; links and the like have no mode of their own."""
    found = []
    for line in listing:
        kind, mode, owner, path = line.split(" ", 3)
        if kind in ("f", "d"):
            found.append(Entry(kind, int(mode, 8), owner, path))
    return found


def changes(found: Iterable[Entry], owner: str | None) -> list[Change]:
    """Return what has to change; owner is what everything shall belong to, None where it cannot be given."""
    wrong = []
    for entry in found:
        mode = wanted_mode(entry)
        change = Change(entry, mode if mode != entry.mode else None, owner if owner != entry.owner else None)
        if change.mode is not None or change.owner:
            wrong.append(change)
    return wrong


def wanted_mode(entry: Entry) -> int:
    """Return the mode an entry needs: u=rwX,go=rX, and g+w below what Tiki writes; setgid on folders stays."""
    if entry.path == "db/local.php" or (entry.path.startswith("db/") and entry.path.endswith("/local.php")):
        return entry.mode & 0o644 | 0o600
    special = entry.mode & 0o7000
    executable = entry.kind == "d" or entry.mode & 0o111
    mode = special | 0o644 | (0o111 if executable else 0)
    return mode | 0o020 if is_writable(entry.path) else mode


def is_writable(path: str) -> bool:
    """Whether Tiki itself writes at this path or below it."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in WRITABLE)
