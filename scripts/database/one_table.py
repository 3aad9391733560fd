"""Takes one table out of a dump while it passes: the settings at its head, what belongs to the table, its end."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from scripts.database.load import ALTER, SANDBOX

# What mysqldump and mariadb-dump write before each part, comments on three lines; a text in a row has no line breaks.
PART = re.compile(rb"\n--\n-- (?:(?:Table structure for table|Dumping data for table|Temporary (?:table|view) "
                  rb"structure for view|Final view structure for view|Sequence structure for) `((?:[^`\n]|``)+)`"
                  rb"|Dumping (?:routines|events) for database '[^\n]*')\n--\n"
                  rb"|\n(?=/\*!\d+ SET TIME_ZONE=@OLD_TIME_ZONE \*/;\n)")
LONGEST = 1 << 10   # bytes of what stands before a part: a name has up to 256
LONGEST_HEAD = 1 << 16  # bytes: the settings are taken as a whole
START = b"\n"       # each line has one before it, the first too


class OneTable:
    """Hands on to write, of a dump in pieces, what makes up one table or view: SQL that can be loaded by itself."""

    def __init__(self, name: str, write: Callable[[bytes], object]) -> None:
        self._name, self._write = name.replace("`", "``").encode("utf-8", "surrogateescape"), write
        self._is_wanted, self._rest = True, START
        self._is_head = True
        self.is_found = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the dump."""
        data = self._rest + piece
        done = 0
        for part in PART.finditer(data):
            self._pass(data[done:part.start() + 1])
            done = part.start() + 1
            self._is_head = False
            self._is_wanted = not part[0].startswith(b"\n--") or part[1] == self._name
            self.is_found |= part[1] == self._name
        kept = done if self._is_head and len(data) < LONGEST_HEAD else max(done, len(data) - LONGEST)
        self._pass(data[done:kept])
        self._rest = data[kept:]

    def pass_over(self) -> None:
        """Learn that some of the dump is left out before what comes next, which begins with a line or a row."""
        self.finish()
        self._is_wanted, self._rest = False, START

    def finish(self) -> None:
        """Take the last bytes as they are."""
        self._pass(self._rest)
        self._rest = b""

    def _pass(self, data: bytes) -> None:
        if self._is_wanted and data:
            self._write(_for_any_database(data) if data.startswith(START) and self._is_head else data)


def _for_any_database(head: bytes) -> bytes:
    """Return the start of a dump without what sets a database's defaults, and what older clients refuse."""
    head = head.removeprefix(START)
    while match := SANDBOX.match(head) or ALTER.match(head):
        head = head[match.end():]
    return head


def pieces(known: Sequence[Any], name: str) -> list[int]:
    """Return which pieces of a dump, by number, make up one table, with its head and end; all when that is not known.

    known is what dump_pieces noted of each piece.
    """
    count = len(known)
    if not all(isinstance(one, dict) for one in known) or not any(name in one["tables"] for one in known):
        return list(range(count))
    chosen = {0, count - 1}
    for number in (number for number, one in enumerate(known) if _may_hold(one, name)):
        chosen |= {max(0, number - 1), number}      # what it begins with may be the end of the piece before
        for following in range(number + 1, count):  # and its triggers a piece that holds no row
            chosen.add(following)
            if known[following]["tables"]:
                break
    return sorted(chosen)


def _may_hold(known: dict[str, Any], name: str) -> bool:
    before, after = known["before"], known["after"]
    return name in known["tables"] or not before or not after or name in (before[1], after[1])
