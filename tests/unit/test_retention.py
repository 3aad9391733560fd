"""Which archives are kept: TRIM's rule over months, KEEP, mirrors, and what is never dropped."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.store import retention
from scripts.store.archive import Archive, Record

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
DAY, WEEK, MONTH = timedelta(days=1), timedelta(days=7), timedelta(days=31)


def made(moment: datetime, kind: str = "backup", ours: bool = True) -> Archive:
    stamp = f"{moment:%Y-%m-%d_%H-%M-%S}"
    record = Record(kind, moment.isoformat(), "24.4") if ours else None
    return Archive(Path(f"/archives/blog/blog_{stamp}_{kind}.tar.bz2"), "blog", stamp, "bz2", record)


def night_after_night(nights: int, keep: int | None = None, mirror_delays=()) -> tuple[list[Archive], list[Archive]]:
    """Make an archive each night and drop what is to be dropped; return all that were made and all that are left."""
    all_made, left = [], []
    for night in range(nights):
        now = NOW + night * DAY
        all_made.append(made(now))
        left.append(all_made[-1])
        dropped = retention.to_drop(left, keep, now, mirror_delays)
        left = [one for one in left if one not in dropped]
    return all_made, left


def newest_before(archives: list[Archive], moment: datetime) -> Archive | None:
    return max((one for one in archives if one.moment <= moment), key=lambda one: one.moment, default=None)


def days(archives: list[Archive]) -> list[str]:
    return [f"{one.moment:%m-%d}" for one in archives]


# TRIM's rule

def test_after_months_of_nights_the_rule_leaves_a_week_the_sundays_and_the_firsts():
    # The last night is 2027-03-10, a Wednesday.
    assert days(night_after_night(110)[1]) == ["12-01", "01-01", "02-01", "02-07", "02-14", "02-21", "02-28", "03-01",
                                               "03-03", "03-04", "03-05", "03-06", "03-07", "03-08", "03-09", "03-10"]


@pytest.mark.parametrize(("age", "is_dropped"), [(WEEK, False), (WEEK + timedelta(seconds=1), True)])
def test_everything_is_kept_for_seven_days(age, is_dropped):
    newest, old = made(NOW), made(NOW - age)
    assert (old in retention.to_drop([newest, old], None, NOW)) is is_dropped


@pytest.mark.parametrize(("sunday", "is_dropped"), [(datetime(2026, 10, 25, 12, tzinfo=UTC), False),
                                                    (datetime(2026, 10, 18, 12, tzinfo=UTC), True)])
def test_sundays_are_kept_for_thirty_one_days(sunday, is_dropped):
    assert (made(sunday) in retention.to_drop([made(NOW), made(sunday)], None, NOW)) is is_dropped


def test_the_first_of_a_month_is_kept_for_years():
    assert retention.to_drop([made(NOW), made(datetime(2019, 3, 1, 2, tzinfo=UTC))], None, NOW) == []


@pytest.mark.parametrize(("moment", "is_dropped"), [
    (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), False),     # Sunday 00:30 in summer time, still Saturday in Greenwich
    (datetime(2026, 10, 25, 22, 30, tzinfo=UTC), False),     # Sunday 23:30 in winter time, a day of 25 hours
    (datetime(2026, 10, 25, 23, 30, tzinfo=UTC), True),      # Monday 00:30, still Sunday in Greenwich
    (datetime(2026, 10, 31, 23, 30, tzinfo=UTC), False),     # the first of November, 00:30
    (datetime(2026, 9, 30, 22, 30, tzinfo=UTC), False),      # the first of October, 00:30 in summer time
    (datetime(2026, 10, 1, 22, 30, tzinfo=UTC), True),       # the second of October, 00:30 in summer time
])
def test_days_are_those_of_the_administrator_s_calendar(berlin, moment, is_dropped):
    assert (made(moment) in retention.to_drop([made(NOW), made(moment)], None, NOW)) is is_dropped


@pytest.mark.parametrize(("moment", "is_dropped"), [(datetime(2026, 3, 28, 23, 30, tzinfo=UTC), False),  # Sunday 00:30
                                                    (datetime(2026, 3, 29, 21, 30, tzinfo=UTC), False),  # Sunday 23:30
                                                    (datetime(2026, 3, 29, 22, 30, tzinfo=UTC), True)])  # Monday 00:30
def test_the_sunday_of_23_hours_is_a_sunday_all_day(berlin, moment, is_dropped):
    now = datetime(2026, 4, 18, 2, 0, tzinfo=UTC)
    assert (made(moment) in retention.to_drop([made(now), made(moment)], None, now)) is is_dropped


# KEEP

def test_keep_counts_from_the_newest():
    nights = [made(NOW - number * DAY) for number in range(5)]
    assert retention.to_drop(nights, 2, NOW) == [nights[4], nights[3], nights[2]]


def test_keep_counts_safety_archives_apart():
    backups = [made(NOW - number * DAY) for number in range(3)]
    safeties = [made(NOW - number * DAY + timedelta(hours=1), "safety") for number in range(3)]
    assert retention.to_drop([*safeties, *backups], 1, NOW) == [backups[2], safeties[2], backups[1], safeties[1]]


def test_more_than_there_are_keeps_all():
    assert retention.to_drop([made(NOW - number * DAY) for number in range(5)], 9, NOW) == []


# Never

def test_the_only_backup_is_kept_however_old_it_is():
    assert retention.to_drop([made(NOW - 3000 * DAY)], None, NOW) == []


def test_the_newest_backup_is_kept_though_a_safety_archive_is_newer():
    old = made(NOW - 40 * DAY)
    assert retention.to_drop([old, made(NOW, "safety")], None, NOW) == []


def test_what_is_not_ours_is_never_dropped_and_never_counted():
    foreign = [made(NOW - number * DAY, ours=False) for number in range(400)]
    ours = [made(NOW - number * DAY - timedelta(hours=1)) for number in range(3)]
    assert retention.to_drop([*foreign, *ours], 2, NOW) == [ours[2]]


moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(times=st.lists(moments, unique=True, min_size=1), kinds=st.lists(st.sampled_from(["backup", "safety"])),
       keep=st.none() | st.integers(1, 5), now=moments,
       delays=st.lists(st.sampled_from([DAY, WEEK, MONTH]), max_size=2))
def test_the_newest_backup_is_never_dropped(times, kinds, keep, delays, now):
    archives = [made(time, kind) for time, kind in zip(times, [*kinds, *["backup"] * len(times)])]
    backups = [one for one in archives if not one.is_safety]
    newest = [max(backups, key=lambda one: one.moment)] if backups else []
    assert set(newest).isdisjoint(retention.to_drop(archives, keep, now, delays))


@given(times=st.lists(moments, unique=True, min_size=1), keep=st.none() | st.integers(1, 5), now=moments)
def test_dropping_once_more_drops_nothing_more(times, keep, now):
    archives = [made(time) for time in times]
    dropped = retention.to_drop(archives, keep, now)
    left = [one for one in archives if one not in dropped]
    assert retention.to_drop(left, keep, now) == []


# Mirrors

@pytest.mark.parametrize("delay", [DAY, WEEK, MONTH])
@pytest.mark.parametrize("keep", [1, None])
def test_a_mirror_always_finds_what_it_would_have_found_without_dropping(delay, keep):
    for nights in (1, 2, 8, 33, 40):
        all_made, left = night_after_night(nights, keep, [delay])
        for hours in (0, 6, 12, 23):
            wanted = NOW + (nights - 1) * DAY + timedelta(hours=hours) - delay
            assert newest_before(left, wanted) == newest_before(all_made, wanted)


def test_two_mirrors_both_find_theirs():
    all_made, left = night_after_night(50, 1, [DAY, MONTH])
    now = NOW + 49 * DAY
    assert all(newest_before(left, now - delay) == newest_before(all_made, now - delay) for delay in (DAY, MONTH))


def test_no_more_is_kept_for_a_mirror_than_it_will_need():
    assert len(night_after_night(50, 1, [WEEK])[1]) == 8


def test_a_safety_archive_is_nothing_for_a_mirror():
    backup, safety = made(NOW - 3 * DAY), made(NOW - 2 * DAY, "safety")
    newest = made(NOW)
    assert retention.to_drop([backup, safety, newest, made(NOW, "safety")], 1, NOW, [DAY]) == [safety]


# A clock that was wrong

@pytest.mark.parametrize("keep", [None, 1, 2])
def test_an_archive_of_a_time_to_come_stays_and_takes_no_other_s_place(keep):
    ahead, nights = [made(NOW + number * 365 * DAY) for number in (1, 2, 3)], [made(NOW - n * DAY) for n in (0, 1, 8)]
    dropped = retention.to_drop([*ahead, *nights], keep, NOW)
    assert not set(dropped) & {*ahead, nights[0]}
    assert dropped == retention.to_drop(nights, keep, NOW) != []


def test_what_was_made_just_now_is_not_ahead_when_the_clock_is_set_back_a_little():
    assert not made(NOW + timedelta(minutes=50)).is_ahead(NOW) and made(NOW + 2 * timedelta(hours=1)).is_ahead(NOW)


def test_a_leap_of_years_between_two_nights_is_told_and_a_usual_break_is_not():
    nights = [made(NOW - number * DAY) for number in range(7)]
    assert retention.leaps([made(NOW + 3650 * DAY), *nights], NOW + 3650 * DAY)
    assert not retention.leaps([made(NOW + 30 * DAY), *nights], NOW + 30 * DAY)
    assert not retention.leaps([made(NOW + 3650 * DAY), *nights], NOW)
    assert not retention.leaps(nights[:1], NOW) and not retention.leaps([], NOW)
