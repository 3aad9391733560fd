"""Pours a dump into a database, and knows whether all of it arrived."""

import re
import secrets
from collections.abc import Collection, Iterator, Sequence
from typing import IO

from scripts.database import programs
from scripts.database.client import Client, quote_name, quote_text
from scripts.database.digest import is_trailer
from scripts.database.faults import NO_ACCESS, CannotHold, SqlError, explained_load
from scripts.errors import DatabaseError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.streams import Filter, Sink, Source

__all__ = ["CannotHold", "drop_everything", "load", "row_counts"]

HEAD_LIMIT = 1 << 16  # bytes in which the first two lines end, if they are the short ones we look for
LAST_LINE = 200       # bytes; the trailer with its date has 40
BATCH = 50            # tables in one statement
SANDBOX = re.compile(rb"/\*M?!999999\\- enable the sandbox mode \*/ *\r?\n")
ALTER = re.compile(rb"ALTER DATABASE DEFAULT CHARACTER SET \w+ COLLATE \w+;\r?\n")


def load(client: Client, *stages: Command | Filter, out_of: IO[bytes] | None = None) -> None:
    """Pour the dump that stages produce, or that out_of holds, into the client's database.

    Stops at the first error. Raises CannotHold when the server cannot hold this dump, DatabaseError when the
    dump has no end or the server did not see it; tables that were loaded by then stay.
    """
    token = secrets.token_hex(8)
    # Older clients refuse the sandbox line of newer dumps; where the client has a sandbox, we ask for it ourselves.
    sandbox = ["--sandbox"] if "--sandbox" in programs.on(client.host).options else []
    command = client.host.command(*client.words("--skip-column-names", *sandbox))
    with explained_load(client.place):
        answer = process.pipe(*stages, lambda source, sink: _pour(client, token, source, sink), command, out_of=out_of)
    if not process.conduct.dry_run and answer.split()[-1:] != [token.encode()]:
        raise DatabaseError(f"{client.place}: the load ended early: the client read only a part of the dump, "
                            "though it reports success")


def drop_everything(client: Client, keep: Collection[str] = ()) -> None:
    """Drop every table and view that is not in keep."""
    chosen = [table for table in client.tables() if table.name not in keep]
    for word, names in (("VIEW", [table.name for table in chosen if table.is_view]),
                        ("TABLE", [table.name for table in chosen if not table.is_view])):
        for batch in _batches(names):
            listed = ", ".join(map(quote_name, batch))
            client.execute(f"SET SESSION foreign_key_checks = 0; DROP {word} IF EXISTS {listed}")


def row_counts(client: Client, tables: Sequence[str]) -> dict[str, int]:
    """Return how many rows tables have, counted."""
    counts: dict[str, int] = {}
    for batch in _batches(tables):
        rows = client.query(" UNION ALL ".join(f"SELECT {quote_text(name)}, COUNT(*) FROM {quote_name(name)}"
                                               for name in batch))
        counts.update({name: int(count) for name, count in rows})
    return counts


def _pour(client: Client, token: str, source: Source, sink: Sink) -> None:
    """Pass a dump on without its first lines that are not for every server, and ask for the token after it."""
    head = _without_special_lines(client, _head(source))
    sink.write(head)
    tail = head[-LAST_LINE:]
    for chunk in source.chunks():
        sink.write(chunk)
        tail = (tail + chunk[-LAST_LINE:])[-LAST_LINE:]
    if not is_trailer(tail.rstrip().rpartition(b"\n")[2]):
        raise DatabaseError(f"{client.place}: the dump ended early: its last line is not `-- Dump completed`")
    sink.write(f"\nSELECT '{token}';\n".encode())


def _head(source: Source) -> bytes:
    head = b""
    while len(head) < HEAD_LIMIT and (chunk := source.read()):
        head += chunk
    return head


def _without_special_lines(client: Client, head: bytes) -> bytes:
    """Return the start of a dump without the sandbox line and the database's defaults, which are set apart."""
    while match := SANDBOX.match(head) or ALTER.match(head):
        if match.re is ALTER:
            _set_defaults(client, match[0].decode())
        head = head[match.end():]
    return head


def _set_defaults(client: Client, statement: str) -> None:
    """Set the database's defaults; an account without the right to is no fault, since each table names its own."""
    try:
        client.execute(statement)
    except SqlError as error:
        if error.code != NO_ACCESS:
            raise


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), BATCH):
        yield names[start:start + BATCH]
