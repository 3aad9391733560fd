"""Statements that an operator types: their answers with the names of the columns."""

import html
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.database.client import PLAIN_MODE, ROW, Client
from scripts.database.faults import explained
from scripts.errors import DatabaseError
from scripts.hosts import process

RESULT = re.compile(rb"<resultset .*?</resultset>", re.DOTALL)
NAMED_FIELD = re.compile(rb'<field name="([^"]*)"(?: xsi:nil="true" />|>([^<]*)</field>)')


@dataclass(frozen=True)
class Answer:
    """The rows of one statement; None is NULL. changed is how many rows it changed, -1 where that has no meaning."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    changed: int = -1


def carry_out(client: Client, sql: str, before: Sequence[str] = ()) -> list[Answer]:
    """Run what was typed, one statement or several, and return an answer for each that gives one.

    Nobody can tell what it changes, so a dry run only shows the call. Raises SqlError in the server's words. before are
    words that the call of the client program begins with.
    """
    token = secrets.token_hex(8)
    script = f"{PLAIN_MODE};\n{sql.strip().rstrip(';')}\n;\nSELECT '{token}', ROW_COUNT();\n"
    with explained(client.place):
        answer = client.host.run(*before, *client.words("--xml"), stdin=script.encode("utf-8", "surrogateescape"))
    if process.conduct.dry_run:
        return []
    *answers, last = [_answer(found) for found in RESULT.findall(answer)] or [Answer((), ())]
    if not last.rows or last.rows[0][0] != token:
        raise DatabaseError(f"{client.place}: the server's answer is cut off")
    changed = int(last.rows[0][1] or -1)
    return answers or [Answer((), (), changed)]


def _answer(result: bytes) -> Answer:
    rows = ROW.findall(result)
    columns = tuple(_text(field[1]) for field in NAMED_FIELD.finditer(rows[0])) if rows else ()
    return Answer(columns, tuple(map(_row, rows)))


def _row(row: bytes) -> tuple[str | None, ...]:
    return tuple(None if field[2] is None else _text(field[2]) for field in NAMED_FIELD.finditer(row))


def _text(value: bytes) -> str:
    return html.unescape(value.decode("utf-8", "surrogateescape"))
