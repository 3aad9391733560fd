"""Which folders outside the web root belong to a site, and what to change in the database when they move.

Decides only, from rows of the site's database: a verb runs `COLUMNS` and then `queries` with its database
client and gives the rows back. A folder counts whatever its switch (`fgal_use_db` and the like) says: files
stay there when an admin flips the switch.
Source: tiki.sql of 2.0 to 24.4; lib/filegals for the JSON of directly mapped galleries.
"""

import json
import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

Rows = Mapping[str, Sequence[Sequence[object]]]
"""For each key of queries() the rows it gave."""


@dataclass(frozen=True)
class _Source:
    """A column that names folders. key is what its rows are told apart by."""

    table: str
    key: str
    column: str
    where: str
    called: str

    @property
    def sql(self) -> str:
        return f"SELECT DISTINCT `{self.key}`, `{self.column}` FROM `{self.table}` WHERE {self.where}"


SOURCES = {
    "preferences": _Source("tiki_preferences", "name", "value", "`name` LIKE '%use\\_dir' OR `name` IN "
                           "('fgal_podcast_dir', 'fgal_batch_dir', 'gal_batch_dir')", "preference"),
    "forums": _Source("tiki_forums", "forumId", "att_store_dir", "`att_store_dir` <> ''", "forum"),
    # Each attachment remembers the folder that its forum had then.
    "attachments": _Source("tiki_forum_attachments", "forumId", "dir", "`dir` <> ''", "attachments of forum"),
    "galleries": _Source("tiki_file_galleries", "galleryId", "direct", "`type` = 'direct'", "file gallery"),
    "repositories": _Source("tiki_integrator_reps", "repID", "path", "`path` <> ''", "integrator repository"),
}

THE_MACHINES = frozenset((
    "/", "/bin", "/boot", "/dev", "/dev/shm", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root", "/run",
    "/sbin", "/sys", "/tmp", "/usr", "/usr/local", "/usr/share", "/var", "/var/cache", "/var/lib", "/var/log",
    "/var/spool", "/var/tmp"))
"""Folders that every Debian has for itself: what a site keeps there lies beside what others need, and a restore would
delete that. /srv, /mnt and /media are the administrator's: a disk of data may be mounted there."""

INBOXES = ("fgal_batch_dir", "gal_batch_dir")

COLUMNS = ("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND "
           "table_name IN (" + ", ".join(f"'{source.table}'" for source in SOURCES.values()) + ")")


@dataclass(frozen=True)
class DataFolder:
    """A folder that belongs to the site, as an absolute path without a slash at its end.

    contains_web_root marks one that must not be copied as a whole: the site's own tree lies in it. never is why the
    site's data is not looked for in it, whoever names it. links are names inside the web root that lead to it or
    into it, with their real paths.
    """

    path: str
    used_by: tuple[str, ...]
    contains_web_root: bool = False
    never: str = ""
    links: tuple[tuple[str, str], ...] = ()

    @property
    def missed(self) -> str:
        """Return in words who names it, and why nothing of it is taken."""
        return f"{self.path} is named by {', '.join(self.used_by)} and {self.why_missing}"

    @property
    def why_missing(self) -> str:
        """Return why nothing of it is taken, to stand behind its name."""
        return f"is not taken: {self.never}" if self.never else "is not there"


@dataclass(frozen=True)
class Rewrite:
    """One value in the database that names a folder which moved."""

    table: str
    key: str
    key_value: str
    column: str
    old: str
    new: str

    def sql(self, quote: Callable[[str], str]) -> str:
        """Return the UPDATE statement; quote makes an SQL literal of a string."""
        return (f"UPDATE `{self.table}` SET `{self.column}` = {quote(self.new)} "
                f"WHERE `{self.key}` = {quote(self.key_value)} AND `{self.column}` = {quote(self.old)}")


@dataclass(frozen=True)
class _Named:
    """A folder's name where it stands: in a column as it is, or inside the JSON of a gallery."""

    source: _Source
    key_value: str
    value: str
    folder: str

    @property
    def used_by(self) -> str:
        return f"{self.source.called} {self.key_value}"

    def renamed(self, folder: str) -> str:
        if self.value == self.folder:
            return folder
        return json.dumps({**json.loads(self.value), "path": folder})


def queries(columns: Iterable[Sequence[object]]) -> dict[str, str]:
    """Return the questions to this database, by key; columns are the rows of COLUMNS.

    Old and very new Tikis lack some of the tables and columns.
    """
    known = {(_text(table), _text(column)) for table, column in columns}
    return {key: source.sql for key, source in SOURCES.items() if (source.table, source.column) in known}


def from_rows(rows: Rows, web_root: str) -> list[DataFolder]:
    """Return the folders outside the web root, each once, with nested ones merged into the outer."""
    return merged(outside(rows, web_root), web_root)


def users_inside(rows: Rows, web_root: str) -> dict[str, list[str]]:
    """Return the folders inside the web root, as they are named, with what uses each."""
    users: dict[str, list[str]] = {}
    for named in _named(rows):
        path = _absolute(named.folder, web_root)
        if path != web_root and is_within(path, web_root):
            users.setdefault(path, []).append(named.used_by)
    return users


def outside(rows: Rows, web_root: str) -> dict[str, list[str]]:
    """Return the folders outside the web root, as they are named, with what uses each."""
    users: dict[str, list[str]] = {}
    for named in _named(rows):
        path = _absolute(named.folder, web_root)
        if not is_within(path, web_root):
            users.setdefault(path, []).append(named.used_by)
    return users


def merged(users: Mapping[str, Sequence[str]], web_root: str) -> list[DataFolder]:
    """Return folders with what uses each, nested ones merged into the outer."""
    outer: dict[str, list[str]] = {}
    for path in sorted(users, key=lambda path: path.split("/")):
        place = next((above for above in outer if is_within(path, above) and not is_within(web_root, above)), path)
        outer.setdefault(place, []).extend(users[path])
    return [DataFolder(path, tuple(dict.fromkeys(used_by)), is_within(web_root, path))
            for path, used_by in outer.items()]


def are_inboxes(used_by: Collection[str]) -> bool:
    """Whether all that names a folder takes files in from there: nothing of a site is kept in it."""
    return bool(used_by) and all(use.rpartition(" ")[2] in INBOXES for use in used_by)


def why_never(real: str, temporary: str, is_open: bool) -> str:
    """Return why a folder cannot be a site's own, so that a restore must not make it equal to an archive; else nothing.

    real has no links, temporary is the host's folder for temporary files; is_open: an inbox, sticky and writable for
    everybody.
    """
    if real in THE_MACHINES:
        return "it is the machine's own folder, and what others keep there would be packed and deleted"
    if real == temporary:
        return "temporary files of all programs lie there, TRIM's among them"
    if is_open:
        return ("it is open to everybody, as a folder for temporary files is (sticky, world-writable). When it is the "
                "site's alone: chmod -t on it")
    return ""


def inside(rows: Rows, web_root: str) -> list[str]:
    """Return the folders inside the web root that belong to the site, by their paths from there."""
    return sorted(path.removeprefix(f"{web_root}/") for path in users_inside(rows, web_root))


def rewrites(rows: Rows, web_root: str, moves: Mapping[str, str]) -> list[Rewrite]:
    """Return what to change when folders move: moves gives for old absolute paths the new ones.

    Values at or below an old path change, the deepest old path first; a slash at the end stays, a relative
    path inside the web root needs no change, unless moves names a folder there. Give the web root itself in moves when
    it moves: some sites name folders inside it by absolute paths.
    """
    found = []
    for named in _named(rows):
        path = _absolute(named.folder, web_root)
        old = max((old for old in moves if is_within(path, old)), key=len, default=None)
        is_relative = not named.folder.startswith("/") and is_within(path, web_root)
        if old is None or (is_relative and is_within(web_root, old)):
            continue
        moved = posixpath.normpath(f"{moves[old]}/{posixpath.relpath(path, old)}")
        new = named.renamed(moved + "/" if named.folder.endswith("/") else moved)
        if new != named.value:
            found.append(Rewrite(named.source.table, named.source.key, named.key_value, named.source.column,
                                 named.value, new))
    return found


def _named(rows: Rows) -> Iterable[_Named]:
    for key, source in SOURCES.items():
        for key_value, cell in rows.get(key, ()):
            value = _text(cell)
            folder = _local_path(value) if key == "galleries" else value
            # A repository may as well be an address on the web.
            if folder.strip() and "://" not in folder:
                yield _Named(source, _text(key_value), value, folder)


def _local_path(direct: str) -> str:
    """Return the folder a gallery is mapped to, or nothing when its files are on another server."""
    try:
        settings = json.loads(direct or "{}")
    except ValueError:
        return ""
    is_local = isinstance(settings, dict) and settings.get("adapter") == "local"
    return str(settings.get("path") or "") if is_local else ""


def _absolute(folder: str, web_root: str) -> str:
    return "/" + posixpath.normpath(posixpath.join(web_root, folder)).lstrip("/")


def web_root_inside(folder: str, web_root: str) -> tuple[str, ...]:
    """Return the web root as seen from a folder that it lies in, lest it be taken for a part of that; else ()."""
    inside = web_root.removeprefix(f"{folder.rstrip('/')}/")
    return () if inside == web_root else (inside,)


def is_within(path: str, folder: str) -> bool:
    """Tell whether path is folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _text(cell: object) -> str:
    """Return a cell as text; clients give numbers, bytes and None as well."""
    if isinstance(cell, bytes | bytearray):
        return bytes(cell).decode("utf-8", "surrogateescape")
    return "" if cell is None else str(cell)
