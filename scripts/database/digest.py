"""Tells what a dump holds, while it passes: rows and a digest for each table.

The digest does not depend on the order of the rows, because a table without a primary key has none, nor on how the
dump program breaks them into lines: MySQL's writes many on one, MariaDB's each on its own. So the dump of a site
and a dump of its loaded copy can be compared.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from scripts.errors import DatabaseError
from scripts.hosts.streams import Sink, Source

SIZE = 16  # bytes of a digest; two different tables share one with a chance of 2**-128
NAME = rb"`((?:[^`]|``)+)`"
CREATE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?" + NAME)
INSERT = re.compile(rb"INSERT +(?:IGNORE +)?INTO " + NAME + rb"(?: \((?:`(?:[^`]|``)+`(?:, ?)?)+\))? VALUES ?")
# Possessive: what is matched is never tried again, so that a broken line costs no more time than a good one.
TUPLE = re.compile(rb"\((?:[^'()]++|'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+')*+\)", re.DOTALL)
TRAILER = re.compile(rb"-- Dump completed(?: on [\d :-]+)?\s*")


@dataclass(frozen=True)
class TableDigest:
    """How many rows a table has, and the digest of their texts."""

    rows: int
    digest: str


class DumpDigest:
    """Reads a dump in chunks of any size; keeps no more of it than a line.

    header is written before a dump that passes on, and is no part of it. counts_only costs a third of the time: it
    leaves the digests empty.
    """

    def __init__(self, header: bytes = b"", counts_only: bool = False) -> None:
        self.header = header
        self._counts_only = counts_only
        self._rows: dict[str, int] = {}
        self._sums: dict[str, int] = {}
        self._unfinished: list[bytes] = []  # pieces of the line that has not ended yet
        self._table: str | None = None      # whose rows follow, each on its own line
        self._in_routine = False            # their bodies are any text, line breaks included
        self._last = b""

    def pass_on(self, source: Source, sink: Sink) -> None:
        """As a stage of a pipe: hand the dump on as it is, and feed on it."""
        if self.header:
            sink.write(self.header)
        for chunk in source.chunks():
            sink.write(chunk)
            self.feed(chunk)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the dump."""
        first, *others = chunk.split(b"\n")
        self._unfinished.append(first)
        if others:
            lines = [b"".join(self._unfinished), *others]
            self._unfinished = [lines.pop()]
            self._take(lines)

    def finish(self) -> dict[str, TableDigest]:
        """Return what each table holds; raise DatabaseError when the dump lacks its end."""
        self._take([b"".join(self._unfinished)])
        self._unfinished = []
        if self._table is not None or self._in_routine or not is_trailer(self._last):
            raise DatabaseError("the dump ended early: its last line is not `-- Dump completed`. "
                                "Was the disk full, or the server restarted?")
        return {table: TableDigest(rows, "" if self._counts_only else f"{self._sums[table]:0{2 * SIZE}x}")
                for table, rows in self._rows.items()}

    def _take(self, lines: list[bytes]) -> None:
        rows: list[bytes] = []
        for line in lines:
            if self._table is None:
                self._statement(line)
                continue
            rows.append(line[:-1])
            if line[-2:] != b"),":
                self._end_of_rows(line)
                self._count(self._table, rows)
                self._table, rows = None, []
        if rows:
            self._count(self._table, rows)
        self._last = next(filter(None, reversed(lines)), self._last)

    def _statement(self, line: bytes) -> None:
        """Take a line that is not a row on its own."""
        if line.startswith(b"DELIMITER "):
            self._in_routine = line.rstrip() != b"DELIMITER ;"
        elif self._in_routine:
            return
        elif line.startswith(b"INSERT ") and (match := INSERT.match(line)):
            table = _name(match[1])
            if match.end() == len(line):
                self._table = table
            else:
                self._count(table, _tuples(line, match.end(), table))
        elif match := CREATE.match(line):
            self._count(_name(match[1]), [])

    def _end_of_rows(self, line: bytes) -> None:
        if line[-2:] != b");":
            raise _unreadable(self._table)

    def _count(self, table: str, rows: list[bytes]) -> None:
        self._rows[table] = self._rows.get(table, 0) + len(rows)
        if not self._counts_only:
            self._sums[table] = (self._sums.get(table, 0) + _sum(rows)) % 2 ** (8 * SIZE)


def is_trailer(line: bytes) -> bool:
    """Tell whether a line is the one that a dump program writes when it is done."""
    return bool(TRAILER.fullmatch(line))


def _tuples(line: bytes, start: int, table: str) -> list[bytes]:
    """Return the rows of a statement that has them on one line."""
    rows = TUPLE.findall(line, start)
    # Nothing may stand between them but commas: a row that was misread would leave a gap.
    if not rows or line[-2:] != b");" or len(line.rstrip()) - start != sum(map(len, rows)) + len(rows):
        raise _unreadable(table)
    return rows


def _sum(rows: Iterable[bytes]) -> int:
    return sum([int.from_bytes(blake2b(row, digest_size=SIZE).digest(), "big") for row in rows])


def _name(quoted: bytes) -> str:
    return quoted.replace(b"``", b"`").decode("utf-8", "surrogateescape")


def _unreadable(table: str) -> DatabaseError:
    return DatabaseError(f"the dump ended early or is damaged: a row of table {table} cannot be read")
