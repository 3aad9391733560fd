"""make extract: takes a file, a folder, a pattern or one table out of an archive, or shows what it holds.

By the archive's index that takes as long as what is taken out is large; without one all of it is read. Each file is
compared with its sha256; nothing that is there is overwritten unless that is asked for.
"""

import hashlib
import os
import tarfile
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scripts.errors import ArchiveError, RefusedError, UsageError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.hosts.streams import CHUNK
from scripts.present import output
from scripts.registry import locks
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
from scripts.steps import extracting, extracting_listing, extracting_table
from scripts.steps.extracting import Chosen, Lost, Opened
from scripts.store import archive, damage, landing
from scripts.store.archive import Archive

STDOUT = "-"
FOLDER = "extracted"    # below the state folder: for whom says no DEST


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for: one of file, table and a list (of all, or of file)."""

    archive: str = ""
    file: str = ""
    table: str = ""
    dest: str = ""
    lists: bool = False
    overwrites: bool = False
    unverified: bool = False


def extract(settings: Settings, name: str, wishes: Wishes) -> list[dict[str, object]]:
    """Take out of an instance's archive what is wished, and return what is to be told of it, for programs.

    Raises ArchiveError when some of it is lost; the rest has then been taken out.
    """
    _refuse_unclear(wishes)
    chosen = archive.choose(settings, name, wishes.archive or "latest")
    with locks.hold(settings, [Lock(chosen.path.name, exclusive=False)], "extract"):
        with output.quietly() if wishes.dest == STDOUT else nullcontext():
            source = extracting.opened(chosen, wishes.unverified)
        if wishes.lists:
            return extracting_listing.show(source, extracting.choose(source, wishes.file or "."))
        if wishes.dest == STDOUT:
            _print(source, wishes)
            return []
        folder = _folder(settings, chosen, wishes.dest)
        return _table(name, source, folder, wishes) if wishes.table else _files(name, source, folder, wishes)


def _refuse_unclear(wishes: Wishes) -> None:
    if bool(wishes.file) + bool(wishes.table) != 1 and not (wishes.lists and not wishes.table):
        raise UsageError("what is to be taken out? FILE=path (from the web root, or absolute; . is everything), or "
                         "TABLE=name; what there is: LIST=1")
    if wishes.dest == STDOUT and output.manner.is_json:
        raise UsageError("DEST=- and JSON=1 both want the output for themselves")


def _folder(settings: Settings, chosen: Archive, dest: str) -> Path:
    """Return the folder that things go to, without links."""
    usual = settings.state / FOLDER / chosen.path.name.partition(".tar.")[0]
    return Path(os.path.realpath(dest or usual))


def _files(name: str, source: Opened, folder: Path, wishes: Wishes) -> list[dict[str, object]]:
    started = time.monotonic()
    chosen = extracting.choose(source, wishes.file)
    if not wishes.overwrites:
        _refuse_present(source, chosen, folder)
    if process.conduct.dry_run:
        output.say(f"{name}: would take {wishes.file} out of {source.archive.path.name} into {folder}")
        return []
    MANAGER.make_folder(str(folder), 0o700)
    with closing(landing.Landing(str(folder), wishes.overwrites)) as place:
        lost = extracting.take_out(source, chosen, place)
    output.say(f"{name}: {wishes.file} of {source.archive.path.name}: {_files_told(place.files)}, "
               f"{output.size(place.size_bytes)}, in {folder}, in {output.duration(time.monotonic() - started)}")
    _conclude(source, lost)
    return [{"instance": name, "archive": source.archive.path.name, "file": wishes.file, "dest": str(folder),
             "files": place.files, "size_bytes": place.size_bytes, "has_index": source.found is not None,
             "seconds": round(time.monotonic() - started, 1)}]


def _refuse_present(source: Opened, chosen: Chosen, folder: Path) -> None:
    """Raise RefusedError when something has the name of what would come."""
    for goal in extracting.goals(source, chosen):
        path = os.path.join(folder, os.fsdecode(goal))
        if os.path.lexists(path):
            raise RefusedError(f"{path}: is there already. Nothing was written. To replace it: OVERWRITE=yes; or give "
                               "another DEST=")


def _conclude(source: Opened, lost: Lost) -> None:
    """Raise ArchiveError when something could not be taken out."""
    if not lost.paths:
        return
    for path in lost.paths:
        output.warn(f"lost: {path}")
    raise ArchiveError(f"{source.archive.path.name}: is damaged: {_files_told(len(lost.paths))} could not be taken "
                       f"out: {damage.names(lost.paths)}. The rest was. They may be in an older one: make archives "
                       f"INSTANCE={source.archive.instance}")


def _files_told(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _table(name: str, source: Opened, folder: Path, wishes: Wishes) -> list[dict[str, object]]:
    started = time.monotonic()
    path = folder / f"{wishes.table.replace('/', '_')}.sql"
    if process.conduct.dry_run:
        output.say(f"{name}: would take table {wishes.table} out of {source.archive.path.name} into {path}")
        return []
    MANAGER.make_folder(str(folder), 0o700)
    with landing.growing(path, wishes.overwrites) as write:
        rows = extracting_table.table(source, wishes.table, write)
    size = path.stat().st_size
    output.say(f"{name}: table {wishes.table} of {source.archive.path.name}: {rows} rows, {output.size(size)}, is "
               f"{path}, in {output.duration(time.monotonic() - started)}")
    return [{"instance": name, "archive": source.archive.path.name, "table": wishes.table, "dest": str(path),
             "rows": rows, "size_bytes": size, "has_index": source.found is not None,
             "seconds": round(time.monotonic() - started, 1)}]


def _print(source: Opened, wishes: Wishes) -> None:
    """Give one file, or one table, to who reads our output."""
    if process.conduct.dry_run:
        output.say(f"would print {wishes.table or wishes.file} of {source.archive.path.name}")
        return
    if wishes.table:
        extracting_table.table(source, wishes.table, output.write)
    else:
        chosen = extracting.choose(source, wishes.file)
        goals = extracting.goals(source, chosen)
        if len(goals) > 1:
            raise UsageError(f"DEST=-: {wishes.file} is {len(goals)} files: {damage.names(map(os.fsdecode, goals))}; "
                             "it takes one")
        _conclude(source, extracting.take_out(source, chosen, _Output()))


class _Output:
    """Where a single file goes with DEST=-."""

    def put(self, path: bytes, info: tarfile.TarInfo, content: Callable[[], IO[bytes]], sha256: str = "") -> str:
        if not info.isreg():
            raise UsageError(f"DEST=-: {os.fsdecode(path)} is no file")
        whole, reader = hashlib.sha256(), content()
        while data := reader.read(CHUNK):
            whole.update(data)
            output.write(data)
        if sha256 and whole.hexdigest() != sha256:
            raise ArchiveError(f"{os.fsdecode(path)} is not what was packed")
        return whole.hexdigest()

    def link(self, path: bytes, first: bytes) -> None:
        raise UsageError(f"DEST=-: {os.fsdecode(path)} is a second name of {os.fsdecode(first)}")

    def finish(self) -> None:
        """A file that was printed has no mode."""
