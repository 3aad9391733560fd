"""Asks a database through the client program of its host.

Statements go over stdin. Each call ends with a question whose answer is known: an answer without it was cut
off, whatever the exit code says.
"""

import html
import re
import secrets
from dataclasses import dataclass

from scripts.database import programs, sessions
from scripts.database.faults import explained
from scripts.errors import DatabaseError
from scripts.hosts import process
from scripts.hosts.host import Host

Row = tuple[str | None, ...]

ROW = re.compile(rb"<row>(.*?)</row>", re.DOTALL)
FIELD = re.compile(rb'<field name="[^"]*"(?: xsi:nil="true" />|>([^<]*)</field>)')
PACKET = "--max-allowed-packet=1G"  # the largest a server can be set to; a row with a file in it needs it
# What earlier questions of the same session may have set. And quote_text escapes with backslashes; a server may be set
# to take them as they are.
PLAIN_MODE = ("SET SESSION sql_mode = REPLACE(@@GLOBAL.sql_mode, 'NO_BACKSLASH_ESCAPES', ''), time_zone = DEFAULT, "
              "foreign_key_checks = DEFAULT, autocommit = 1, wait_timeout = 600")


@dataclass(frozen=True)
class Table:
    """A table or view; kind is information_schema's word: BASE TABLE, VIEW, SEQUENCE, SYSTEM VERSIONED."""

    name: str
    kind: str
    engine: str | None
    rows_estimate: int
    size_bytes: int

    @property
    def is_view(self) -> bool:
        return self.kind == "VIEW"


@dataclass(frozen=True)
class Client:
    """One database, entered with an option file on its host."""

    host: Host
    options: str
    database: str
    charset: str = "utf8mb4"

    @property
    def place(self) -> str:
        return f"{self.host.name}: database {self.database}"

    def query(self, sql: str) -> list[Row]:
        """Return the rows that statements answer with; runs in a dry run too.

        NULL is None. A NUL byte in a value comes back as a space: ask for HEX() of what is binary. Bytes that are
        no UTF-8 come back as Python's surrogates.
        """
        return self._answer(sql, self.host.read)

    def execute(self, sql: str) -> list[Row]:
        """Carry out statements that change something; in a dry run, only show the call."""
        return self._answer(sql, self.host.run)

    def words(self, *options: str) -> list[str]:
        """Return the call of the client program with these options."""
        # --defaults-file, not --defaults-extra-file: the account's ~/.my.cnf would win over ours.
        return [programs.on(self.host).client, f"--defaults-file={self.options}", "--batch", "--binary-mode", PACKET,
                f"--default-character-set={self.charset}", *options, f"--database={self.database}"]

    def tables(self) -> list[Table]:
        """Return the tables and views of the database, by name."""
        rows = self.query("SELECT table_name, table_type, engine, COALESCE(table_rows, 0), "
                          "COALESCE(data_length + index_length, 0) FROM information_schema.tables "
                          "WHERE table_schema = DATABASE() ORDER BY table_name")
        return [Table(name, kind, engine, int(count), int(size)) for name, kind, engine, count, size in rows]

    def server_version(self) -> str:
        """Return the server's version, as in `10.11.19-MariaDB-0+deb12u1`."""
        return self.query("SELECT VERSION()")[0][0]

    def charset_and_collation(self) -> tuple[str, str]:
        """Return the defaults that new tables of the database get."""
        return self.query("SELECT @@character_set_database, @@collation_database")[0]

    def _answer(self, sql: str, ask) -> list[Row]:
        token = secrets.token_hex(8)
        script = f"{PLAIN_MODE}; {sql.strip().rstrip(';')}\n;\nSELECT '{token}';\n"
        question = script.encode("utf-8", "surrogateescape")
        is_only_shown = ask == self.host.run and process.conduct.dry_run
        with explained(self.place):
            # A session's program is started for many questions: asked again, it costs nothing.
            answer = None if is_only_shown else \
                sessions.ask(self.host, self.options, self.words("--xml", "--unbuffered"), question, token)
            rows = rows_of(ask(*self.words("--xml"), stdin=question) if answer is None else answer)
        if is_only_shown:
            return []
        if rows[-1:] != [(token,)]:
            raise DatabaseError(f"{self.place}: the server's answer is cut off")
        return rows[:-1]


def rows_of(answer: bytes) -> list[Row]:
    """Return the rows of a client's XML answer.

    XML, because --batch prints NULL and the text "NULL" alike. Not read by an XML parser: the client prints control
    characters as they are, which XML forbids.
    """
    return [tuple(_text(field[1]) for field in FIELD.finditer(row)) for row in ROW.findall(answer)]


def quote_name(name: str) -> str:
    """Return the name of a table or column as a statement holds it."""
    return "`" + name.replace("`", "``") + "`"


def quote_text(text: str) -> str:
    """Return a value as a statement holds it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'"


def _text(value: bytes | None) -> str | None:
    return None if value is None else html.unescape(value.decode("utf-8", "surrogateescape"))
