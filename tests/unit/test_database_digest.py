"""Rows and digests of a dump, whatever its style, its order and the chunks it comes in."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.database.digest import DumpDigest, TableDigest
from scripts.errors import DatabaseError
from scripts.hosts import process
from scripts.hosts.local import LocalHost

TRAILER = b"-- Dump completed\n"
HEAD = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump\n/*!40101 SET NAMES utf8mb4 */;\n"
ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1a": "\\Z"}
NASTY = ["),(", "');", "')", "\\", "\\'", "''", "(", "a\nINSERT INTO `t` VALUES (1);\n", "-- Dump completed\n", "`",
         "CREATE TABLE `x` (", "😀", "DELIMITER ;;\n", "\0\x1a\r", ",", ""]

value = st.one_of(st.integers(), st.none(), st.binary(min_size=1), st.sampled_from(NASTY),
                  st.text(st.sampled_from("ab'\\()`,;\n\"é0")))
tables = st.dictionaries(st.sampled_from(["t", "tiki_pages", "a`b", "with (x) VALUES", "é"]),
                         st.lists(st.lists(value, min_size=1, max_size=4), max_size=8), max_size=4)


def literal(content) -> str:
    if content is None:
        return "NULL"
    if isinstance(content, bytes):
        return "0x" + content.hex().upper()
    if isinstance(content, int):
        return str(content)
    return "'" + "".join(ESCAPES.get(sign, sign) for sign in content) + "'"


def rows_as(style: str, rows: list[str], per_statement: int) -> str:
    gap, lead = (",\n", "\n") if style == "mariadb" else (",", " ")
    parts = [rows[start:start + per_statement] for start in range(0, len(rows), per_statement)]
    return "".join("INSERT INTO {name} VALUES" + lead + gap.join(part).replace("{", "{{").replace("}", "}}") + ";\n"
                   for part in parts)


def dump(content: dict, style: str, per_statement: int = 3) -> bytes:
    text = ""
    for name, rows in content.items():
        quoted = "`" + name.replace("`", "``") + "`"
        text += f"DROP TABLE IF EXISTS {quoted};\nCREATE TABLE {quoted} (\n  `id` int\n) ENGINE=InnoDB;\n"
        text += f"LOCK TABLES {quoted} WRITE;\n"
        texts = ["(" + ",".join(map(literal, row)) + ")" for row in rows]
        text += rows_as(style, texts, per_statement).format(name=quoted)
    return HEAD + text.encode() + TRAILER


def digest_of(*chunks: bytes) -> dict[str, TableDigest]:
    digest = DumpDigest()
    for chunk in chunks:
        digest.feed(chunk)
    return digest.finish()


@given(content=tables, sizes=st.lists(st.integers(1, 40), min_size=1), style=st.sampled_from(["mysql", "mariadb"]))
def test_chunks_of_any_size_give_the_same_digest(content, sizes, style):
    whole, chunks, place = dump(content, style), [], 0
    while place < len(whole):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(whole[place:place + size])
        place += size
    assert digest_of(*chunks) == digest_of(whole)


@given(content=tables, per_statement=st.integers(1, 4))
def test_both_styles_give_the_same_digest_and_all_rows(content, per_statement):
    found = digest_of(dump(content, "mysql", per_statement))
    assert found == digest_of(dump(content, "mariadb"))
    assert {name: table.rows for name, table in found.items()} == {name: len(rows) for name, rows in content.items()}


@given(content=tables)
def test_the_order_of_rows_makes_no_difference(content):
    turned = {name: rows[::-1] for name, rows in content.items()}
    assert digest_of(dump(content, "mysql")) == digest_of(dump(turned, "mysql"))


@pytest.mark.parametrize("style", ["mysql", "mariadb"])
@pytest.mark.parametrize("other", [[["a"], ["b"]], [["a"], ["a"], ["b"]], [["a"], ["b"], ["c"]]])
def test_a_changed_a_lost_and_a_doubled_row_change_the_digest(style, other):
    assert digest_of(dump({"t": [["a"], ["b"], ["b"]]}, style)) != digest_of(dump({"t": other}, style))


def test_column_names_and_dates_in_the_dump_are_understood():
    text = b"INSERT INTO `t` (`a`, `b ) VALUES`) VALUES (1,'x');\n-- Dump completed on 2026-11-21  9:00:00\n"
    assert digest_of(text) == digest_of(b"INSERT INTO `t` VALUES\n(1,'x');\n" + TRAILER)


def test_views_and_routines_are_no_tables():
    views = b"/*!50001 CREATE TABLE `v` (\n/*!50001 CREATE VIEW `w` AS SELECT\n 1 AS `a` */;\n"
    routine = b"DELIMITER ;;\nCREATE PROCEDURE `p`()\nBEGIN\nINSERT INTO `t` VALUES (1);\nEND ;;\nDELIMITER ;\n"
    assert digest_of(views + routine + TRAILER) == {}


@pytest.mark.parametrize("end", [
    b"", b"-- Dump comple", b"INSERT INTO `t` VALUES ('\\n-- Dump completed\\n');\n", b"-- Dump completed\nSELECT 1;\n",
    b"INSERT INTO `t` VALUES\n(1),\n", b"DELIMITER ;;\n-- Dump completed\n"])
def test_a_dump_without_its_end_is_refused(end):
    with pytest.raises(DatabaseError, match="ended early"):
        digest_of(dump({"t": [["a"]]}, "mysql").removesuffix(TRAILER) + end)


@pytest.mark.parametrize("row", [b" VALUES (1,'a),(2,'b');", b" VALUES (1,'a'),(2,'b'", b" VALUES\n(1,'a'),\n(2,'b'",
                                 b" VALUES (1,'a')(2);", b" VALUES (1),,(2);", b" VALUES ;"])
def test_a_row_that_cannot_be_read_is_never_skipped(row):
    with pytest.raises(DatabaseError, match="a row of table t"):
        digest_of(b"INSERT INTO `t`" + row + b"\n" + TRAILER)


def test_a_dump_passes_on_unchanged_behind_its_header(tmp_path):
    text = dump({"t": [[os.urandom(50)] for _ in range(20000)]}, "mysql")
    digest = DumpDigest(header=b"ALTER DATABASE x;\n")
    passed = process.pipe(LocalHost("here").command("cat", stdin=text), digest.pass_on)
    assert passed == b"ALTER DATABASE x;\n" + text
    assert digest.finish() == digest_of(text)
