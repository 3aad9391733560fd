"""Answers of the database client as rows with the names of their columns."""

import re

import pytest

from scripts.database import statement
from scripts.database.client import Client
from scripts.errors import DatabaseError
from tests.unit.recording_host import RecordingHost

LOOK = {("sh", "-c"): b"/usr/bin/mariadb\n/usr/bin/mariadb-dump\nend\n"}
ROWS = (b'<resultset statement="SELECT a"><row><field name="a&lt;b">1 &amp; 2</field>'
        b'<field name="n" xsi:nil="true" /></row></resultset>')


class Answering(RecordingHost):
    """Answers with what it is told, and with the token it was asked for."""

    def __init__(self, printed: bytes, end: bytes = b"-1", *, name: str) -> None:
        super().__init__(LOOK, name=name)
        self.printed, self.end = printed, end

    def run(self, *words, stdin=None, ok=(0,)):
        token = re.search(rb"SELECT '(\w+)', ROW_COUNT", stdin)[1]
        last = (b'<resultset statement="x"><row><field name="t">%s</field><field name="r">%s</field></row></resultset>'
                % (token, self.end))
        return self.printed + (last if self.end else b"")


def test_an_answer_has_its_columns_and_tells_null_from_text():
    found = statement.carry_out(Client(Answering(ROWS, name="one"), "/o", "blog"), "SELECT a")
    assert [(one.columns, one.rows) for one in found] == [(("a<b", "n"), (("1 & 2", None),))]


def test_a_statement_without_rows_tells_how_many_it_changed():
    found = statement.carry_out(Client(Answering(b"", b"3", name="two"), "/o", "blog"), "DELETE FROM x;")
    assert [one.changed for one in found] == [3]


def test_an_answer_that_is_cut_off_is_no_answer():
    with pytest.raises(DatabaseError, match="cut off"):
        statement.carry_out(Client(Answering(ROWS, b"", name="three"), "/o", "blog"), "SELECT a")
