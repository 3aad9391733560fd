"""make backup: one verified archive of a whole instance.

Files and database are read side by side, packed on all cores, written as .partial, read back from the disk,
and only then given a name that counts. Older archives are dropped after that, never before.
"""

import time
from datetime import UTC, datetime

from scripts.errors import BusyError, RefusedError, RegistryError, UsageError
from scripts.present import output
from scripts.registry import locks, registry
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.steps import restoring, site, way_back
from scripts.steps.archiving import Wishes, make_archive
from scripts.steps.scratch import scratch
from scripts.steps.site import Site
from scripts.store import archive, retention
from scripts.store.archive import BACKUP
from scripts.store.row import Counts
from scripts.tiki import probe

__all__ = ["Wishes", "backup", "drop_old"]


def backup(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Make an archive of the instance and return what is to be told of it; None in a dry run."""
    started = time.monotonic()
    restoring.refuse_half_restored(instance)
    if _is_still_blank(instance):
        output.say(f"{instance.name}: is a blank: there is nothing to back up yet")
        return None
    with site.opened(instance) as found, scratch(instance) as folder:
        _refuse_no_tiki(found)
        made = make_archive(found, folder, wishes)
    if made is None:
        return None
    dropped = [] if wishes.kind != BACKUP or made.emptied else drop_old(instance, wishes.keep, made.archive.path.name)
    seconds = time.monotonic() - started
    one, counts = made.archive, made.counts
    output.say(f"{instance.name}: {one.path.name}, {output.size(one.size_bytes)}, verified, "
               f"in {output.duration(seconds)}{_told(counts)}" + (f"; {len(dropped)} older dropped" if dropped else ""))
    return {"instance": instance.name, "archive": one.path.name, "path": str(one.path),
            "size_bytes": one.size_bytes, "seconds": round(seconds, 1), "verified": True, "dropped": dropped,
            "warnings": one.record.warnings, "bytes_copied": counts.bytes_copied, "bytes_packed": counts.bytes_packed,
            "segments_copied": counts.segments_copied, "segments_packed": counts.segments_packed}


def _refuse_no_tiki(found: Site) -> None:
    """Raise RefusedError for a database that holds no Tiki: its backup would look good, and older ones would go."""
    if found.holds_tiki:
        return
    name = found.instance.name
    raise RefusedError(f"{name}: its database {found.account.name} holds no whole Tiki: groups, users or "
                       "preferences are missing, and its backup would be worth nothing. No archive was made, and none "
                       f"dropped. Next: make archives INSTANCE={name}, then make restore INSTANCE={name} ARCHIVE=...")


def _told(counts: Counts) -> str:
    """Return what was taken from the archive before, as a part of a sentence."""
    if not counts.segments_copied:
        return ""
    return (f"; {output.size(counts.bytes_copied)} copied from the one before, {output.size(counts.bytes_packed)} "
            f"packed ({counts.segments_packed} of {counts.segments_copied + counts.segments_packed} segments)")


def _is_still_blank(instance: Instance) -> bool:
    """Whether a registered blank was never filled; a site that lost its files is no blank: its database has tables."""
    if not instance.db_name or archive.of_instance(instance.settings, instance.name) \
            or probe.look(instance).state not in ("empty", "missing"):
        return False
    with site.opened_target(instance) as found:
        return found.is_blank


def drop_old(instance: Instance, keep: int | None, made: str = "") -> list[str]:
    """Remove the archives that retention gives up, never the one that was just made. Return their names.

    One that is being read stays; so do all where this machine's clock cannot be relied on.
    """
    settings = instance.settings
    try:
        others = [registry.load(settings, name) for name in registry.may_have(settings, "MIRROR_OF")]
    except (RegistryError, UsageError, OSError) as fault:
        output.warn(f"{instance.name}: no older archive is dropped, because nobody can tell whether a mirror needs it: "
                    f"{fault}")
        return []
    delays = [one.mirror_distance for one in others if one.mirror_of == instance.name and one.mirror_distance]
    kept, held = keep or instance.keep or settings.keep, {*way_back.archives(instance), made}
    archives, now = archive.of_instance(settings, instance.name), datetime.now(UTC)
    if ahead := [one for one in archives if one.is_ahead(now)]:
        output.warn(f"{instance.name}: {ahead[0].path.name} is of a time to come: a clock was wrong when it was made, "
                    "or is now. It stays, and counts for nothing until then")
    if not kept and retention.leaps(archives, now):
        output.warn(f"{instance.name}: the backup before this one is more than {retention.LEAP.days} days older, so no "
                    "archive is dropped for its age this time. Next: date, whether this machine's clock is right")
        return []
    dropped = []
    for old in retention.to_drop(archives, kept, now, delays, held):
        try:
            with locks.hold(settings, [Lock(old.path.name, exclusive=True)], "backup"):
                archive.remove(old)
                dropped.append(old.path.name)
        except BusyError:
            output.say(f"{instance.name}: {old.path.name} is due to go, but is being read")
    return dropped
