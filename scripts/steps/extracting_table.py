"""Takes one table out of an archive's dump, as SQL that can be loaded by itself."""

import difflib
import os
from collections.abc import Callable, Iterator

from scripts.database import one_table
from scripts.database.digest import DumpDigest
from scripts.database.one_table import OneTable
from scripts.errors import ArchiveError, DatabaseError
from scripts.hosts.streams import CHUNK
from scripts.steps.extracting import Opened
from scripts.store import manifest, members, picking, reading
from scripts.store.index import PIECE, Segment
from scripts.store.manifest import Table
from scripts.store.members import Passing
from scripts.store.reading import Raw

DUMP = os.fsencode(manifest.DUMP_NAME)


def table(source: Opened, name: str, write: Callable[[bytes], object]) -> int:
    """Write one table or view, with the dump's settings before and behind it, and return its rows.

    Raises ArchiveError when the dump has no such table, or when it is not what was dumped.
    """
    digest = DumpDigest()

    def pass_on(data: bytes) -> None:
        digest.feed(data)
        write(data)

    taken = OneTable(name, pass_on)
    _pour(source, name, taken)
    taken.finish()
    place = source.archive.path.name
    recorded = recorded_tables(source)
    if not taken.is_found:
        near = ", ".join(difflib.get_close_matches(name, recorded))
        raise ArchiveError(f"{place}: its dump has no table {name}{near and f'; near is {near}'}")
    try:
        found = digest.finish().get(name)
    except DatabaseError as fault:
        raise ArchiveError(f"{place}: {fault}") from fault
    wanted = recorded.get(name)
    if wanted and (found is None or (found.rows, found.digest) != (wanted.rows, wanted.digest)):
        raise ArchiveError(f"{place}: is damaged: table {name} is not what was dumped")
    return found.rows if found else 0


def recorded_tables(source: Opened) -> dict[str, Table]:
    """Return what the archive says that its tables held; nothing for one of TRIM or Tiki Manager."""
    text = source.description(manifest.OUR_NAME)
    return manifest.parse(text).tables if text else {}


def _pour(source: Opened, name: str, taken: OneTable) -> None:
    """Let OneTable have what of the dump it needs."""
    # The first piece is what tar has before the content.
    row = [segment for segment in source.found.segments if segment.first == DUMP and segment.kind == PIECE][1:] \
        if source.found else []
    numbers = one_table.pieces([segment.tables for segment in row], name) if row else []
    if 0 < len(numbers) < len(row):
        reading.through(source.archive, source.found, [row[number] for number in numbers],
                        lambda raws: _pour_pieces(raws, row, taken))
        return

    def take(passing: Passing) -> None:
        if passing.path == DUMP:
            content = passing.content()
            while data := content.read(CHUNK):
                taken.feed(data)

    segments = source.found and picking.holding_any(source.found, [DUMP])
    members.each(source.archive, source.found, take, segments)


def _pour_pieces(raws: Iterator[Raw], row: list[Segment], taken: OneTable) -> None:
    """Pour pieces of the dump, without the zeros that fill up the last one."""
    end = row[0].offset
    for segment, content in raws:
        if segment.offset != end:
            taken.pass_over()
        end = segment.end
        taken.feed(content.rstrip(b"\0") if segment == row[-1] else content)

