"""Dumps a site's database, into a file or through packing, and learns from the stream what every table held."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from scripts.database import dump, dump_pieces
from scripts.database.client import Client
from scripts.database.digest import DumpDigest, TableDigest
from scripts.database.dump_pieces import Cutter
from scripts.database.faults import explained
from scripts.errors import DatabaseError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.streams import Filter
from scripts.steps.site import Site
from scripts.store.packing import Packer, Placed
from scripts.store.tar_stream import BLOCK

INDEX_TABLE = re.compile(r"index_(?:[0-9a-f]+|pref_\w+)")  # Tiki's search index: index_<hex>, index_pref_<lang>


@dataclass(frozen=True)
class Dumped:
    """A dump that is whole: what its tables hold, since when, and how consistent it is."""

    tables: dict[str, TableDigest]
    moment: datetime
    consistency: str
    size_bytes: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class DumpedPieces(Dumped):
    """A dump that lies packed, piece by piece in order, each with what the index is to tell of it.

    The last piece has what fills a member of tar up to a whole block behind the dump; size_bytes and sha256 have not.
    """

    sha256: str = ""
    pieces: list[tuple[Placed, Any]] = field(default_factory=list)


def dump_into(path: Path, site: Site, without_index: bool) -> Dumped:
    """Write the site's database to path as SQL.

    Raises DatabaseError when the dump lacks its end, CommandError when a program failed.
    """
    with _asked(site, without_index) as asked:
        digest = DumpDigest(dump.header(asked.client))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            process.pipe(*asked.stream, digest.pass_on, into=file)
    tables = digest.finish()
    _require_all(site, tables, asked.left_out)
    return Dumped(tables, asked.moment, asked.consistency, path.stat().st_size, asked.left_out)


def dump_through(packer: Packer, site: Site, without_index: bool, is_read_anew: bool = False) -> DumpedPieces:
    """Give the site's database as SQL to packer, piece by piece; it lies nowhere as it is.

    What the previous archive notes of pieces that are the same is taken over, unless is_read_anew. Raises as dump_into.
    """
    pieces = _Pieces(packer, is_read_anew)
    with _asked(site, without_index) as asked:
        header = dump.header(asked.client)
        process.pipe(*asked.stream, lambda source, _: pieces.take(chain([header], source.chunks())))
    tables = pieces.digest.finish()
    _require_all(site, tables, asked.left_out)
    return DumpedPieces(tables, asked.moment, asked.consistency, pieces.size_bytes, asked.left_out,
                        pieces.whole.hexdigest(), [(future.result(), note) for future, note in pieces.packed])


class _Pieces:
    """What becomes of a dump on its way to the packer."""

    def __init__(self, packer: Packer, is_read_anew: bool) -> None:
        self._packer, self._is_read_anew = packer, is_read_anew
        self.digest, self.whole, self.size_bytes = DumpDigest(), hashlib.sha256(), 0
        self.packed: list[tuple[Future[Placed], Any]] = []

    def take(self, chunks: Iterable[bytes]) -> None:
        cutter = Cutter(self._packer.sizes.least, self._packer.sizes.most)
        for chunk in chunks:
            self.whole.update(chunk)
            self.size_bytes += len(chunk)
            for piece in cutter.feed(chunk):
                self._add(piece)
        self._add(cutter.rest(), bytes(-self.size_bytes % BLOCK))

    def _add(self, piece: bytes, padding: bytes = b"") -> None:
        future = self._packer.submit(piece + padding if padding else piece)
        # What the previous archive has is known at once.
        old = future.result().old if future.done() and not self._is_read_anew else None
        self.packed.append((future, dump_pieces.taken(self.digest, piece, old.tables if old else None)))


@dataclass
class _Asked:
    """The stages that dump a site, and what is known of it."""

    client: Client
    stream: Sequence[Command | Filter]
    consistency: str
    left_out: tuple[str, ...]
    moment: datetime


@contextmanager
def _asked(site: Site, without_index: bool) -> Iterator[_Asked]:
    """Lend the stages that dump a site; faults meanwhile are explained."""
    left_out = tuple(sorted(name for name in site.table_names if without_index and INDEX_TABLE.fullmatch(name)))
    client = dump.lossless(site.client)
    consistent = dump.consistency(client, left_out)
    stream = dump.stream(client, skip_tables=left_out, consistent=consistent,
                         routines=dump.has_routines(client), events=dump.has_events(client))
    with explained(client.place):
        yield _Asked(client, stream, consistent, left_out, datetime.now(UTC))


def _require_all(site: Site, dumped: dict[str, TableDigest], left_out: tuple[str, ...]) -> None:
    """Raise DatabaseError when a table that was there before the dump and is there still is not in it."""
    holding_rows = {table.name for table in site.tables if table.kind not in ("VIEW", "SEQUENCE")}
    wanted = holding_rows - set(left_out) - set(dumped)
    missing = wanted & {table.name for table in site.client.tables()} if wanted else set()
    if missing:
        raise DatabaseError(f"{site.client.place}: the dump lacks {', '.join(sorted(missing))}. May the account read "
                            "these tables?")
