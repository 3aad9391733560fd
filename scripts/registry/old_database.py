"""Reads the registry of TRIM and Tiki Manager, data/trim.db, and leaves it as it is.

Columns that hold passwords are never asked for: access.pass, report_receiver.user and .pass.
Source: Tiki Manager, src/Config/Environment.php, schema 0 to 20.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import RegistryError

NEWEST_SCHEMA = 20
NEEDED = {"instance": ("instance_id", "name", "webroot"), "access": ("instance_id", "type", "host", "user")}
UNFINISHED = ("-journal", "-wal")   # SQLite's own files: changes that are not in the database yet
LOST = {"report_receiver": "report receivers (their passwords stay there)", "patch": "recorded patches",
        "bisect_sessions": "running bisects"}


@dataclass(frozen=True)
class OldInstance:
    """One row of `instance` with what other tables say of it; address is `host:port`, or a host alone."""

    number: int
    name: str
    web_root: str
    web_url: str = ""
    contact: str = ""
    php: str = ""
    run_user: str = ""
    is_blank: bool = False
    access: str = ""
    address: str = ""
    user: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    extra_paths: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Return the name of its archives' folder, with which the names of its archives begin."""
        return f"{self.number}-{self.name}"

    @property
    def called(self) -> str:
        """Return what messages call it."""
        return f"instance {self.number} ({self.name})"


@dataclass(frozen=True)
class OldRegistry:
    """What trim.db holds: its schema, its instances by number, and sentences on what has no place here."""

    schema: int
    instances: tuple[OldInstance, ...]
    left: tuple[str, ...]


def read(path: Path) -> OldRegistry:
    """Return what a trim.db says; raise RegistryError that names its schema when it cannot be understood."""
    _refuse_unfinished(path)
    schema = "unknown"
    try:
        # immutable: no lock and no file of SQLite's own beside a database that belongs to somebody else.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.row_factory = sqlite3.Row
            database.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
            schema = _schema(database)
            columns = {table: _columns(database, table) for table in (*NEEDED, "backup", "tags", "backup_ignore_list")}
            _require(columns)
            left = [f"{count} {what}" for table, what in LOST.items() if (count := _count(database, table))]
            return OldRegistry(int(schema), tuple(_instances(database, columns)), tuple(left))
    except (sqlite3.Error, ValueError) as error:
        raise RegistryError(f"{path}: is no registry of TRIM or Tiki Manager that can be read: {error} "
                            f"(schema {schema}; known are 1 to {NEWEST_SCHEMA}). Nothing was written") from error


def _refuse_unfinished(path: Path) -> None:
    for ending in UNFINISHED:
        beside = path.with_name(path.name + ending)
        if beside.exists() and beside.stat().st_size:
            raise RegistryError(f"{path}: {beside.name} is beside it: a run of the old manager is writing, or was cut "
                                f"off. Wait for it; when there is none: sqlite3 {path} .tables settles it")


def _schema(database: sqlite3.Connection) -> str:
    row = database.execute("SELECT value FROM info WHERE name = 'version'").fetchone()
    if row is None:
        raise ValueError("its table info names no version")
    return str(row["value"])


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row["name"] for row in database.execute(f"PRAGMA table_info({table})")}


def _require(columns: dict[str, set[str]]) -> None:
    for table, needed in NEEDED.items():
        missing = [name for name in needed if name not in columns[table]]
        if missing:
            raise ValueError(f"its table {table} lacks {', '.join(missing)}" if columns[table]
                             else f"it has no table {table}")


def _instances(database: sqlite3.Connection, columns: dict[str, set[str]]) -> list[OldInstance]:
    """Return the instances by number; what a later schema added is empty in an older one."""
    wanted = ("instance_id", "name", "webroot", "weburl", "contact", "phpexec", "run_user", "app")
    there = ", ".join(name for name in wanted if name in columns["instance"])
    found = []
    for row in database.execute(f"SELECT {there} FROM instance ORDER BY instance_id").fetchall():
        values = {name: _text(row[name]) if name in row.keys() else "" for name in wanted}  # noqa: SIM118 - sqlite3.Row
        number = int(row["instance_id"])
        # The first row, as the old manager takes it.
        access = database.execute("SELECT type, host, user FROM access WHERE instance_id = ? ORDER BY rowid",
                                  (number,)).fetchone()
        kind, address, user = map(_text, access) if access else ("", "", "")
        found.append(OldInstance(
            number, values["name"], values["webroot"], values["weburl"], values["contact"], values["phpexec"],
            values["run_user"], "app" in columns["instance"] and not values["app"], kind, address, user,
            tuple(_rows(database, columns, "tags", number, "tag_name", "tag_value")),
            tuple(text for text, in _rows(database, columns, "backup", number, "location")),
            tuple(text for text, in _rows(database, columns, "backup_ignore_list", number, "exclude"))))
    return found


def _rows(database: sqlite3.Connection, columns: dict[str, set[str]], table: str, number: int,
          *wanted: str) -> list[tuple[str, ...]]:
    """Return the rows of one instance in a table that not every schema has."""
    if not columns[table].issuperset(wanted):
        return []
    rows = database.execute(f"SELECT {', '.join(wanted)} FROM {table} WHERE instance_id = ? ORDER BY rowid", (number,))
    return [tuple(map(_text, row)) for row in rows]


def _count(database: sqlite3.Connection, table: str) -> int:
    return database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] if _columns(database, table) else 0


def _text(value: object) -> str:
    """Return a cell as text: SQLite keeps any kind in any column."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape").strip()
    return "" if value is None else str(value).strip()
