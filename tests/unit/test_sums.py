"""The statement that sums a table up. What it answers is tried on a real server in tests/integration."""

import pytest

from scripts.database import sums
from scripts.database.client import Client
from scripts.hosts.dialogue import LONGEST_QUESTION
from tests.unit.recording_host import RecordingHost


def summed(*columns: tuple[str, str, str, bool]) -> str:
    return sums.question("t", columns)


def test_a_name_cannot_end_the_statement():
    asked = sums.question("a`b'c", [("x`y", "int", "", False)])
    assert asked.startswith("SELECT 'a`b''c', COUNT(*)") and asked.endswith("FROM `a``b'c`")
    assert "`x``y`" in asked


@pytest.mark.parametrize(("kind", "charset"), [("int", ""), ("decimal", ""), ("datetime", ""), ("varchar", "utf8mb4"),
                                               ("char", "ascii"), ("set", "utf8mb3")])
def test_what_cannot_hold_our_two_bytes_stands_for_itself(kind, charset):
    assert ", `c`)" in summed(("c", kind, charset, False))


@pytest.mark.parametrize(("kind", "charset"), [("varchar", "latin1"), ("varbinary", ""), ("text", "utf8mb4"),
                                               ("longblob", ""), ("enum", "ucs2")])
def test_what_could_hold_them_or_is_long_stands_as_its_crc_and_length(kind, charset):
    assert ", CRC32(`c`), LENGTH(`c`))" in summed(("c", kind, charset, False))


@pytest.mark.parametrize("kind", ["point", "json", "uuid", "inet6", "vector", "a type of next year"])
def test_a_type_that_is_no_text_is_summed_by_its_bytes(kind):
    assert "CRC32(HEX(`c`))" in summed(("c", kind, "", False))


def test_every_part_of_a_column_that_may_be_null_says_so():
    assert summed(("c", "text", "utf8mb4", True)).count(f", {sums.NULL})") == 2
    assert sums.NULL not in summed(("c", "text", "utf8mb4", False))


def test_a_table_of_generated_columns_alone_has_its_count_of_rows():
    assert sums.question("t", []) == "SELECT 't', COUNT(*), COALESCE(SUM(0), 0) FROM `t`"


def test_many_tables_are_asked_for_in_questions_that_a_session_takes():
    questions = [f"SELECT {'x' * size}" for size in (10, sums.BATCH_BYTES - 20, 30, 40, 2 * sums.BATCH_BYTES, 5)]
    batches = list(sums._batches(questions))
    assert [one for batch in batches for one in batch] == questions
    assert [len(batch) for batch in batches] == [1, 1, 2, 1, 1]
    assert sums.BATCH_BYTES < LONGEST_QUESTION
    assert list(sums._batches([])) == []


def test_no_table_needs_no_call():
    host = RecordingHost()
    assert sums.of(Client(host, "/tmp/options", "wiki"), []) == {}
    assert host.calls == []
