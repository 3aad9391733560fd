"""Which archive a mirror shows, night after night: month ends, leap days, clock changes, and rows that have holes."""

import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from scripts.registry.instance import DAYS_IN
from scripts.store import archive, choosing, retention
from scripts.store.archive import Archive, Record

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
MONTH = timedelta(days=DAYS_IN["m"])
DELAYS = (DAY, WEEK, MONTH)
BERLIN = ZoneInfo("Europe/Berlin")
BEGIN, END = date(2027, 6, 1), date(2029, 6, 1)  # with the 29th of February 2028 and four clock changes
BACKUP, TAKES = time(2, 30), timedelta(minutes=20)
MIRROR_RUNS = (time(5, 30), time(12), time(23, 45), time(2))  # the last one in the next night, before its backup
NOW = datetime(2028, 3, 8, 4, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("berlin")


def made(shows: datetime, kind: str = "backup", verified: bool = True, ours: bool = True, tells: bool = True
         ) -> Archive:
    """Return an archive of a dump that was made at this moment; it was finished a while later."""
    finished = (shows + TAKES).isoformat()
    record = Record(kind, finished, "24.4", verified=finished if verified else "",
                    dumped=shows.isoformat() if tells else "")
    stamp = f"{shows.astimezone(BERLIN):%Y-%m-%d_%H-%M-%S}"
    return Archive(Path(f"/archives/prod/prod_{stamp}.tar.bz2"), "prod", stamp, "bz2", record if ours else None)


def at(day: date, clock: time) -> datetime:
    """Return a moment of Berlin's clock; one in the hour that a spring day lacks is an hour later, as for cron."""
    return datetime.combine(day, clock, BERLIN).astimezone(UTC)


def days(begin: date = BEGIN, end: date = END) -> Iterator[date]:
    yield from (begin + number * DAY for number in range((end - begin).days))


def drop(left: list[Archive], keep: int | None, delays: Collection[timedelta]) -> list[Archive]:
    """Return what retention leaves once the newest is finished."""
    dropped = retention.to_drop(left, keep, max(one.moment for one in left), delays)
    return [one for one in left if one not in dropped]


def the_best(all_made: list[datetime], wanted: datetime) -> datetime | None:
    """Return what a mirror would show if nothing were ever dropped; all_made is in order."""
    return next((moment for moment in reversed(all_made) if moment <= wanted), None)


def is_near(shown: datetime, delay: timedelta, now: datetime, left: list[Archive]) -> bool:
    return now - delay - shown <= choosing.tolerated(delay, left)


# Two years of nights

@pytest.mark.parametrize("keep", [None, 1, 5])
def test_for_two_years_each_mirror_shows_the_newest_that_is_old_enough(keep):
    all_made: list[datetime] = []
    left: list[Archive] = []
    looked = 0
    for day in days():
        all_made.append(at(day, BACKUP))
        left = drop([*left, made(all_made[-1])], keep, DELAYS)
        for clock in MIRROR_RUNS:
            now = at(day + DAY if clock < BACKUP else day, clock)
            for delay in DELAYS:
                best = the_best(all_made[-40:], now - delay)
                chosen = choosing.newest_before(left, now - delay)
                assert (chosen and chosen.shows) == best, (day, clock, delay)
                if best:
                    assert is_near(best, delay, now, left), (day, clock, delay)
                    looked += 1
    assert looked > 8600


@pytest.mark.parametrize(("now", "delay", "shown"), [
    (datetime(2028, 3, 31, 5, 30), MONTH, datetime(2028, 2, 29, 2, 30)),       # 31 days before: the leap day
    (datetime(2028, 3, 1, 5, 30), DAY, datetime(2028, 2, 29, 2, 30)),
    (datetime(2028, 3, 7, 5, 30), WEEK, datetime(2028, 2, 29, 2, 30)),
    (datetime(2029, 3, 1, 5, 30), DAY, datetime(2029, 2, 28, 2, 30)),
    (datetime(2029, 3, 31, 5, 30), MONTH, datetime(2029, 2, 28, 2, 30)),       # an hour less: 04:30 is asked for
    (datetime(2028, 1, 31, 5, 30), MONTH, datetime(2027, 12, 31, 2, 30)),
    (datetime(2028, 3, 26, 5, 30), DAY, datetime(2028, 3, 25, 2, 30)),         # a day of 23 hours: 04:30 is asked for
    (datetime(2028, 3, 27, 3, 15), DAY, datetime(2028, 3, 25, 2, 30)),         # the backup of 03:30 is younger
    (datetime(2028, 3, 27, 3, 30), DAY, datetime(2028, 3, 26, 3, 30)),
    (datetime(2028, 10, 29, 1, 45), DAY, datetime(2028, 10, 27, 2, 30)),
    (datetime(2028, 10, 30, 2, 30), DAY, datetime(2028, 10, 29, 2, 30)),       # 25 hours ago
    (datetime(2028, 10, 30, 1, 45), DAY, datetime(2028, 10, 29, 2, 30)),       # 24:15 hours ago, by the earlier 02:30
    (datetime(2028, 10, 30, 1, 15), DAY, datetime(2028, 10, 28, 2, 30)),       # 23:45 hours ago
])
def test_days_that_are_easily_got_wrong(now, delay, shown):
    left: list[Archive] = []
    moment = now.replace(tzinfo=BERLIN).astimezone(UTC)
    for day in days(end=now.date() + DAY):
        if at(day, BACKUP) <= moment:
            left = drop([*left, made(at(day, BACKUP))], None, DELAYS)
    # In UTC: Python calls two moments unequal when one of them is in an hour that comes twice.
    assert choosing.newest_before(left, moment - delay).shows == shown.replace(tzinfo=BERLIN).astimezone(UTC)


# Rows with holes

def irregular(seed: int) -> Iterator[datetime]:
    """Yield moments of backups by a person's whim: bursts, nights, and holes of days."""
    chance, moment = random.Random(seed), at(BEGIN, BACKUP)
    while moment < at(date(2028, 6, 1), BACKUP):
        yield moment
        moment += chance.choice([25 * timedelta(minutes=1), 3 * HOUR, DAY, DAY, DAY, 2.7 * DAY, 9 * DAY])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("keep", [None, 2])
def test_of_irregular_backups_none_that_a_mirror_needs_is_dropped(seed, keep):
    all_made: list[datetime] = []
    left: list[Archive] = []
    moments = list(irregular(seed))
    for moment, following in zip(moments, moments[1:]):
        all_made.append(moment)
        left = drop([*left, made(moment)], keep, DELAYS)
        for now in (moment + TAKES, moment + (following - moment) / 2, following):
            for delay in DELAYS:
                chosen = choosing.newest_before(left, now - delay)
                assert (chosen and chosen.shows) == the_best(all_made, now - delay)


@pytest.mark.parametrize("delay", DELAYS)
def test_a_mirror_that_came_late_shows_nothing_newer_and_is_right_after_its_delay(delay):
    left: list[Archive] = []
    begun = date(2028, 2, 14)
    for day in days(end=date(2028, 5, 1)):
        left = drop([*left, made(at(day, BACKUP))], None, [delay] if day >= begun else [])
        if day < begun:
            continue
        now = at(day, time(5, 30))
        chosen = choosing.newest_before(left, now - delay)
        assert chosen.shows <= now - delay
        assert not any(chosen.shows < one.shows <= now - delay for one in left)
        near = is_near(chosen.shows, delay, now, left)
        if day > begun + delay:
            assert near, day
        elif delay == MONTH and day == begun:
            assert not near  # only the 1st of January is left


# How far backups are apart

def row(*ages: timedelta) -> list[Archive]:
    return [made(NOW - age) for age in ages]


@pytest.mark.parametrize(("ages", "expected"), [
    ([], DAY),
    ([HOUR], DAY),                                                          # one alone tells nothing
    ([HOUR, 3 * HOUR], 2 * HOUR),
    ([number * DAY for number in range(8)], DAY),
    ([number * HOUR for number in range(200)], HOUR),
    ([number * WEEK for number in range(5)], WEEK),                         # fewer than three in the last week
    ([number * DAY for number in range(8) if number != 3], DAY),            # a night was missed
    ([*(number * HOUR / 4 for number in range(9)), *(number * DAY for number in range(1, 8))], DAY),  # an afternoon
    ([*(number * DAY for number in range(8)), 13 * DAY, 20 * DAY, 48 * DAY], DAY),  # Sundays and firsts beyond
])
def test_the_interval_is_that_of_the_last_week(ages, expected):
    assert choosing.interval(row(*ages)) == expected


def test_a_tenth_of_the_delay_and_one_interval_are_tolerated():
    assert choosing.tolerated(WEEK, row(*(number * DAY for number in range(8)))) == timedelta(days=1.7)


# What a mirror may take

@pytest.mark.parametrize("unfit", [{"kind": "safety"}, {"verified": False}, {"ours": False}])
def test_a_mirror_passes_over_what_may_not_be_right(unfit):
    good, other = made(NOW - 3 * DAY), made(NOW - 2 * DAY, **unfit)
    assert choosing.newest_before([other, good], NOW - DAY) == good
    assert choosing.newest_before([other], NOW - DAY) is None
    assert choosing.oldest([other]) is None


@pytest.mark.parametrize(("tells", "is_taken"), [(True, True), (False, False)])
def test_what_counts_is_what_it_shows_and_where_that_is_not_known_when_it_was_finished(tells, is_taken):
    one = made(NOW - DAY, tells=tells)
    assert (choosing.newest_before([one], NOW - DAY) is not None) is is_taken


def test_a_moment_without_a_time_zone_makes_no_record(tmp_path, archived: Callable[..., Archive]):
    one = archived(NOW)
    archive.write_record(one.path, replace(one.record, dumped="2028-03-08T02:30:00"))
    assert archive.read(one.path).record is None
