"""Writes, reads back and names one archive of a site.

Files and database are read side by side, what the archive before holds already is taken from there, the rest is packed
on all cores, all is written as .partial, read back from the disk, and only then given a name that counts.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.errors import ArchiveError, BusyError, RefusedError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.present import output, progress
from scripts.registry import locks
from scripts.registry.locks import Lock
from scripts.steps import collect, dumping, location, mods_state, own_folders
from scripts.steps.collect import Collected
from scripts.steps.dumping import DumpedPieces
from scripts.steps.site import Site
from scripts.store import archive, checksums, committing, damage, index, write
from scripts.store.archive import BACKUP, SAFETY, Archive, Record
from scripts.store.committing import Pending
from scripts.store.manifest import Manifest, Table
from scripts.store.packing import Packer
from scripts.store.previous import Previous
from scripts.store.row import Counts
from scripts.store.write import Contents, Packed


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for beyond the env file; None leaves it to the env file, then to the settings."""

    keep: int | None = None
    exclude: tuple[str, ...] = ()
    compress: str | None = None
    no_index: bool = False
    kind: str = BACKUP


@dataclass(frozen=True)
class Made:
    """An archive that counts, and what became of its bytes: taken from the one before, or packed.

    emptied are folders that held something in the one before: an older archive may be all there is of that.
    """

    archive: Archive
    counts: Counts
    emptied: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Written:
    """A partial archive, and what there is to say of it."""

    collected: Collected
    dumped: DumpedPieces
    packed: Packed


def make_archive(found: Site, folder: Path, wishes: Wishes) -> Made | None:
    """Write, read back and name one archive of a site; None in a dry run. folder is an empty scratch folder."""
    instance = found.instance
    own_folders.refuse(instance, [part.path for part in collect.parts_of(found)])
    place = archive.folder(instance.settings, instance.name)
    packed_as = wishes.compress or instance.compress or instance.settings.compress
    if process.conduct.dry_run:
        _tell_plan(found, wishes, place)
        return None
    MANAGER.make_folder(str(place), 0o700)
    final = _free_name(place, instance.name, packed_as)
    for name in committing.clear_leftovers(place):
        output.say(f"{instance.name}: removed {name}, left by a run that was ended")
    archives = archive.of_instance(instance.settings, instance.name)
    with _previous(found, archives, packed_as) as previous:
        collect.require_room(found, place, folder, archives[0].size_bytes if archives else None)
        pending = Pending(final, packed_as)
        whole = _read_whole(found, previous)
        written = _write(found, folder, wishes, pending, previous, whole)
    _tell(found, written, previous)
    record = _record(found, wishes, written)
    committing.commit(pending, record, written.packed.read_back)
    return Made(archive.read(final), written.packed.counts, tuple(written.packed.emptied))


@contextmanager
def _previous(found: Site, archives: list[Archive], packed_as: str) -> Iterator[Previous | None]:
    """Lend the newest archive that segments can be taken from, if any; retention leaves it alone meanwhile."""
    with ExitStack() as held:
        indexed = (one for one in archives if one.packed == packed_as and index.beside(one.path).exists())
        yield next(filter(None, (_opened(found, one, held) for one in indexed)), None)


def _opened(found: Site, one: Archive, held: ExitStack) -> Previous | None:
    instance = found.instance
    try:
        with ExitStack() as holding:
            holding.enter_context(locks.hold(instance.settings, [Lock(one.path.name, exclusive=False)], "backup"))
            previous = holding.enter_context(Previous(one.path))
            if previous.index.header.top != instance.name:
                return None
            held.push(holding.pop_all())
            return previous
    except BusyError:
        return None     # it is being removed
    except ArchiveError as fault:
        output.warn(f"{instance.name}: {fault}. Nothing is taken from that archive; this backup takes longer for it")
        return None


def _read_whole(found: Site, previous: Previous | None) -> str:
    """Return when all of the site was read for the last time; empty when it is time to do so again."""
    moment = previous.index.header.read_whole if previous else ""
    days = timedelta(days=found.instance.settings.full_read_days)
    is_due = not moment or not timedelta() <= datetime.now(UTC) - datetime.fromisoformat(moment) < days
    return "" if is_due else moment


def _tell(found: Site, written: _Written, previous: Previous | None) -> None:
    """Say what went otherwise than it should."""
    name, packed = found.instance.name, written.packed
    if packed.damaged:
        place = previous.path.name
        output.warn(f"{name}: {packed.damaged} of the {previous.index.totals.segments} segments of {place} are damaged "
                    f"and were packed anew from the site. Next: look at the disk; make prove INSTANCE={name} "
                    f"ARCHIVE={place}")
    for warning in _warnings(written):
        output.warn(f"{name}: {warning}")


def _warnings(written: _Written) -> list[str]:
    meanwhile = written.packed.meanwhile
    torn = f"{damage.names(meanwhile.torn)} changed while it was read; this archive may hold half of it. It is whole " \
           "in the next one if it stands still then"
    return [*written.collected.warnings, *(f"{name} vanished while it was packed" for name in meanwhile.vanished),
            *([torn] if meanwhile.torn else []),
            *(f"{folder} is empty, and was not in the archive before: is a disk not mounted there? No older archive is "
              "dropped this time" for folder in written.packed.emptied)]


def _record(found: Site, wishes: Wishes, written: _Written) -> Record:
    now, packed = archive.now(), written.packed
    return Record(wishes.kind, now, str(found.probe.version), verified=now, content_bytes=packed.stream_bytes,
                  warnings=len(_warnings(written)), dumped=written.dumped.moment.isoformat(timespec="seconds"),
                  read_whole=packed.read_whole)


def before(found: Site, folder: Path) -> str:
    """Archive what is there before it is changed, and return the archive's name; folder is a scratch folder.

    Raises RefusedError when none could be made; in a dry run there is none, and the name is empty.
    """
    place = folder / "safety"
    MANAGER.make_folder(str(place), 0o700)
    made = make_archive(found, place, Wishes(kind=SAFETY))
    if made:
        output.say(f"{found.instance.name}: what was there is in {made.archive.path.name}")
        return made.archive.path.name
    if process.conduct.dry_run:
        return ""
    raise RefusedError(f"{found.instance.name}: no archive of it could be made. Nothing was changed")


def _tell_plan(found: Site, wishes: Wishes, place: Path) -> None:
    """Say what a backup would take, from what is there now."""
    for tree in collect.trees(found, wishes.exclude).trees:
        output.say(f"would: pack {tree.part.path}")
    output.say(f"would: dump database {found.account.name}, {len(found.tables)} tables, "
               f"{output.size(found.database_bytes)}")
    output.say(f"would: write and verify an archive in {place}, then drop what retention gives up")


def _write(found: Site, folder: Path, wishes: Wishes, pending: Pending, previous: Previous | None,
           whole: str) -> _Written:
    """Read files and database side by side into one partial archive."""
    instance, top = found.instance, folder / found.instance.name
    MANAGER.make_folder(str(top), 0o700)
    # What the previous archive held is the best guess of what there is to pack, for the time left.
    expected = previous.index.totals.stream_bytes if previous else None
    started = datetime.now(UTC)
    dumped: Future[DumpedPieces] = Future()
    collected: list[Collected] = []

    def dump() -> None:
        try:
            dumped.set_result(dumping.dump_through(packer, found, wishes.no_index or instance.no_index,
                                                   is_read_anew=not whole))
        except BaseException as fault:
            dumped.set_exception(fault)
            raise

    def pack() -> Packed:
        files = collect.trees(found, wishes.exclude)
        outside = collect.external_files(found, top)
        collected.append(Collected(files.trees, outside.external, files.warnings + outside.warnings))

        def describe(packed: Packed) -> bytes:
            return _describe(found, wishes, started, dumped.result(), collected[0], packed, top)

        contents = Contents(instance.name, tuple(files.trees), tuple(outside.external), folder, dumped, describe)
        with progress.moving(instance.name, expected) as on_bytes:
            return write.write(pending, contents, packer, whole, on_bytes)

    try:
        with Packer(pending.packed_as, folder, previous, unpacks_all=not whole) as packer:
            _, packed = process.side_by_side(dump, pack)
    except BaseException:
        committing.drop(pending)
        raise
    return _Written(collected[0], dumped.result(), packed)


def _describe(found: Site, wishes: Wishes, started: datetime, dumped: DumpedPieces, collected: Collected,
              packed: Packed, top: Path) -> bytes:
    """Return the text of our manifest."""
    instance, client = found.instance, found.client
    charset, collation = client.charset_and_collation()
    return Manifest(
        instance=instance.name, kind=wishes.kind, started=started.isoformat(timespec="seconds"),
        dumped=dumped.moment.isoformat(timespec="seconds"), web_root=instance.web_root, web_url=instance.web_url,
        site=instance.site, tiki_version=str(found.probe.version), tiki_branch=found.probe.branch,
        php_version=found.probe.php_version,
        database={"name": found.account.name, "server": client.server_version(), "address": list(found.account.server),
                  **location.of_database(found), "charset": charset,
                  "collation": collation, "consistency": dumped.consistency, "tables_left_out": list(dumped.left_out)},
        parts=tuple(tree.part for tree in collected.trees) + tuple(collected.external),
        tables={name: Table(table.rows, table.digest) for name, table in dumped.tables.items()},
        files=packed.files, stream_bytes=packed.stream_bytes, dump_bytes=dumped.size_bytes,
        list_sha256=checksums.of_file(top / checksums.LIST_NAME),
        left_out=(*collect.always_left_out(instance.settings), *instance.exclude, *wishes.exclude),
        warnings=tuple(collected.warnings), made_by="TRIM", extra=mods_state.for_archive(instance),
    ).text()


def _free_name(place: Path, name: str, packed_as: str) -> Path:
    """Return the path of a new archive; two runs in one second get two names."""
    while True:
        path = place / f"{name}_{datetime.now().strftime(archive.STAMP)}.tar.{packed_as}"
        if not path.exists():
            return path
        time.sleep(0.2)
