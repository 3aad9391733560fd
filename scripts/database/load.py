"""Pours a dump into a database, and knows whether all of it arrived."""

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import IO

from scripts.database import credentials, patience, programs
from scripts.database.client import Client, quote_name, quote_text
from scripts.database.digest import is_trailer
from scripts.database.faults import NO_ACCESS, CannotHold, SqlError, explained_load
from scripts.database.load_connection import OWN_WORD, Connection
from scripts.database.load_jobs import Ended, Jobs
from scripts.database.load_parts import Parts
from scripts.database.splitting import Cutter
from scripts.errors import DatabaseError, Fault
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.streams import Filter, Source

__all__ = ["CannotHold", "Loaded", "drop_everything", "load", "row_counts"]

FEWEST, MOST = 2, 4   # connections, when nobody says how many: a server has other things to do
LAST_LINE = 200       # bytes; the trailer with its date has 40
BATCH = 50            # tables in one statement
SANDBOX = re.compile(rb"/\*M?!999999\\- enable the sandbox mode \*/ *\r?\n")
ALTER = re.compile(rb"ALTER DATABASE DEFAULT CHARACTER SET \w+ COLLATE \w+;\r?\n")


@dataclass(frozen=True)
class Loaded:
    """How many connections a load had, why it had no more where the server refused one, and what stayed as it was.

    tries is how often it was begun, because of another client's lock.
    """

    connections: int = 0
    refused: str = ""
    kept: tuple[str, ...] = ()
    tries: int = 1


def load(client: Client, *stages: Command | Filter, out_of: IO[bytes] | None = None,
         alike: Mapping[str, str] | None = None) -> Loaded:
    """Pour the dump that stages produce, or that out_of holds, into the client's database.

    alike are tables that hold the dump's rows already, each with the statement that made it (see unchanged.alike):
    where the dump has the same statement, the table stays. What is large enough goes through several connections, side
    by side. Stops at the first error; where that is another client's lock and the dump lies in a file, it is loaded
    anew: it drops what it makes. Raises CannotHold when the server cannot hold this dump, DatabaseError when the
    dump has no end or the server did not see it; tables that were loaded by then stay.
    """
    if process.conduct.dry_run:
        process.pipe(*stages, client.host.command(*client.words()), out_of=out_of)
        return Loaded()
    file = _seekable(out_of)
    if file is None:
        return _load(client, stages, out_of, alike or {})

    def anew() -> Loaded:
        os.lseek(file, 0, os.SEEK_SET)
        return _load(client, stages, out_of, alike or {})
    loaded, tries = patience.tried_again(anew)
    return replace(loaded, tries=tries)


def _load(client: Client, stages: Sequence[Command | Filter], out_of: IO[bytes] | None,
          alike: Mapping[str, str]) -> Loaded:
    """Pour it once."""
    jobs = Jobs(_connections(client), None if stages else _seekable(out_of))
    parts = Parts(jobs, lambda head: _without_special_lines(client, head), alike,
                  lambda names: _drop(client, "TABLE", names))
    connections = [Connection(client, jobs, number) for number in range(jobs.most)]
    with explained_load(client.place), _none_left(client):
        process.side_by_side(lambda: _read(client, parts, stages, out_of), *(one.work for one in connections))
    if left := jobs.undone():
        raise DatabaseError(f"{client.place}: the load ended early: the server did not say that it has "
                            f"{', '.join(sorted({job.table for job in left}))}")
    refused = next(filter(None, (one.refused for one in connections)), "")
    return Loaded(sum(one.has_begun for one in connections), refused, tuple(parts.kept))


def drop_everything(client: Client, keep: Collection[str] = ()) -> None:
    """Drop every table and view that is not in keep."""
    chosen = [table for table in client.tables() if table.name not in keep]
    for word, names in (("VIEW", [table.name for table in chosen if table.is_view]),
                        ("TABLE", [table.name for table in chosen if not table.is_view])):
        _drop(client, word, names)


def _drop(client: Client, word: str, names: Sequence[str]) -> None:
    for batch in _batches(names):
        listed = ", ".join(map(quote_name, batch))
        statement = f"SET SESSION foreign_key_checks = 0; DROP {word} IF EXISTS {listed}"
        patience.tried_again(partial(client.execute, statement))


def row_counts(client: Client, tables: Sequence[str]) -> dict[str, int]:
    """Return how many rows tables have, counted."""
    counts: dict[str, int] = {}
    for batch in _batches(tables):
        rows = client.query(" UNION ALL ".join(f"SELECT {quote_text(name)}, COUNT(*) FROM {quote_name(name)}"
                                               for name in batch))
        counts.update({name: int(count) for name, count in rows})
    return counts


@contextmanager
def _none_left(client: Client) -> Iterator[None]:
    """End the clients at another host when the block breaks: they still have what was on its way to them.

    And where the network fell silent they are not told, and wait, with their locks, for what will not come.
    """
    try:
        yield
    except BaseException:
        if not client.host.reads_in_place:
            with suppress(Fault):
                credentials.end_programs(client.host, client.options, OWN_WORD)
        raise


def _seekable(file: IO[bytes] | None) -> int | None:
    """Return the descriptor of a file that can be read anywhere and is read from its start; else None."""
    return file.fileno() if file and file.seekable() and not os.lseek(file.fileno(), 0, os.SEEK_CUR) else None


def _connections(client: Client) -> int:
    """Return how many connections a load may have."""
    if process.conduct.load_jobs or not process.conduct.keeps_programs:  # which is for accounts with few connections
        return process.conduct.load_jobs or 1
    return min(MOST, max(FEWEST, programs.on(client.host).cores))


def _read(client: Client, parts: Parts, stages: Sequence[Command | Filter], out_of: IO[bytes] | None) -> None:
    """Read the dump to its end and make jobs of it."""
    try:
        process.pipe(*stages, lambda source, sink: _cut(client, parts, source), out_of=out_of)
    except Ended:
        pass
    except BaseException:
        parts.end()
        raise


def _cut(client: Client, parts: Parts, source: Source) -> None:
    """As a stage: make jobs of a dump."""
    cutter, tail = Cutter(), b""
    for chunk in source.chunks():
        tail = (tail + chunk[-LAST_LINE:])[-LAST_LINE:]
        for piece in cutter.feed(chunk):
            parts.take(piece)
    if not is_trailer(tail.rstrip().rpartition(b"\n")[2]):
        raise DatabaseError(f"{client.place}: the dump ended early: its last line is not `-- Dump completed`")
    for piece in cutter.finish():
        parts.take(piece)
    parts.finish()


def _without_special_lines(client: Client, head: bytes) -> bytes:
    """Return the start of a dump without the sandbox line and the database's defaults, which are set apart."""
    lines = 0  # those that are left out stay as empty ones, so that faults name the right line
    while match := SANDBOX.match(head) or ALTER.match(head):
        if match.re is ALTER:
            _set_defaults(client, match[0].decode())
        head, lines = head[match.end():], lines + 1
    return b"\n" * lines + head


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
