"""Which archives to keep. Decides only; removing is archive.remove's business."""

from collections.abc import Collection
from datetime import datetime, timedelta

from scripts.store.archive import Archive

ALL_DAYS = 7        # TRIM's rule: everything this long,
SUNDAY_DAYS = 31    # Sundays this long, firsts of a month for ever
SUNDAY = 6


def to_drop(archives: Collection[Archive], keep: int | None, now: datetime,
            mirror_delays: Collection[timedelta] = (), held_names: Collection[str] = ()) -> list[Archive]:
    """Return the archives to remove, oldest first.

    Never one without a record (not ours), never the newest backup, never one of held_names, never one that a mirror
    still needs: the newest that is older than its delay, and all younger ones, which will be that one day.
    """
    ours = sorted((archive for archive in archives if archive.record), key=lambda one: one.moment, reverse=True)
    backups = [archive for archive in ours if not archive.is_safety]
    held = {*backups[:1], *(archive for archive in ours if archive.path.name in held_names)}
    for delay in mirror_delays:
        held.update(_needed_by_mirror(backups, now - delay))
    if keep:
        held.update(backups[:keep], [archive for archive in ours if archive.is_safety][:keep])
    else:
        held.update(archive for archive in ours if _kept_by_rule(archive, now))
    return sorted((archive for archive in ours if archive not in held), key=lambda one: one.moment)


def _kept_by_rule(archive: Archive, now: datetime) -> bool:
    age = now - archive.moment
    day = archive.moment.astimezone()  # the calendar is the administrator's, not Greenwich's
    return (day.day == 1 or age <= timedelta(days=ALL_DAYS)
            or (day.weekday() == SUNDAY and age <= timedelta(days=SUNDAY_DAYS)))


def _needed_by_mirror(backups: list[Archive], wanted: datetime) -> list[Archive]:
    younger = [archive for archive in backups if archive.moment > wanted]
    return [*younger, *backups[len(younger):len(younger) + 1]]
