"""A private MariaDB: own data folder, own socket, own port."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.processes import Server, find_program, free_port

# Nothing here must survive a power cut, and nobody else uses it.
CARELESS = [
    "--innodb-flush-method=nosync",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-log-file-size=8M",
    "--innodb-buffer-pool-size=64M",
]
SERVING = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--max-allowed-packet=64M",
]


class MariaDb:
    """folder must be short: the path of a Unix socket may have 107 bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "db.sock"
        self.port = free_port()
        self._server: Server | None = None

    def start(self) -> None:
        data = self.folder / "data"
        if not data.exists():
            self._create(data)
        self._server = Server(
            [
                find_program("mariadbd", "mysqld"),
                "--no-defaults",  # must be the first
                *self._identity(data),
                *CARELESS,
                *SERVING,
                f"--socket={self.socket}",
                f"--port={self.port}",
                f"--pid-file={self.folder / 'db.pid'}",
            ],
            self.folder / "mariadb.log",
        )
        self._server.wait_until(self._is_ready)

    def stop(self) -> None:
        if self._server:
            self._server.stop()
            self._server = None

    def sql(self, text: str, database: str | None = None) -> str:
        """Run statements as the server's root; return rows as lines, columns between tabs, unescaped."""
        done = self._client(text, database)
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return done.stdout.decode("utf-8", "surrogateescape")

    def create_database(self, name: str) -> None:
        self.sql(f"CREATE DATABASE {identifier(name)}")

    def create_account(self, user: str, password: str, database: str) -> None:
        """Create an account with all rights on this database and on nothing else."""
        # _ and % are wildcards in the database name of a GRANT.
        pattern = database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
        for host in ("localhost", "127.0.0.1"):
            account = f"{literal(user)}@{literal(host)}"
            self.sql(
                f"CREATE USER {account} IDENTIFIED BY {literal(password)};"
                f"GRANT ALL ON {identifier(pattern)}.* TO {account}"
            )

    def _create(self, data: Path) -> None:
        done = subprocess.run(
            [
                find_program("mariadb-install-db", "mysql_install_db"),
                "--no-defaults",
                *self._identity(data),
                *CARELESS,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def _identity(self, data: Path) -> list[str]:
        """As root the server refuses to run until it is told that this is meant.

        Starting, it removes the temporary tables of other servers that share its tmpdir.
        """
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        return [f"--datadir={data}", f"--tmpdir={self.folder}", *as_root]

    def _is_ready(self) -> bool:
        return self._client("SELECT 1", None).returncode == 0

    @contextmanager
    def holding(self, text: str) -> Iterator[None]:
        """Let a client of its own say this, as LOCK TABLES, and stay while the block runs."""
        with subprocess.Popen(self._command(None), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
            client.stdin.write(f"{text};\nSELECT 'held';\n".encode())
            client.stdin.flush()
            try:
                assert client.stdout.readline() == b"held\n"
                yield
            finally:
                client.kill()

    def waiting(self) -> list[str]:
        """Return the statements that wait for a lock, of tables or rows."""
        return self.sql("SELECT info FROM information_schema.processlist WHERE state LIKE 'Waiting for table%' UNION "
                        "SELECT trx_query FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
                        ).splitlines()

    def _client(self, text: str, database: str | None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self._command(database), input=text.encode("utf-8", "surrogateescape"), capture_output=True, check=False
        )

    def _command(self, database: str | None) -> list[str]:
        return [
            find_program("mariadb", "mysql"),
            "--no-defaults",
            f"--socket={self.socket}",
            "--user=root",
            "--default-character-set=utf8mb4",
            "--batch",
            "--raw",
            "--unbuffered",
            "--skip-column-names",
            "--binary-mode",  # no client commands and no newline changes inside the statements
            *([database] if database else []),
        ]


def identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
