"""Cuts the stream of a dump into what may be loaded side by side: tables, and blocks of their rows.

Only dumps that mysqldump or mariadb-dump wrote are cut, and only where a statement certainly ends: quotes, comments
and DELIMITER are followed through everything but rows, in which those programs write line breaks as \\n. What is not
understood, and what has to come last (views, routines, events), stays in one piece behind all that is before it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEAD, TABLE, ROWS, REST = "head", "table", "rows", "rest"

LONGEST_LINE = 1 << 22   # bytes of a line of structure: a definition of 4096 columns is shorter
LONGEST_NAME = 1000      # bytes of a quoted name: 64 characters, each of up to 4 bytes, all of them backticks
BLOCK = 1 << 22          # bytes of rows in a piece

NAME = rb"`((?:[^`\n]|``)+)`"
BANNER = re.compile(rb"-- (?:MySQL|MariaDB) dump \d")
OF_TABLE = re.compile(rb"-- (?:Table structure for table|Dumping data for table|"
                      rb"Temporary (?:table|view) structure for view) " + NAME + rb"\r?\n")
# Loaded on their own: a table may take its numbers from a sequence, and a name may have line breaks.
SINGLE = (b"-- Sequence structure for ", b"-- Table structure for table `", b"-- Dumping data for table `")
SECTION = re.compile(rb"-- (?:\w+ )+(?:structure )?for (?:table|view|sequence|database|`)")
# What the first lines hold besides comments. What is global would be set once for each connection.
HEAD_LINE = re.compile(rb"(?:/\*M?!\d+ )?SET (?!.*GLOBAL)[^;]*;\r?\n|ALTER DATABASE [^;]*;\r?\n"
                       rb"|/\*M?!999999\\- enable the sandbox mode \*/ *\r?\n", re.IGNORECASE)
SETTING = re.compile(rb"(?:/\*M?!\d+ )?SET ", re.IGNORECASE)
# What a section sets, and sets back at its end. The lines at the end of a dump set back what those at its head set.
ITS_OWN = re.compile(rb"(?:/\*!\d+ )?SET +(?:@saved_\w+|character_set_client|character_set_results|"
                     rb"collation_connection|sql_mode|autocommit) *=", re.IGNORECASE)
INSERT = re.compile(rb"INSERT +(?:IGNORE +)?INTO " + NAME + rb" ")
OPENING = re.compile(rb"['\"`;#]|--[ \t\r\n]|/\*(?!M?!)")
CLOSING = {b"'": re.compile(rb"(?:[^'\\]|\\.|'')*+'", re.DOTALL), b'"': re.compile(rb'(?:[^"\\]|\\.|"")*+"', re.DOTALL),
           b"`": re.compile(rb"(?:[^`]|``)*+`"), b"/*": re.compile(rb".*?\*/", re.DOTALL)}
OTHER_QUOTES = re.compile(rb"SET +sql_mode\b.*(?:NO_BACKSLASH_ESCAPES|ANSI_QUOTES)", re.IGNORECASE)
ELSEWHERE = (b"INSERT ", b"USE ", b"CREATE DATABASE ")  # no statement of a table's own
END_OF_INSERT = b");\n"


@dataclass(frozen=True)
class Piece:
    """Some bytes of a dump; table is what they belong to, ends whether a statement is at its end behind them.

    line is the number of their first line, from 1, and offset how many bytes are before them.

    kind is HEAD: what each connection has to be told; TABLE: a table without its rows; ROWS; or REST: what everything
    before it must be loaded for. A table's pieces of TABLE may stand behind its rows too.
    """

    kind: str
    table: str
    data: bytes
    ends: bool
    line: int = 1
    offset: int = 0


class Cutter:
    """Takes a dump in chunks of any size, and gives all of it back in pieces; keeps no more of it than a block."""

    def __init__(self) -> None:
        self._held = b""          # what cannot be judged before more of it is here
        self._cut: list[bytes] = []  # judged, of the piece that is being made
        self._size = 0
        self._line_number, self._offset = 1, 0
        self._kind, self._table = HEAD, ""
        self._is_known = False    # the banner of a program was there
        self._is_lost = False     # from here on everything is one rest
        self._open = b""          # the quote or comment that a line of structure left open
        self._delimiter = b";"
        self._is_between = True   # no statement has begun
        self._insert = b""        # how the statements of the rows begin, while rows pass

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Take the next bytes; yield the pieces that are complete by now."""
        self._held += chunk
        yield from self._judged(is_end=False)

    def finish(self) -> Iterator[Piece]:
        """Yield what is left."""
        yield from self._judged(is_end=True)
        self._take(len(self._held))
        yield from self._made(ends=True)

    def _judged(self, is_end: bool) -> Iterator[Piece]:
        while self._held:
            if self._is_lost:
                self._take(len(self._held))
                yield from self._made(ends=False)
            elif self._insert:
                if not (yield from self._rows(is_end)):
                    return
            elif not (yield from self._line(is_end)):
                return

    def _rows(self, is_end: bool) -> Iterator[Piece]:
        """Pass statements of rows on, whole blocks of them; return whether to go on."""
        place = 0
        while (found := self._held.find(END_OF_INSERT, place)) >= 0:
            end = found + len(END_OF_INSERT)
            following = self._held[end:end + len(self._insert)]
            if following == self._insert:
                place = end
                if self._size + end >= BLOCK:
                    self._take(end)
                    yield from self._made(ends=True)
                    place = 0
                continue
            if len(following) < len(self._insert) and not is_end and self._insert.startswith(following):
                self._take(place)
                return False
            self._take(end)
            yield from self._made(ends=True)
            self._kind, self._insert = TABLE, b""
            return True
        if is_end:  # in the middle of a statement: who loads it will say so
            self._is_lost = True
            return True
        # The last bytes may be the beginning of an end.
        self._take(max(place, len(self._held) - len(END_OF_INSERT) + 1))
        if self._size >= 2 * BLOCK:
            yield from self._made(ends=False)
        return False

    def _line(self, is_end: bool) -> Iterator[Piece]:
        """Judge the next line of what is no row; return whether there was a whole one."""
        if self._begins_rows(is_end) is None:
            return False
        if self._insert:
            yield from self._made(ends=True)
            self._kind = ROWS
            return True
        end = self._held.find(b"\n") + 1
        if not end and not is_end and len(self._held) < LONGEST_LINE:
            return False
        line = self._held[:end or len(self._held)]
        if self._is_between and self._delimiter == b";" and SECTION.match(line):
            if self._kind == REST or self._table != _table_of(line):
                yield from self._made(ends=True)
                self._begin_section(line)
        elif not self._follow(line):
            yield from self._made(ends=self._is_between)
            self._kind, self._table, self._is_lost = REST, "", True
            return True
        self._take(len(line))
        if self._size >= BLOCK:
            yield from self._made(ends=self._is_between)
        return True

    def _begins_rows(self, is_end: bool) -> bool | None:
        """Tell whether the table's rows follow; None while that cannot be told."""
        if self._kind != TABLE or not self._is_between or self._delimiter != b";":
            return False
        start = self._held[:LONGEST_NAME]
        if not start.startswith(b"INSERT "[:len(start)]):
            return False
        if found := INSERT.match(start):
            if name_of(found[1]) == self._table:
                self._insert = found[0]
                return True
            return False
        return False if is_end or len(start) == LONGEST_NAME or b"\n" in start else None

    def _begin_section(self, line: bytes) -> None:
        """Settle what the next lines belong to; what is not known stays in one piece."""
        if not self._is_known:
            self._is_lost = True
        elif (table := _table_of(line)) is not None:
            self._kind, self._table = TABLE, table
            return
        else:
            self._is_lost = not line.startswith(SINGLE)
        self._kind, self._table = REST, ""

    def _follow(self, line: bytes) -> bool:
        """Follow quotes, comments and statements through a line; return whether it is understood."""
        if not line.endswith(b"\n"):
            return False
        if self._is_between and line.startswith(b"DELIMITER "):
            self._delimiter = line[len(b"DELIMITER "):].strip()
            return self._delimiter in (b";", b";;")
        if self._kind == HEAD:
            self._is_known = self._is_known or bool(BANNER.match(line))
            return self._is_between and bool(not line.strip() or line.startswith(b"--") or HEAD_LINE.fullmatch(line))
        if self._is_between and self._is_strange(line):
            return False
        place = 0
        while place < len(line):
            place = self._step(line, place)
        return True

    def _is_strange(self, line: bytes) -> bool:
        """Tell whether a line begins what may concern more than the section it stands in."""
        if SETTING.match(line) and not ITS_OWN.match(line):
            return True
        return bool(OTHER_QUOTES.search(line)) or (self._kind == TABLE and line.startswith(ELSEWHERE))

    def _step(self, line: bytes, place: int) -> int:
        """Follow a line to where its next quote, comment or statement begins or ends; return that place."""
        if self._open:
            closed = CLOSING[self._open].match(line, place)
            if closed:
                self._open = b""
            return closed.end() if closed else len(line)
        found = OPENING.search(line, place)
        text = line[place:found.start() if found else len(line)].strip()
        if text:
            self._is_between = False
        if not found:
            return len(line)
        sign = found[0]
        if sign == b"#" or sign.startswith(b"--"):
            return len(line)
        if sign in CLOSING:
            self._open = sign
            self._is_between = self._is_between and sign == b"/*"
        elif line.startswith(self._delimiter, found.start()):
            self._is_between = True
            return found.start() + len(self._delimiter)
        return found.end()

    def _take(self, size: int) -> None:
        """Move bytes from what is held to the piece that is being made."""
        if size:
            self._cut.append(self._held[:size])
            self._held = self._held[size:]
            self._size += size

    def _made(self, ends: bool) -> Iterator[Piece]:
        if self._size:
            data = b"".join(self._cut)
            yield Piece(self._kind, self._table, data, ends, self._line_number, self._offset)
            self._line_number += data.count(b"\n")
            self._offset += len(data)
            self._cut, self._size = [], 0


def _table_of(line: bytes) -> str | None:
    """Return the table that the lines behind a comment are about; None when they are about something else."""
    found = OF_TABLE.fullmatch(line)
    return name_of(found[1]) if found else None


def name_of(quoted: bytes) -> str:
    """Return a name that stands between backticks."""
    return quoted.replace(b"``", b"`").decode("utf-8", "surrogateescape")
