"""Remembers that a Tiki is being created, and takes back what a killed run left of it.

The note lies on the manager and is written before anything is made: it is the proof that folder and database were
empty then. Still only what the code itself brings is removed; anything else was put there meanwhile, and is refused.
"""

import json
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psutil

from scripts.database import credentials, load, making
from scripts.database.account import Account
from scripts.database.client import Client, quote_text
from scripts.errors import RefusedError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import site
from scripts.tiki import layout
from scripts.tiki.probe import Probe

OWN_FOLDERS = ("temp", "templates_c", "modules", "db", "img", "files", "dump", "storage", "vendor")
"""Folders that Tiki makes or fills by itself while it is installed."""

MADE_TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?`?(\w+)`?", re.IGNORECASE)
INDEX_TABLE = re.compile(r"index_\w+")
ENDING = ".creating.json"
HALF_COPIED = r"\.({})\.\w{{6}}"  # where rsync writes a file before it gets its name


@dataclass(frozen=True)
class Note:
    """A creation that was begun: where, and whether the web root was `missing` or `empty`; pid is the run's.

    database is the one that was to be made for it; without it an empty one had been given. account says which one it
    is: host, port, socket and name; of notes that older versions wrote that is not known.
    """

    place: list
    was: str
    database: str
    pid: int
    account: list = field(default_factory=list)


def begin(instance: Instance, was: str, database: str, account: Account) -> None:
    """Write the note of a creation that changes something from now on: in a database that is made by this account, or
    in the one that it was given.
    """
    if process.conduct.dry_run:
        return
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    note = Note(list(instance.place), was, database, os.getpid(), _told(account, database or account.name))
    MANAGER.write(str(_path(instance)), json.dumps(asdict(note)).encode(), 0o600)


def end(instance: Instance) -> None:
    """Remove the note: the site is whole, or nothing of it is left."""
    MANAGER.remove(str(_path(instance)))


def unfinished(instance: Instance) -> Note | None:
    """Return the note of a killed creation in this very place."""
    try:
        note = Note(**json.loads(_path(instance).read_text()))
    except FileNotFoundError:
        return None
    return note if note.place == list(instance.place) else None


def killed(settings: Settings) -> list[tuple[str, Note]]:
    """Return names and notes of creations whose run is dead."""
    notes = [(path.name.removesuffix(ENDING), Note(**json.loads(path.read_text())))
             for path in sorted((settings.state / "status").glob(f"*{ENDING}"))]
    return [(name, note) for name, note in notes if not psutil.pid_exists(note.pid)]


def take_back(instance: Instance, note: Note, tree: Path, db_admin: Path | None) -> None:
    """Remove what a killed creation left in the web root and in its database.

    Raises RefusedError, before anything is removed, when something else lies there.
    """
    output.say(f"{instance.name}: taking back what a killed run left in {instance.web_root}")
    is_there = bool(instance.host.present(instance.web_root, kind="d"))
    names = _names(instance) if is_there else []
    _refuse_foreign(instance, [name for name in names if not _is_brought(name, tree)], instance.web_root)
    if not note.database:
        _take_back_given(instance, note, tree)
    elif db_admin:
        _take_back_made(instance, note, tree, db_admin)
    else:
        output.warn(f"{instance.name}: its database {note.database} stays; without DB_ADMIN= it cannot be dropped")
    if is_there:
        remove(instance, names, note.was)
    end(instance)


def _take_back_given(instance: Instance, note: Note, tree: Path) -> None:
    """Empty the database that was given, and none but that one: another of this call may be a living site's."""
    account = site.account_of(instance, Probe("empty"))
    with client(instance, account) as given:
        tables = {table.name for table in given.tables()}
        if note.account == _told(account, account.name):
            _refuse_foreign(instance, _not_of(tables, tree), f"database {account.name}")
            load.drop_everything(given)
            return
    before = _place_of(note)
    if tables:
        raise RefusedError(f"{instance.name}: database {account.name} holds {len(tables)} tables, as {min(tables)}, "
                           f"and is not the one in which a killed run left a half created Tiki, {before}. Nothing was "
                           "removed. Next: repeat it with DB_HOST and DB_NAME as they were then, or with an empty one")
    output.warn(f"{instance.name}: what the killed run made in its database stays there: {before}")


def _take_back_made(instance: Instance, note: Note, tree: Path, db_admin: Path) -> None:
    """Drop the database that was made, on the server where that was; elsewhere one of its name is somebody else's."""
    admin = credentials.read_option_file(db_admin)
    if note.account != _told(admin, note.database):
        output.warn(f"{instance.name}: what the killed run made stays: {_place_of(note)}. DB_ADMIN= leads to another "
                    "server now, or in another way")
        return
    with making.administrator(instance.host, admin) as server:
        rows = server.query(f"SELECT table_name FROM tables WHERE table_schema = {quote_text(note.database)}")
        _refuse_foreign(instance, _not_of({name for (name,) in rows}, tree), f"database {note.database}")
        making.remove(server, replace(admin, name=note.database, user=note.database))


def clear(instance: Instance, tree: Path, was: str) -> None:
    """Remove what the tree put into the web root, by the names at its top; the folder too if it was missing."""
    remove(instance, sorted(_brought(tree)), was)


def remove(instance: Instance, names: Collection[str], was: str) -> None:
    """Remove these names from the web root, and the web root itself if it was missing."""
    if names:
        instance.host.run("rm", "-rf", "--", *(f"{instance.web_root}/{name}" for name in names))
    if was == "missing":
        instance.host.run("rmdir", "--", instance.web_root)


@contextmanager
def client(instance: Instance, account: Account) -> Iterator[Client]:
    """Yield a client of the account's database."""
    with credentials.option_file(instance.host, account) as options:
        yield Client(instance.host, options, account.name)


def _names(instance: Instance) -> list[str]:
    return instance.host.read_names("find", f"{instance.web_root}/", "-mindepth", "1", "-maxdepth", "1", "-printf",
                                    "%f\\0")


def _brought(tree: Path) -> set[str]:
    return {entry.name for entry in tree.iterdir()} | {*OWN_FOLDERS, layout.HTACCESS}


def _is_brought(name: str, tree: Path) -> bool:
    brought = _brought(tree)
    return name in brought or bool(re.fullmatch(HALF_COPIED.format("|".join(map(re.escape, brought))), name))


def _not_of(tables: Collection[str], tree: Path) -> set[str]:
    """Return the tables that no installer of a tree, nor Tiki's search, has made."""
    return {name for name in tables if not INDEX_TABLE.fullmatch(name)} - _tables(tree)


def _told(account: Account, database: str) -> list:
    return [account.host, account.port, account.socket, database]


def _place_of(note: Note) -> str:
    """Return which database a killed run was filling, in words."""
    if not note.account:
        return f"which one is not known{f', {note.database} by name' if note.database else ''}"
    host, port, socket, name = note.account
    return f"{name} on {socket or host}{f':{port}' if port and not socket else ''}"


def _tables(tree: Path) -> set[str]:
    """Return the tables that the installer of a tree may have made."""
    texts = [*tree.glob("db/*.sql"), *tree.glob(f"{layout.PATCHES}/*.sql"), *tree.glob(f"{layout.PATCHES}/*.php")]
    return {name for path in texts for name in MADE_TABLE.findall(path.read_text(errors="replace"))}


def _refuse_foreign(instance: Instance, foreign: Collection[str], where: str) -> None:
    if foreign:
        raise RefusedError(f"{instance.name}: a killed run left a half created Tiki in {where}, and {min(foreign)} "
                           "there is not of it. Nothing was removed. Move away what you need, empty it, and repeat")


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}{ENDING}"
