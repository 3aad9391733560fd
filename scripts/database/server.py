"""A database to try an archive on: on a private server that lives for one proof, or on one that was named for it."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from scripts.database.account import Account
from scripts.database.client import quote_name
from scripts.database.credentials import manager_id, read_option_file
from scripts.errors import CommandError, DatabaseError, HostError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.local import MANAGER
from scripts.registry.settings import Settings

START_SECONDS = 60        # a loaded machine with slow disks; normal is below one
SOCKET_FOLDER_LIMIT = 80  # characters: 107 for a socket, less our names
# Nothing here outlives the proof, so nothing waits for a disk.
CARELESS = ("--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
            "--innodb-log-file-size=96M", "--innodb-buffer-pool-size=256M")
INSTALL = ("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
# Without grants the socket's folder is the only door, and the foreign owner of a view no fault. A dump could still
# ask the server to write files: secure-file-priv keeps it to its own folder. InnoDB's strict mode would refuse
# tables that older servers made.
SERVING = ("--skip-networking", "--skip-grant-tables", "--skip-log-bin", "--performance-schema=OFF",
           "--max-allowed-packet=1G", "--innodb-strict-mode=OFF", "--character-set-server=utf8mb4",
           "--local-infile=OFF", "--innodb-fast-shutdown=2")


@contextmanager
def throw_away(folder: Path) -> Iterator[Account]:
    """Lend an empty database on a private MariaDB of the manager; server and data are gone afterwards.

    folder is made for its data. Raises HostError when the manager has no server program.
    """
    data = folder / "mariadb"
    sockets = Path(tempfile.mkdtemp(prefix="trim-", dir=_short_folder()))
    account = Account("trim_prove", "root", "", socket=str(sockets / "db.sock"))
    try:
        MANAGER.make_folder(str(data), 0o700)
        _install(data)
        with process.background(_server(data, account)) as is_alive:
            if not process.conduct.dry_run:
                _wait_until_ready(account, is_alive, data)
                _say(account, f"CREATE DATABASE {account.name} CHARACTER SET utf8mb4")
            yield account
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
        MANAGER.remove_tree(str(data))


@contextmanager
def for_a_trial(settings: Settings, folder: Path) -> Iterator[Account]:
    """Lend an empty database: on the server of PROVE_DB, else on one of our own, whose data goes into folder."""
    chosen = on_server(settings.place(settings.prove_db)) if settings.prove_db else throw_away(folder)
    with chosen as account:
        yield account


@contextmanager
def on_server(option_file: Path) -> Iterator[Account]:
    """Lend an empty database on the server of an option file; it is dropped afterwards.

    Its account needs all rights on databases whose names start with trim_prove_. What killed runs of this manager left
    there is dropped too.
    """
    server = read_option_file(option_file)
    start = f"trim_prove_{manager_id()}_"
    account = replace(server, name=f"{start}{os.getpid()}_{secrets.token_hex(4)}")
    for (name,) in _say(server, "SHOW DATABASES"):
        if name.startswith(start) and not psutil.pid_exists(int(name.removeprefix(start).split("_")[0])):
            _say(server, f"DROP DATABASE IF EXISTS {quote_name(name)}")
    _say(server, f"CREATE DATABASE {account.name} CHARACTER SET utf8mb4")
    try:
        yield account
    finally:
        _say(server, f"DROP DATABASE IF EXISTS {account.name}")


def _install(data: Path) -> None:
    try:
        MANAGER.run("mariadb-install-db", "--no-defaults", *_place(data), *INSTALL, *CARELESS)
    except CommandError as error:
        if error.code != 127:
            raise
        raise HostError("the manager has no MariaDB server to try the archive on. Next: apt install "
                        "mariadb-server-core, or name a server in PROVE_DB (conf/settings.env)") from error


def _server(data: Path, account: Account) -> Command:
    files = (f"--socket={account.socket}", f"--secure-file-priv={data}",
             f"--log-error={_log(data)}", f"--pid-file={data / 'server.pid'}")
    return MANAGER.command("mariadbd", "--no-defaults", *_place(data), *CARELESS, *SERVING, *files)


def _place(data: Path) -> list[str]:
    """Return whose server it is; as root it refuses to run until it is told that this is meant.

    A server that starts removes every temporary table from its tmpdir: in /tmp those of others, production's too.
    """
    return [f"--datadir={data}", f"--tmpdir={data}", *(["--user=root"] if os.geteuid() == 0 else [])]


def _wait_until_ready(account: Account, is_alive: Callable[[], bool], data: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _say(account, "SELECT 1")
            return
        except DatabaseError as error:
            if not is_alive() or time.monotonic() > deadline:
                raise DatabaseError(f"the private MariaDB did not start: {_complaints(data)}") from error
        time.sleep(0.02)


def _say(account: Account, statement: str) -> list[tuple]:
    """Carry out one statement at an account's server, in no database; return its rows."""
    import mysql.connector  # here, because it takes a fifth of a second that other verbs need not wait

    place = {"unix_socket": account.socket} if account.socket else {"host": account.host, "port": account.port or 3306}
    secure = {"ssl_ca": account.ssl_ca, "ssl_cert": account.ssl_cert, "ssl_key": account.ssl_key}
    try:
        # The collation is named, because the one that is usual in MySQL 8 is unknown to MariaDB.
        with closing(mysql.connector.connect(user=account.user, password=account.password, use_pure=True, **place,
                                             charset="utf8mb4", collation="utf8mb4_general_ci",
                                             **{key: value for key, value in secure.items() if value})) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.with_rows else []
    except mysql.connector.Error as error:
        raise DatabaseError(f"database server {account.socket or account.host}: {error}") from error


def _complaints(data: Path) -> str:
    lines = _log(data).read_text(errors="replace").splitlines() if _log(data).exists() else []
    return " / ".join(line.partition("[ERROR] ")[2] for line in lines if "[ERROR]" in line) or "it gave no reason"


def _log(data: Path) -> Path:
    return data / "server.log"


def _short_folder() -> str:
    folder = tempfile.gettempdir()
    return folder if len(folder) < SOCKET_FOLDER_LIMIT else "/tmp"
