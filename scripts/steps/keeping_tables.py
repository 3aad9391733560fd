"""Keeps what a database holds before a change that nobody can foresee, and puts back the tables that it changed.

Sessions, caches, logs and the search index are not looked at: they change by themselves.
"""

import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.database import dump, load
from scripts.database.client import Client
from scripts.database.digest import DumpDigest, TableDigest, is_trailer
from scripts.database.faults import explained
from scripts.errors import DatabaseError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.hosts.streams import CHUNK, Sink, Source
from scripts.steps.site import Site
from scripts.tiki.expected import Expected

SECTION = re.compile(rb"-- (?:Table structure for table|Dumping data for table|Temporary (?:table|view) structure for "
                     rb"view|Final view structure for view) `((?:[^`]|``)+)`")


@dataclass(frozen=True)
class Kept:
    """The tables of a site as they were; path is their dump on the manager."""

    site: Site
    path: Path
    tables: dict[str, TableDigest]
    left_out: tuple[str, ...]


def keep(site: Site, path: Path, only_tables: Collection[str] | None = None) -> Kept:
    """Dump the tables of a site, or only some of them, into a file of the manager."""
    left_out = _left_out(site) if only_tables is None else tuple(sorted(site.table_names - set(only_tables)))
    client = dump.lossless(site.client)
    MANAGER.make_folder(str(path.parent), 0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    digest = DumpDigest()
    with open(descriptor, "wb") as file, explained(client.place):
        process.pipe(*_dump(client, left_out), digest.pass_on, into=file)
    tables = digest.finish()
    MANAGER.sync(str(path))
    return Kept(site, path, tables, left_out)


def kept_before(site: Site, path: Path) -> Kept:
    """Return what an earlier run kept in a file; raise DatabaseError when that is not whole."""
    digest = DumpDigest()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.feed(chunk)
    return Kept(site, path, digest.finish(), _left_out(site))


def put_back(kept: Kept) -> list[str]:
    """Put back the tables that are not as they were and return their names; raise DatabaseError when one is not."""
    changed = _changed(kept)
    if not changed:
        return []
    with open(kept.path, "rb") as file:
        load.load(dump.lossless(kept.site.client), only(set(changed)), out_of=file)
    if left := _changed(kept):
        raise DatabaseError(f"{kept.site.client.place}: {', '.join(left)} could not be put back")
    return changed


def load_again(site: Site, path: Path) -> list[str]:
    """Make every table of a dump what it was, changed or not, and return their names; nothing else is touched.

    put_back compares rows: what happened to an empty table it does not see.
    """
    kept = kept_before(site, path)
    with open(path, "rb") as file:
        load.load(dump.lossless(site.client), out_of=file)
    others = tuple(sorted({table.name for table in site.client.tables()} - kept.tables.keys()))
    if left := _changed(replace(kept, left_out=others)):
        raise DatabaseError(f"{site.client.place}: {', '.join(left)} could not be put back")
    return sorted(kept.tables)


def only(tables: set[str]) -> Callable[[Source, Sink], None]:
    """Return a stage that lets pass what a dump says of some tables, its first lines and its last."""
    def pass_on(source: Source, sink: Sink) -> None:
        passes, rest = True, b""
        for chunk in source.chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                # No text of a row begins a line: the dump writes line breaks as \\n.
                if found := SECTION.match(line):
                    passes = found[1].replace(b"``", b"`").decode("utf-8", "surrogateescape") in tables
                if passes or is_trailer(line):
                    sink.write(line + b"\n")
        if passes or is_trailer(rest):
            sink.write(rest)
    return pass_on


def _left_out(site: Site) -> tuple[str, ...]:
    return tuple(sorted(name for name in site.table_names if Expected().of_table(name)))


def _changed(kept: Kept) -> list[str]:
    digest, client = DumpDigest(), dump.lossless(kept.site.client)
    with explained(client.place):
        process.pipe(*_dump(client, kept.left_out),
                     lambda source, sink: [digest.feed(chunk) for chunk in source.chunks()])
    now = digest.finish()
    return sorted(name for name, table in kept.tables.items() if now.get(name) != table)


def _dump(client: Client, left_out: tuple[str, ...]):
    return dump.stream(client, skip_tables=left_out, consistent=dump.consistency(client, left_out))
