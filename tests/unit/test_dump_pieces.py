"""A dump in pieces: cut where its content says so, and told of as if it had been read in one go."""

import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.database import digest as digest_module
from scripts.database.digest import DumpDigest, State
from scripts.database.dump_pieces import Cutter, taken
from scripts.errors import DatabaseError
from tests.unit.test_database_digest import HEAD, TRAILER, digest_of, literal

BETWEEN = [
    "/*!50001 CREATE VIEW `w` AS SELECT\n 1 AS `a` */;\n",
    "DELIMITER ;;\nCREATE PROCEDURE `p`()\nBEGIN\nINSERT INTO `t` VALUES (1);\nINSERT INTO `t` VALUES\n(2);\nEND ;;\n"
    "DELIMITER ;\n",
    "DELIMITER ;;\n/*!50003 CREATE TRIGGER `x` BEFORE INSERT ON `t` FOR EACH ROW\nSET NEW.a = ');\n' */;;\n"
    "DELIMITER ;\n",
    "CREATE TABLE `g` (\n  `a` int,\n  `b` int GENERATED ALWAYS AS (`a` + 1) STORED\n);\n",
    "INSERT INTO `g` (`a`) VALUES (1),(2);\n", "INSERT INTO `g` (`a`, `b ) VALUES`) VALUES\n(1),\n(2);\n",
    "-- a comment\n\n", "/*!40000 ALTER TABLE `t` DISABLE KEYS */;\n"]
NASTY = ["),(", "');", "')", "\\", "''", "(", "a\nb", "`", "CREATE TABLE `x` (", "),\n(", ");\n", "x" * 60, ",", ""]

value = st.one_of(st.integers(0, 99), st.none(), st.binary(min_size=1, max_size=30), st.sampled_from(NASTY))
rows = st.lists(st.lists(value, min_size=1, max_size=3), min_size=1, max_size=12)
inserts = st.tuples(st.sampled_from(["t", "a`b", "é"]), rows, st.sampled_from([",", ",\n"]))
parts = st.lists(st.one_of(inserts, st.sampled_from(BETWEEN)), max_size=8)
long_sizes = st.sampled_from([digest_module.LONG, 48])
sizes = st.tuples(st.integers(1, 80), st.integers(1, 80)).map(lambda two: (two[0], sum(two)))


def text_of(content) -> bytes:
    text = ""
    for part in content:
        if isinstance(part, str):
            text += part
            continue
        name, its_rows, gap = part
        told = gap.join("(" + ",".join(map(literal, row)) + ")" for row in its_rows)
        name = name.replace("`", "``")
        text += f"CREATE TABLE `{name}` (\n  `id` int\n);\nINSERT INTO `{name}` VALUES"
        text += f"{' ' if gap == ',' else gap[1:]}{told};\n"
    return HEAD + text.encode() + TRAILER


def cut(text: bytes, least: int, most: int, chunk: int = 50) -> list[bytes]:
    cutter = Cutter(least, most)
    pieces = [piece for start in range(0, len(text), chunk) for piece in cutter.feed(text[start:start + chunk])]
    return [*pieces, cutter.rest()]


def told_of(pieces: list[bytes], known: dict) -> tuple[dict, dict]:
    """Return what the pieces hold together, and what is known of each of them then."""
    digest = DumpDigest()
    notes = {piece: taken(digest, piece, known.get(piece)) for piece in pieces}
    return digest.finish(), notes


@contextmanager
def long_from(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as change:
        change.setattr(digest_module, "LONG", size)
        yield


@given(content=parts, sizes=sizes, chunk=st.integers(1, 200))
def test_pieces_make_up_the_dump_and_none_is_too_large(content, sizes, chunk):
    text = text_of(content)
    pieces = cut(text, *sizes, chunk)
    assert b"".join(pieces) == text
    assert max(map(len, pieces)) <= sizes[1]
    assert all(pieces)


@given(content=parts, sizes=sizes, long=long_sizes)
def test_pieces_hold_together_what_the_whole_holds(content, sizes, long):
    text = text_of(content)
    with long_from(long):
        assert told_of(cut(text, *sizes), {})[0] == digest_of(text)


@given(content=parts, sizes=sizes, long=long_sizes, data=st.data())
def test_what_is_taken_over_from_the_last_dump_makes_no_difference(content, sizes, long, data):
    edited = list(content)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(edited)))
        new = data.draw(st.lists(st.sampled_from(content + BETWEEN), max_size=1))
        edited[at:at + data.draw(st.integers(0, 1))] = new
    text = text_of(edited)
    with long_from(long):
        known = told_of(cut(text_of(content), *sizes), {})[1]
        assert told_of(cut(text, *sizes), known)[0] == digest_of(text)


@given(content=parts, sizes=sizes, cuts=st.lists(st.integers(0, 900)), other=parts, long=long_sizes)
def test_cuts_anywhere_and_pieces_of_another_place_make_no_difference(content, sizes, cuts, other, long):
    text = text_of(content)
    places = sorted({0, len(text), *(place for place in cuts if place < len(text))})
    pieces = [text[start:end] for start, end in zip(places, places[1:])]
    with long_from(long):
        known = told_of(cut(text_of(other), *sizes), {})[1] | told_of(pieces, {})[1]
        assert told_of(pieces, known)[0] == digest_of(text)


def test_the_same_bytes_in_a_routine_and_outside_count_only_outside():
    statement = b"INSERT INTO `t` VALUES (1);\n"
    pieces = [HEAD, statement, b"DELIMITER ;;\n", statement, b"DELIMITER ;\n", TRAILER]
    digest = DumpDigest()
    known: dict[bytes, object] = {}
    for piece in pieces:
        known[piece] = taken(digest, piece, known.get(piece))
    assert digest.finish()["t"].rows == 1


def test_an_unchanged_dump_is_not_read_again_and_its_end_is_known(monkeypatch):
    text = text_of([("t", [[number, "x" * 20] for number in range(50)], ",\n")])
    pieces = cut(text, 100, 200)
    whole, known = told_of(pieces, {})
    monkeypatch.setattr(DumpDigest, "feed", None)
    assert told_of(pieces, known)[0] == whole


def test_a_dump_cut_off_after_known_pieces_is_found_out():
    text = text_of([("t", [[number, "x" * 20] for number in range(50)], ",\n")])
    pieces = cut(text, 100, 200)
    known = told_of(pieces, {})[1]
    for count in range(len(pieces)):
        with pytest.raises(DatabaseError, match="ended early"):
            told_of(pieces[:count], known)


@pytest.mark.parametrize("gap", [",", ",\n"])
def test_a_changed_an_added_and_a_removed_row_change_one_or_two_pieces(gap):
    chance = random.Random(4)
    its_rows = [[number, "".join(chance.choices("abcdef ", k=chance.randint(5, 60)))] for number in range(3000)]
    before = set(cut(text_of([("t", its_rows, gap)]), 2000, 4000))
    assert len(before) > 30
    for at in range(100, 3000, 290):
        for edited in ([[at, "another text"]], [[at, "one"], [0, "and one more"]], []):
            pieces = cut(text_of([("t", its_rows[:at] + edited + its_rows[at + 1:], gap)]), 2000, 4000)
            assert len(set(pieces) - before) <= 2


def test_a_row_that_is_too_large_to_hold_is_passed_through_in_little_memory():
    row, rows_like_it = b"0123456789ABCDEF" * (1 << 16), 32     # 32 MB between two brackets
    for head, tail in ((b"VALUES\n(1,0x", b");\n"), (b"VALUES (2,'", b"'),(3,'x');\n")):
        digest, cutter, most = DumpDigest(), Cutter(560_000, 860_000), 0
        tracemalloc.start()
        for chunk in (HEAD + b"INSERT INTO `t` " + head, *[row] * rows_like_it, tail + TRAILER):
            for piece in cutter.feed(chunk):
                most = max(most, len(piece))
                taken(digest, piece, None)
        taken(digest, cutter.rest(), None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 12_000_000
        assert most <= 860_000
        assert digest.finish()["t"].rows == (1 if tail == b");\n" else 2)


def test_a_long_row_has_the_same_sum_however_it_comes(monkeypatch):
    row = [1, "it's (a),(b)\\ and \n`c`" * 20, b"\x00\xff" * 40]
    for gap in (",", ",\n"):
        text = text_of([("t", [row, [2], row], gap)])
        whole = digest_of(text)
        for long in (30, 60, 200):
            monkeypatch.setattr(digest_module, "LONG", long)
            for size in (1, 2, 3, 7, 100, 1000):
                assert digest_of(*(text[start:start + size] for start in range(0, len(text), size))) == whole
        monkeypatch.undo()


@pytest.mark.parametrize("row", [
    " VALUES (1,'LONG),(2,'b');", " VALUES (1,'LONG')(2);", " VALUES (1,'LONG'),,(2);", " VALUES\n(1,'LONG'\n(2);",
    " VALUES (1,'LONG');(2);", " VALUES (1,(LONG));", " VALUES\n(1,'LONG')", " VALUES (1,'LONG\nLONG');"])
def test_a_long_row_that_cannot_be_read_is_never_skipped(monkeypatch, row):
    monkeypatch.setattr(digest_module, "LONG", 25)
    text = b"INSERT INTO `t`" + row.replace("LONG", "a" * 40).encode() + b"\n" + TRAILER
    for size in (1, 5, 20, 300):
        with pytest.raises(DatabaseError, match="a row of table t"):
            digest_of(*(text[start:start + size] for start in range(0, len(text), size)))


def test_a_place_in_a_dump_is_known_by_what_goes_on_there():
    digest = DumpDigest()
    seen = []
    for part in (HEAD, b"INSERT INTO `t` VALUES\n", b"(1),\n", b"(2", b");\n", b"DELIMITER ;;\n", b"DELIMITER ;\n",
                 b"INSERT INTO `u` VALUES (1),", b"(2);", b"\n"):
        digest.feed(part)
        seen.append(digest.state)
    assert seen == [State(), State("rows", "t"), State("rows", "t"), None, State(), State("routine"), State(),
                    State("tuples", "u"), None, State()]
