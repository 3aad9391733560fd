"""One table comes out of a dump whole, by itself, and wherever the dump is cut."""

import pytest

from scripts.database import one_table
from scripts.database.one_table import OneTable

HEAD = b"""/*M!999999\\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: blog
-- ------------------------------------------------------
-- Server version\t10.11.6-MariaDB

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
"""
ALTER = b"ALTER DATABASE DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;\n"
TAIL = b"""
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;

-- Dump completed
"""
VIEW = (b"\n--\n-- Temporary table structure for view `seen`\n--\n\nDROP VIEW IF EXISTS `seen`;\n",
        b"\n--\n-- Final view structure for view `seen`\n--\n\nCREATE VIEW `seen` AS SELECT 1;\n")


def table(name: str, rows: int, more: bytes = b"") -> bytes:
    quoted = name.replace("`", "``").encode()
    return (b"\n--\n-- Table structure for table `%b`\n--\n\n"
            b"DROP TABLE IF EXISTS `%b`;\nCREATE TABLE `%b` (`a` text);\n"
            b"\n--\n-- Dumping data for table `%b`\n--\n\nINSERT INTO `%b` VALUES\n" % ((quoted,) * 5)
            + b",\n".join(b"('row %d of %b \\n-- no comment')" % (row, quoted) for row in range(rows)) + b";\n" + more)


TRIGGER = b"DELIMITER ;;\nCREATE TRIGGER t BEFORE INSERT ON b FOR EACH ROW BEGIN\n--\nSET @a = 1; END ;;\nDELIMITER ;\n"
PARTS = {"a": table("a", 90), "b": table("b", 40, TRIGGER), "b`2": table("b`2", 3)}
ROUTINES = b"\n--\n-- Dumping routines for database 'blog'\n--\nCREATE PROCEDURE p() SELECT 1;\n"
DUMP = ALTER + HEAD + b"".join(PARTS.values()) + VIEW[0] + ROUTINES + VIEW[1] + TAIL
SETTINGS = HEAD.partition(b"\n")[2]


def taken(name: str, pieces: list[bytes]) -> tuple[bytes, bool]:
    written: list[bytes] = []
    one = OneTable(name, written.append)
    for piece in pieces:
        one.feed(piece)
    one.finish()
    return b"".join(written), one.is_found


@pytest.mark.parametrize("size", [1, 7, 100, 4096, 1 << 20])
@pytest.mark.parametrize("name", PARTS)
def test_a_table_comes_with_its_triggers_and_the_dump_s_settings(name, size):
    text, is_found = taken(name, [DUMP[start:start + size] for start in range(0, len(DUMP), size)])
    assert is_found and text == SETTINGS + PARTS[name] + TAIL


def test_a_view_has_its_two_parts():
    assert taken("seen", [DUMP])[0] == SETTINGS + VIEW[0] + VIEW[1] + TAIL


@pytest.mark.parametrize("name", ["c", "", "B", "a`", "p"])
def test_what_is_no_table_is_not_found(name):
    assert taken(name, [DUMP]) == (SETTINGS + TAIL, False)


def test_pieces_that_are_left_out_change_nothing():
    begins, ends = DUMP.index(b"`b`;") - 10, DUMP.index(b"-- Table structure for table `b``2`")
    written: list[bytes] = []
    one = OneTable("b", written.append)
    before, inside = DUMP.rindex(b"\n('row 80", 0, begins) + 1, DUMP.index(b"\n('row 9 of b ") + 1
    one.feed(DUMP[:len(ALTER + HEAD) + 300])
    one.pass_over()
    one.feed(DUMP[before:inside])
    one.feed(DUMP[inside:ends + 40])
    one.pass_over()
    one.feed(DUMP[DUMP.index(b"CREATE VIEW"):])
    one.finish()
    assert b"".join(written) == SETTINGS + PARTS["b"] + TAIL


def known(tables: dict[str, int], before: str = "", after: str = "") -> dict[str, object]:
    return {"before": ["rows" if before else "text", before], "after": ["rows" if after else "text", after],
            "tables": {name: [rows, "0"] for name, rows in tables.items()}}


def test_only_pieces_that_may_hold_something_of_a_table_are_wanted():
    row = [known({"a": 1}), known({"a": 2}, after="a"), known({"a": 1, "b": 0}, "a", "b"), known({"b": 9}, "b"),
           known({}), known({"c": 1}), known({"d": 1}), known({})]
    assert one_table.pieces(row, "b") == [0, 1, 2, 3, 4, 5, 7]
    assert one_table.pieces(row, "d") == [0, 5, 6, 7]


def test_all_pieces_are_wanted_for_what_none_tells_of():
    row = [known({"a": 1}), known({}), known({"b": 1})]
    assert one_table.pieces(row, "view") == [0, 1, 2]
    assert one_table.pieces([known({"a": 1}), None], "a") == [0, 1]


def test_a_piece_in_the_middle_of_a_row_may_hold_any():
    row = [known({"a": 1}), known({"b": 1}) | {"after": None}, known({}) | {"before": None, "after": None},
           known({"b": 1}) | {"before": None}, known({"c": 1}), known({"d": 1}), known({})]
    assert one_table.pieces(row, "b") == [0, 1, 2, 3, 4, 6]
