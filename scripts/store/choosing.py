"""Which archive shows what a site was some time ago, and how far off it may be. Decides only.

What counts is the moment that an archive's content shows. A mirror takes what is old enough, never what is newer.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from scripts.store.archive import Archive
from scripts.store.retention import ALL_DAYS

TOLERATED_PART = 0.1    # of the delay, and one interval of the backups besides
USUAL_INTERVAL = timedelta(days=1)
LEAST_ROW = 3           # archives that make a row, where the last week has fewer


def newest_before(archives: Collection[Archive], moment: datetime) -> Archive | None:
    """Return the newest backup that shows moment or what was before it; None when there is none.

    Only one with a record that says it was verified: neither what was taken for safety nor what is not ours.
    """
    return next((one for one in _backups(archives) if one.shows <= moment), None)


def oldest(archives: Collection[Archive]) -> Archive | None:
    """Return the oldest backup that a mirror could take one day."""
    return next(reversed(_backups(archives)), None)


def tolerated(delay: timedelta, archives: Collection[Archive]) -> timedelta:
    """Return by how much what is shown may be older than the delay says."""
    return delay * TOLERATED_PART + interval(archives)


def interval(archives: Collection[Archive]) -> timedelta:
    """Return how far apart backups are made: half of the time passes between two that are at most this far apart.

    Taken from the last week, of which retention keeps all, or from the last three. By time, not by number: some that
    are made by hand in one afternoon do not turn nights into hours. Where there are not two: a day.
    """
    row = [one.shows for one in _backups(archives)]
    of_a_week = [moment for moment in row if row[0] - moment <= timedelta(days=ALL_DAYS)]
    row = of_a_week if len(of_a_week) >= LEAST_ROW else row[:LEAST_ROW]
    distances = sorted(later - earlier for later, earlier in zip(row, row[1:]))
    passed, all_of_it = timedelta(), sum(distances, timedelta())
    for distance in distances:
        passed += distance
        if passed * 2 >= all_of_it:
            return distance
    return USUAL_INTERVAL


def _backups(archives: Collection[Archive]) -> list[Archive]:
    """Return what a mirror may take, newest first."""
    good = [one for one in archives if one.record and one.record.verified and not one.is_safety]
    return sorted(good, key=lambda one: one.shows, reverse=True)
