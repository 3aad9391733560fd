"""Writes, reads back and names one archive of a site.

Files and database are read side by side, packed on all cores, written as .partial, read back from the disk, and only
then given a name that counts.
"""

import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.errors import RefusedError
from scripts.hosts import process
from scripts.hosts.host import MANAGER
from scripts.present import output, progress
from scripts.steps import collect, dumping, mods_state
from scripts.steps.collect import Collected
from scripts.steps.dumping import Dumped
from scripts.steps.site import Site
from scripts.store import archive, checksums, manifest, write
from scripts.store.archive import BACKUP, SAFETY, Archive, Record
from scripts.store.manifest import Manifest, Table
from scripts.store.pack import Packed
from scripts.store.write import Contents


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for beyond the env file; None leaves it to the env file, then to the settings."""

    keep: int | None = None
    exclude: tuple[str, ...] = ()
    compress: str | None = None
    no_index: bool = False
    kind: str = BACKUP


def make_archive(found: Site, folder: Path, wishes: Wishes) -> Archive | None:
    """Write, read back and name one archive of a site; None in a dry run. folder is an empty scratch folder."""
    instance = found.instance
    place = archive.folder(instance.settings, instance.name)
    packed_as = wishes.compress or instance.compress or instance.settings.compress
    if process.conduct.dry_run:
        _tell_plan(found, wishes, place)
        return None
    MANAGER.make_folder(str(place), 0o700)
    final = _free_name(place, instance.name, packed_as)
    for name in write.clear_leftovers(place):
        output.say(f"{instance.name}: removed {name}, left by a run that was ended")
    last = next(iter(archive.of_instance(instance.settings, instance.name)), None)
    collect.require_room(found, place, folder, last.size_bytes if last else None)
    partial = archive.companion(final, archive.PARTIAL)
    collected, dumped, packed = _write(found, folder, wishes, partial, packed_as, last)
    warnings = [*collected.warnings, *(f"{name} vanished while it was packed" for name in packed.vanished)]
    for warning in warnings:
        output.warn(f"{instance.name}: {warning}")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    record = Record(wishes.kind, now, str(found.probe.version), verified=now, content_bytes=packed.stream_bytes,
                    warnings=len(warnings), dumped=dumped.moment.isoformat(timespec="seconds"))
    write.commit(partial, final, packed_as, packed.stream_sha256, record)
    return archive.read(final)


def before(found: Site, folder: Path) -> str:
    """Archive what is there before it is changed, and return the archive's name; folder is a scratch folder.

    Raises RefusedError when none could be made; in a dry run there is none, and the name is empty.
    """
    place = folder / "safety"
    MANAGER.make_folder(str(place), 0o700)
    made = make_archive(found, place, Wishes(kind=SAFETY))
    if made:
        output.say(f"{found.instance.name}: what was there is in {made.path.name}")
        return made.path.name
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


def _write(found: Site, folder: Path, wishes: Wishes, partial: Path,
           packed_as: str,
           last: Archive | None) -> tuple[Collected, Dumped, Packed]:
    """Read files and database side by side into one partial archive."""
    instance, top = found.instance, folder / found.instance.name
    MANAGER.make_folder(str(top), 0o700)
    # What the last archive held is the best guess of what there is to pack, for the time left.
    expected = last.record.content_bytes if last and last.record else None
    started = datetime.now(UTC)
    dumped: Future[Dumped] = Future()
    collected: list[Collected] = []

    def dump() -> None:
        try:
            dumped.set_result(dumping.dump_into(top / manifest.DUMP_NAME, found, wishes.no_index or instance.no_index))
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
            return write.write(partial, packed_as, contents, on_bytes)

    try:
        _, packed = process.side_by_side(dump, pack)
    except BaseException:
        MANAGER.remove(str(partial))
        raise
    return collected[0], dumped.result(), packed


def _describe(found: Site, wishes: Wishes, started: datetime, dumped: Dumped, collected: Collected, packed: Packed,
              top: Path) -> bytes:
    """Return the text of our manifest."""
    instance, client = found.instance, found.client
    charset, collation = client.charset_and_collation()
    return Manifest(
        instance=instance.name, kind=wishes.kind, started=started.isoformat(timespec="seconds"),
        dumped=dumped.moment.isoformat(timespec="seconds"), web_root=instance.web_root, web_url=instance.web_url,
        site=instance.site, tiki_version=str(found.probe.version), tiki_branch=found.probe.branch,
        php_version=found.probe.php_version,
        database={"name": found.account.name, "server": client.server_version(), "address": list(found.account.server),
                  "charset": charset,
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
