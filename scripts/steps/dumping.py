"""Dumps a site's database into a file of the manager and learns from the stream what every table held."""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.database import dump
from scripts.database.digest import DumpDigest, TableDigest
from scripts.database.faults import explained
from scripts.errors import DatabaseError
from scripts.hosts import process
from scripts.steps.site import Site

INDEX_TABLE = re.compile(r"index_(?:[0-9a-f]+|pref_\w+)")  # Tiki's search index: index_<hex>, index_pref_<lang>


@dataclass(frozen=True)
class Dumped:
    """A dump that is whole: what its tables hold, since when, and how consistent it is."""

    tables: dict[str, TableDigest]
    moment: datetime
    consistency: str
    size_bytes: int
    left_out: tuple[str, ...] = ()


def dump_into(path: Path, site: Site, without_index: bool) -> Dumped:
    """Write the site's database to path as SQL.

    Raises DatabaseError when the dump lacks its end, CommandError when a program failed.
    """
    left_out = tuple(sorted(name for name in site.table_names if without_index and INDEX_TABLE.fullmatch(name)))
    client = dump.lossless(site.client)
    consistent = dump.consistency(client, left_out)
    digest = DumpDigest(dump.header(client))
    command = dump.dump_command(client, skip_tables=left_out, consistent=consistent,
                                routines=dump.has_routines(client), events=dump.has_events(client))
    moment = datetime.now(UTC)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file, explained(client.place):
        process.pipe(command, digest.pass_on, into=file)
    tables = digest.finish()
    _require_all(site, tables, left_out)
    return Dumped(tables, moment, consistent, path.stat().st_size, left_out)


def _require_all(site: Site, dumped: dict[str, TableDigest], left_out: tuple[str, ...]) -> None:
    """Raise DatabaseError when a table that was there before the dump and is there still is not in it."""
    holding_rows = {table.name for table in site.tables if table.kind not in ("VIEW", "SEQUENCE")}
    wanted = holding_rows - set(left_out) - set(dumped)
    missing = wanted & {table.name for table in site.client.tables()} if wanted else set()
    if missing:
        raise DatabaseError(f"{site.client.place}: the dump lacks {', '.join(sorted(missing))}. May the account read "
                            "these tables?")
