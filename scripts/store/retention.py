"""Which archives to keep. Decides only; removing is archive.remove's business."""

from collections.abc import Collection
from datetime import datetime, timedelta

from scripts.store.archive import Archive

ALL_DAYS = 7        # TRIM's rule: everything this long,
SUNDAY_DAYS = 31    # Sundays this long, firsts of a month for ever
SUNDAY = 6
LEAP = timedelta(days=60)   # between two nights: rather a clock that is wrong than a site that nobody backed up


def to_drop(archives: Collection[Archive], keep: int | None, now: datetime,
            mirror_delays: Collection[timedelta] = (), held_names: Collection[str] = ()) -> list[Archive]:
    """Return the archives to remove, oldest first.

    Never one without a record (not ours), never the newest backup, never one of held_names, never one that a mirror
    still needs: the newest that is older than its delay, and all younger ones, which will be that one day. One that is
    ahead of now stays, and takes no other's place.
    """
    ours = _ours(archives, now)
    backups = [archive for archive in ours if not archive.is_safety]
    held = {*backups[:1], *(archive for archive in ours if archive.path.name in held_names)}
    for delay in mirror_delays:
        held.update(_needed_by_mirror(backups, now - delay))
    if keep:
        held.update(backups[:keep], [archive for archive in ours if archive.is_safety][:keep])
    else:
        held.update(archive for archive in ours if _kept_by_rule(archive, now))
    return sorted((archive for archive in ours if archive not in held), key=lambda one: one.moment)


def leaps(archives: Collection[Archive], now: datetime) -> bool:
    """Whether time leapt between the two newest backups, so that the age of all but one is not to be relied on."""
    moments = [one.moment for one in _ours(archives, now) if not one.is_safety]
    return len(moments) > 1 and moments[0] - moments[1] > LEAP


def _ours(archives: Collection[Archive], now: datetime) -> list[Archive]:
    """Return those that have a record and are not ahead of now, newest first."""
    return sorted((archive for archive in archives if archive.record and not archive.is_ahead(now)),
                  key=lambda one: one.moment, reverse=True)


def _kept_by_rule(archive: Archive, now: datetime) -> bool:
    age = now - archive.moment
    day = archive.moment.astimezone()  # the calendar is the administrator's, not Greenwich's
    return (day.day == 1 or age <= timedelta(days=ALL_DAYS)
            or (day.weekday() == SUNDAY and age <= timedelta(days=SUNDAY_DAYS)))


def _needed_by_mirror(backups: list[Archive], wanted: datetime) -> list[Archive]:
    younger = [archive for archive in backups if archive.moment > wanted]
    return [*younger, *backups[len(younger):len(younger) + 1]]
