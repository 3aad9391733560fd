"""What the client program prints, and what statements must look like."""

import pytest

from scripts.database.client import quote_name, quote_text, rows_of
from scripts.database.faults import CannotHold, SqlError, explained, explained_load
from scripts.errors import CommandError


def answer(*fields: str) -> bytes:
    return ("<row>\n" + "\n".join(f"\t{field}" for field in fields) + "\n  </row>\n").encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("printed, value", [
    ('<field name="a" xsi:nil="true" />', None),
    ('<field name="a">NULL</field>', "NULL"),
    ('<field name="a"></field>', ""),
    ('<field name="a">1\t2\r\n3\\4\x01</field>', "1\t2\r\n3\\4\x01"),
    ('<field name="a">&lt;/row&gt;&amp;lt;&quot;\'</field>', "</row>&lt;\"'"),
    ('<field name="&lt;field name=&quot;x">😀\udce9</field>', "😀\udce9"),
])
def test_values_come_back_as_they_are_stored(printed, value):
    assert rows_of(answer(printed, '<field name="b">2</field>')) == [(value, "2")]


def test_rows_of_several_answers_come_one_after_another():
    text = b'<?xml version="1.0"?>\n<resultset statement="&lt;row&gt;">' + answer('<field name="a">1</field>')
    assert rows_of(text + b"</resultset>" + text) == [("1",), ("1",)]


def test_names_and_texts_cannot_leave_their_quotes():
    assert quote_name("a`b") == "`a``b`"
    assert quote_text("a'b\\'\0") == "'a''b\\\\''\\0'"


@pytest.mark.parametrize("said, meaning", [
    ("ERROR 1045 (28000): Access denied for user 'x'@'localhost' (using password: YES)", "refuses the account"),
    ("ERROR 1049 (42000): Unknown database 'nix'", "no such database"),
    ("--------------\nSELECT\n--------------\n\nERROR 2003 (HY000) at line 1: Can't connect", "cannot be reached"),
    ("mysqldump: Got error: 1044: \"Access denied\" when using LOCK TABLES", "not do this"),
    ("mysqldump: Couldn't execute 'SHOW FIELDS FROM `v`': denied (1142)", "may not do this"),
])
def test_an_error_says_what_it_means(said, meaning):
    with pytest.raises(SqlError, match=rf"web1: database tiki: .*{meaning}"), explained("web1: database tiki"):
        raise CommandError("[web1] mariadb: ended", code=1, stderr=said)


def test_a_fault_that_is_not_the_servers_stays_as_it_is():
    with pytest.raises(CommandError, match="ssh broke"), explained("web1: database tiki"):
        raise CommandError("ssh broke", code=255, stderr="client_loop: send disconnect")


@pytest.mark.parametrize("code", [1273, 1115, 1286, 1064, 1118, 1071, 1235])
def test_a_dump_that_a_server_cannot_hold_is_told_from_other_errors(code):
    with pytest.raises(CannotHold, match="cannot hold this dump.*at line 7"), explained_load("web1: database tiki"):
        raise CommandError("", stderr=f"ERROR {code} (HY000) at line 7: Unknown collation: 'x'")


def test_an_error_of_the_dump_program_is_not_blamed_on_the_place_of_the_load():
    with pytest.raises(CommandError, match="^source"), explained_load("web1: database tiki"):
        raise CommandError("source", stderr="mysqldump: Got error: 1045: \"Access denied\" when trying to connect")
