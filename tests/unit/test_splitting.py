"""A dump comes out of the cutter as it went in, whatever its pieces are."""

import random
from itertools import groupby

import pytest

from scripts.database import splitting
from scripts.database.splitting import HEAD, REST, ROWS, TABLE, Cutter, Piece

START = b"""-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: wiki
-- ------------------------------------------------------
/*!40101 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;

--
"""
END = b"""/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;

-- Dump completed
"""
VIEWS = b"""-- Final view structure for view `seen`
--

/*!50001 CREATE VIEW `seen` AS select 1 */;
"""
TRIGGER = b"""/*!50003 SET sql_mode              = '%s' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN SET NEW.t = '
DELIMITER ;
-- Table structure for table `none`
'; -- it's
END */;;
DELIMITER ;
"""
NASTY = ["a", "it's", "`", "``;--", "-- Table structure for table `x`", "é😀", "a b", "/*", "#", "x y;", '"']
VALUES = [b"1", b"NULL", b"'it''s'", b"'\\\\'", b"');\\nINSERT INTO `a` VALUES (1'", b"0x00FF",
          b"'\\n-- Dump completed\\n'", b"'),('", b'\'"\'', b"'`'", b"'" + b"long" * 200 + b"'"]


def table(name: str, rows: bytes = b"", behind: bytes = b"", comment: bytes = b"") -> bytes:
    """Return what a dump says of a table."""
    quoted = b"`" + name.replace("`", "``").encode() + b"`"
    return b"""-- Table structure for table %b
--

DROP TABLE IF EXISTS %b;
CREATE TABLE %b (
  `id` int(11) DEFAULT NULL COMMENT '%b'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

--
-- Dumping data for table %b
--

LOCK TABLES %b WRITE;
/*!40000 ALTER TABLE %b DISABLE KEYS */;
%b/*!40000 ALTER TABLE %b ENABLE KEYS */;
UNLOCK TABLES;
%b
--
""" % (quoted, quoted, quoted, comment, quoted, quoted, quoted, rows and rows % {b"table": quoted}, quoted, behind)


def rows_of(values: list[bytes], is_mysql: bool) -> bytes:
    start = b"INSERT INTO %(table)b VALUES" + (b" " if is_mysql else b"\n")
    return start + (b"," if is_mysql else b",\n").join(b"(%b)" % value for value in values) + b";\n"


def cut(dump: bytes, *sizes: int) -> list[Piece]:
    """Cut a dump that comes in chunks of these sizes, over and over."""
    cutter, pieces, place, turn = Cutter(), [], 0, 0
    while place < len(dump):
        size = sizes[turn % len(sizes)]
        pieces += cutter.feed(dump[place:place + size])
        place, turn = place + size, turn + 1
    return [*pieces, *cutter.finish()]


def joined(pieces: list[Piece]) -> list[tuple[str, str, bytes]]:
    return [(kind, name, b"".join(piece.data for piece in group))
            for (kind, name), group in groupby(pieces, lambda piece: (piece.kind, piece.table))]


@pytest.mark.parametrize("seed", range(40))
def test_any_dump_comes_back_byte_for_byte_and_each_table_has_its_own_pieces(seed, monkeypatch):
    chance = random.Random(seed)
    monkeypatch.setattr(splitting, "BLOCK", chance.choice([1, 50, 1000, 1 << 22]))
    names = chance.sample(NASTY, chance.randint(1, len(NASTY)))
    bodies = []
    for name in names:
        is_mysql = chance.random() < 0.5
        rows = b"".join(rows_of(chance.choices(VALUES, k=chance.randint(1, 9)), is_mysql)
                        for _ in range(chance.randint(0, 4)))
        behind = TRIGGER % b"STRICT_ALL_TABLES" if chance.random() < 0.3 else b""
        bodies.append(table(name, rows, behind, b"it''s \\n-- Dumping data for table `a`" if seed % 2 else b""))
    end = chance.choice([b"", VIEWS])
    dump = START + b"".join(bodies) + end + END
    whole = cut(dump, len(dump))
    assert joined(cut(dump, *(chance.randint(1, 300) for _ in range(20)))) == joined(whole)
    assert b"".join(piece.data for piece in whole) == dump
    told = joined(whole)
    assert told[0][:2] == (HEAD, "")
    assert told[-1] == (REST, "", end + END)
    assert [name for name, _ in groupby(name for _, name, _ in told[1:-1])] == names
    for name, body in zip(names, bodies):
        assert b"".join(data for _, found, data in told if found == name) == body


def test_pieces_know_where_they_are_and_whether_a_statement_ends_with_them(monkeypatch):
    monkeypatch.setattr(splitting, "BLOCK", 100)
    dump = START + table("a", b"".join(rows_of([b"'%d'" % place] * 30, False) for place in range(9))) + END
    pieces = cut(dump, 64)
    for piece in pieces:
        assert dump[piece.offset:piece.offset + len(piece.data)] == piece.data
        assert piece.line == dump[:piece.offset].count(b"\n") + 1
        if piece.kind == ROWS and piece.ends:
            assert piece.data.endswith(b");\n")
    assert sum(piece.kind == ROWS and piece.ends for piece in pieces) >= 5
    assert max(len(piece.data) for piece in pieces if piece.kind == ROWS) < 3 * 100


@pytest.mark.parametrize("mode", [b"ANSI_QUOTES", b"STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES"])
def test_from_a_program_with_other_quotes_on_everything_stays_together(mode):
    second = table("b", rows_of([b"1"], False))
    pieces = joined(cut(START + table("a", rows_of([b"1"], False), TRIGGER % mode) + second + END, 100))
    assert pieces[-1][0] == REST
    assert pieces[-1][2].startswith(b"/*!50003 SET sql_mode ")
    assert second + END in pieces[-1][2]


@pytest.mark.parametrize("dump", [
    b"CREATE TABLE a (id int);\nINSERT INTO `a` VALUES (1);\n" + END,
    START.replace(b"-- MariaDB dump", b"-- My own dump") + table("a", rows_of([b"1"], False)) + END,
    START + b"CREATE DATABASE `x`;\nUSE `x`;\n" + table("a", rows_of([b"1"], False)) + END,
    START + b"SET @@GLOBAL.GTID_PURGED='x';\n" + table("a", rows_of([b"1"], False)) + END,
    b"", b"-", b"'"])
def test_what_no_dump_program_wrote_is_one_rest(dump):
    assert not [piece for piece in cut(dump, 7) if piece.kind in (TABLE, ROWS)]
    assert b"".join(piece.data for piece in cut(dump, 7)) == dump


def test_statements_of_another_table_or_database_end_the_cutting():
    for line in (b"INSERT INTO `b` VALUES\n(1);\n", b"USE `other`;\n"):
        pieces = joined(cut(START + table("a", b"", line) + table("b") + END, 50))
        assert [kind for kind, *_ in pieces] == [HEAD, TABLE, REST]
        assert pieces[-1][2].startswith(line)


def test_a_sequence_and_a_name_with_line_breaks_stand_alone_and_the_next_table_does_not():
    sequence = b"-- Sequence structure for `s`\n--\n\nCREATE SEQUENCE `s` start with 1;\nDO SETVAL(`s`, 1, 0);\n\n--\n"
    broken = (b"-- Table structure for table `x\n-- -- Table structure for table ``y``\n-- `\n--\n\n"
              b"CREATE TABLE `x\n-- Table structure for table ``y``\n` (\n  `a\n;\n--\n-- Table structure for table "
              b"``z``\n` int);\nINSERT INTO `x\n-- Table structure for table ``y``\n` VALUES\n(1);\n")
    told = joined(cut(START + sequence + table("a") + broken + table("b") + END, 30))
    assert [(kind, name) for kind, name, _ in told] == [(HEAD, ""), (REST, ""), (TABLE, "a"), (REST, ""), (TABLE, "b"),
                                                      (REST, "")]
    assert told[3][2] == broken


def test_a_dump_that_breaks_off_in_its_rows_comes_back_too():
    dump = START + table("a", rows_of([b"'x'"] * 5, False))
    for end in range(len(dump)):
        assert b"".join(piece.data for piece in cut(dump[:end], 13)) == dump[:end]
