"""Says what is lost with a damaged part of an archive, and how to take out the rest: the index knows who lies where."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from scripts.errors import ArchiveError
from scripts.store import index
from scripts.store.archive import Archive
from scripts.store.index import PIECE, Index, Member, Segment

SHOWN = 3   # names in one line


def of_file(archive: Archive) -> str:
    """Return what is known of where an archive is damaged, as the second half of a sentence; empty without an index."""
    try:
        found = index.read(index.beside(archive.path), of_this_size=False)
    except ArchiveError:
        return ""
    hurt = segments(archive.path, found)
    if hurt:
        return told(found, hurt)
    return "; all that its index knows of it is whole: what differs is behind that"


def segments(path: Path, found: Index) -> list[Segment]:
    """Return the segments whose bytes in the archive are not what the index says."""
    with open(path, "rb") as file:
        # From the first to the last, as they lie: the archive is read once.
        return [segment for segment in found.segments if not index.is_on_disk(file.fileno(), segment)]


def members(found: Index, hurt: Iterable[Segment]) -> Iterator[Member]:
    """Yield what is lost with these segments; a large file is lost with any of its pieces."""
    first: Segment | None = None
    wanted, told_of = {segment.offset for segment in hurt}, None
    for segment in found.segments:
        first = segment if segment.count or segment.kind != PIECE else first
        if segment.offset in wanted and first is not None and first != told_of:
            told_of = first
            yield from found.members(first)


def told(found: Index, hurt: Iterable[Segment]) -> str:
    """Return which part of an archive that is, and what it holds, as the second half of a sentence."""
    hurt = list(hurt)
    lost = [os.fsdecode(member.path) for member in members(found, hurt)]
    parts = f"{len(hurt)} of its {len(found.segments)} segments" if len(found.segments) > 1 else "it"
    return f"; damaged is {parts}" + (f", with {names(lost)}" if lost else "")


def names(paths: Iterable[str]) -> str:
    """Return the first few of some names, and how many more there are."""
    paths = list(paths)
    shown = ", ".join(repr(path) if not path.isprintable() else path for path in islice(paths, SHOWN))
    return shown + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")


def way_out(archive: Archive) -> str:
    """Return how to go on with an archive that is damaged."""
    return (f"Try an older one: make archives INSTANCE={archive.instance}; what is whole in this one is taken out by "
            f"make extract INSTANCE={archive.instance} ARCHIVE={called(archive)} FILE=.")


def called(archive: Archive) -> str:
    """Return what ARCHIVE= has to be for an archive: its name in the instance's folder, else its path."""
    return archive.path.name if archive.path.parent.name == archive.instance else str(archive.path)
