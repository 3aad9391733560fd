"""Tells what a dump holds, while it passes: rows and a digest for each table.

The digest does not depend on the order of the rows, because a table without a primary key has none, nor on how the
dump program breaks them into lines: MySQL's writes many on one, MariaDB's each on its own. So the dump of a site
and a dump of its loaded copy can be compared.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from scripts.database.long_row import SIZE, LongRow, Unreadable
from scripts.errors import DatabaseError
from scripts.hosts.streams import Sink, Source

SUMS = 2 ** (8 * SIZE)  # two different tables share a digest with a chance of 2**-128
LONG = 1 << 20  # bytes; a row that is longer is summed as it comes, and never held whole: a file may be 64 MB of it
NAME = rb"`((?:[^`]|``)+)`"
CREATE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?" + NAME)
INSERT = re.compile(rb"INSERT +(?:IGNORE +)?INTO " + NAME + rb"(?: \((?:`(?:[^`]|``)+`(?:, ?)?)+\))? VALUES ?")
# Possessive: what is matched is never tried again, so that a broken line costs no more time than a good one.
TUPLE = rb"\((?:[^'()]++|'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+')*+\)"
# Each with the sign behind it; what is no whole one, to the end, is found as an empty one.
TUPLES_AND_REST = re.compile(rb"(" + TUPLE + rb")(?:,|;\Z)|.+", re.DOTALL)
END_OF_ROWS = re.compile(rb"\);\n")
TRAILER = re.compile(rb"-- Dump completed(?: on [\d :-]+)?\s*")
TRAILER_BYTES = 100  # more than any trailer has: so much of the last line is kept

TEXT, ROUTINE, ROWS, TUPLES = "text", "routine", "rows", "tuples"
"""Where a dump can be cut without cutting a row: between lines, in a stored routine (its body is any text, line breaks
included), between rows that have a line each, between rows that share one."""
CLEAN = (TEXT, ROUTINE, ROWS, TUPLES)
LONG_LINE, LONG_ROW, LONG_TUPLE, LINE_END = "long line", "long row", "long tuple", "line end"


@dataclass(frozen=True)
class TableDigest:
    """How many rows a table has, and the digest of their texts."""

    rows: int
    digest: str


@dataclass(frozen=True)
class State:
    """Where in a dump its reader is: enough to go on from there. table is the one whose rows follow."""

    at: str = TEXT
    table: str = ""


Held = dict[str, tuple[int, int]]
"""Rows and the sum of their digests, by table; the sums of two parts of a dump add up."""


class DumpDigest:
    """Reads a dump in chunks of any size; keeps no more of it than a line, and of that no more than LONG.

    header is written before a dump that passes on, and is no part of it. counts_only costs a third of the time: it
    leaves the digests empty.
    """

    def __init__(self, header: bytes = b"", counts_only: bool = False) -> None:
        self.header = header
        self._counts_only = counts_only
        self._held: Held = {}
        self._rest = b""            # what cannot be understood before more of it is there
        self._now = State()
        self._before = State()      # what a long line lies in
        self._row = LongRow()
        self._last = b""
        self._steps = {TEXT: self._text, ROUTINE: self._text, ROWS: self._rows, TUPLES: self._tuples,
                       LONG_LINE: self._long_line, LONG_ROW: self._long_row, LONG_TUPLE: self._long_tuple,
                       LINE_END: self._line_end}

    def pass_on(self, source: Source, sink: Sink) -> None:
        """As a stage of a pipe: hand the dump on as it is, and feed on it."""
        if self.header:
            sink.write(self.header)
        for chunk in source.chunks():
            sink.write(chunk)
            self.feed(chunk)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the dump."""
        data, place, after = self._rest + chunk if self._rest else chunk, -1, 0
        try:
            while place != after and after < len(data):
                place = after
                after = self._steps[self._now.at](data, place)
        except Unreadable as fault:
            raise DatabaseError("the dump ended early or is damaged: a row of table "
                                f"{self._now.table} cannot be read") from fault
        self._rest = data[after:]

    def finish(self) -> dict[str, TableDigest]:
        """Return what each table holds; raise DatabaseError when the dump lacks its end."""
        if self._rest:
            self.feed(b"\n")
        if self._now != State() or not is_trailer(self._last):
            raise DatabaseError("the dump ended early: its last line is not `-- Dump completed`. "
                                "Was the disk full, or the server restarted?")
        return {table: TableDigest(rows, "" if self._counts_only else f"{total:0{2 * SIZE}x}")
                for table, (rows, total) in self._held.items()}

    # A dump in parts, of which some were read before

    @property
    def state(self) -> State | None:
        """Return where the reader is; None in the middle of a line or a row, where nobody else could go on."""
        return self._now if not self._rest and self._now.at in CLEAN else None

    def take(self, part: bytes) -> Held:
        """Take the next bytes of the dump and return what they added."""
        before, self._held = self._held, {}
        self.feed(part)
        added, self._held = self._held, before
        self._add(added)
        return added

    def skip(self, part: bytes, added: Held, after: State) -> None:
        """Pass over the next bytes of the dump: what they add, and where they lead from here, is known."""
        self._add(added)
        self._now = after
        self._ended(part.rstrip(b"\n").rpartition(b"\n")[-1])

    def _add(self, added: Held) -> None:
        for table, (rows, total) in added.items():
            known_rows, known_total = self._held.get(table, (0, 0))
            self._held[table] = known_rows + rows, (known_total + total) % SUMS

    def _count(self, rows: list[bytes]) -> None:
        self._add({self._now.table: (len(rows), 0 if self._counts_only else _sum(rows))})

    def _ended(self, line: bytes) -> None:
        """Note the last line that is not empty: the trailer is looked for in it."""
        if line:
            self._last = line if len(line) < TRAILER_BYTES else b""

    # Each step takes from place on what it can, and returns where it stopped: at place when it needs more to go on.

    def _text(self, data: bytes, place: int) -> int:
        """Take a line that is not a row on its own."""
        end = data.find(b"\n", place)
        if self._now.at == TEXT and data.startswith(b"INSERT ", place) and (match := INSERT.match(data, place)) \
                and match.end() < len(data):
            has_lines = match.end() == end
            self._now, self._last = State(ROWS if has_lines else TUPLES, _name(match[1])), b""
            return match.end() + has_lines
        if end >= 0:
            self._statement(data[place:end])
        elif len(data) - place > LONG:
            if self._now.at == TEXT and data.startswith(b"INSERT ", place):
                raise Unreadable
            self._before, self._now = self._now, State(LONG_LINE)
            return len(data)
        return end + 1 or place

    def _statement(self, line: bytes) -> None:
        self._ended(line)
        if line.startswith(b"DELIMITER "):
            self._now = State(TEXT if line.rstrip() == b"DELIMITER ;" else ROUTINE)
        elif self._now.at == TEXT and (match := CREATE.match(line)):
            self._add({_name(match[1]): (0, 0)})

    def _long_line(self, data: bytes, place: int) -> int:
        """Pass over a line that is too long for any that matters here."""
        end = data.find(b"\n", place)
        if end >= 0:
            self._now, self._last = self._before, b""
        return end + 1 or len(data)

    def _rows(self, data: bytes, place: int) -> int:
        """Take rows that have a line each: `(...),`, and `(...);` for the last one."""
        closing = END_OF_ROWS.search(data, place)
        end = closing.end() - 1 if closing else data.rfind(b"\n", place)
        if end < 0:
            return self._begin_long(LONG_ROW, data, place)
        lines = data[place:end].split(b"\n")
        rows = [line[:-1] for line in lines if line[-2:] == b"),"]
        rows += [lines[-1][:-1]] if closing else []
        if len(rows) != len(lines):
            raise Unreadable
        self._count(rows)
        if closing:
            self._now = State()
        return end + 1

    def _tuples(self, data: bytes, place: int) -> int:
        """Take rows that share a line: `(...),(...);`."""
        line_end = data.find(b"\n", place)
        stop = line_end if line_end >= 0 else len(data)
        rows = TUPLES_AND_REST.findall(data, place, stop)
        if rows and not rows[-1]:
            rows.pop()
        end = place + sum(map(len, rows)) + len(rows)   # each with the sign behind it
        if line_end < 0 and rows and data[end - 1:] == b";":
            end -= len(rows.pop()) + 1                  # the end of the line is still to come
        closing = data[end - 1:end] if rows else b","
        # Nothing may stand between them but commas: a row that was misread would leave a gap.
        if (end, closing) != (line_end, b";") if line_end >= 0 else \
                closing != b"," or data[end:end + 1] not in (b"", b"("):
            raise Unreadable
        self._count(rows)
        if line_end >= 0:
            self._now = State()
            return end + 1
        return self._begin_long(LONG_TUPLE, data, end)

    def _begin_long(self, kind: str, data: bytes, place: int) -> int:
        """Sum up a row as it comes when it is too long to wait for."""
        if len(data) - place > LONG:
            begun = 1 if kind == LONG_TUPLE else 0      # by the bracket that belongs to no rule inside
            self._row, self._now = LongRow(data[place:place + begun]), State(kind, self._now.table)
            return place + begun
        return place

    def _long_row(self, data: bytes, place: int) -> int:
        place = self._row.take_line(data, place)
        self._end_long(State(ROWS, self._now.table), State())
        return place

    def _long_tuple(self, data: bytes, place: int) -> int:
        place = self._row.take(data, place)
        self._end_long(State(TUPLES, self._now.table), State(LINE_END, self._now.table))
        return place

    def _end_long(self, behind_comma: State, behind_last: State) -> None:
        if self._row.closed_by:
            self._add({self._now.table: (1, 0 if self._counts_only else self._row.value)})
            self._now = behind_comma if self._row.closed_by == b"," else behind_last

    def _line_end(self, data: bytes, place: int) -> int:
        if data[place:place + 1] != b"\n":
            raise Unreadable
        self._now = State()
        return place + 1


def is_trailer(line: bytes) -> bool:
    """Tell whether a line is the one that a dump program writes when it is done."""
    return bool(TRAILER.fullmatch(line))


def _sum(rows: Iterable[bytes]) -> int:
    return sum([int.from_bytes(blake2b(row, digest_size=SIZE).digest(), "big") for row in rows])


def _name(quoted: bytes) -> str:
    return quoted.replace(b"``", b"`").decode("utf-8", "surrogateescape")
