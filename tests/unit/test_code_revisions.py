"""REVISION= and LAG= mean one commit of a branch, or say what is wrong with them."""

from datetime import UTC, datetime, timedelta

import pytest

from scripts.code import revisions, words
from scripts.code.history import Commit
from scripts.errors import UsageError

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def line(*ages: float) -> list[Commit]:
    """Return commits of these ages in days, the first of a branch at the end; their names are their places."""
    return [Commit(str(number), NOW - timedelta(days=age), NOW, "") for number, age in enumerate(ages)]


@pytest.mark.parametrize(("ages", "found"), [
    ((0, 1, 2.9, 3, 5), "3"), ((4, 5), "0"), ((0, 1), None), ((), None),
    # The clock of the second one was wrong: what it stands on is a day old.
    ((0, 9, 1, 5, 6), "3"),
])
def test_the_newest_commit_of_an_age_has_nothing_younger_before_it(ages, found):
    chosen = revisions.newest_before(line(*ages), NOW - timedelta(days=3))
    assert (chosen and chosen.id) == found


@pytest.mark.parametrize(("lag", "days"), [("3d", 3), ("2w", 14), ("1m", 31)])
def test_lag_counts_days_weeks_and_months(lag, days):
    assert revisions.distance(lag) == timedelta(days=days)


@pytest.mark.parametrize("lag", ["3", "d", "0d", "-1d", "3 d", "3h", "99999d", "٣d"])
def test_another_lag_is_refused_with_what_was_expected(lag):
    with pytest.raises(UsageError, match="LAG=.*expected days, weeks or months, as in 3d, 2w, 1m"):
        revisions.refuse(words.parse("24.x"), "", lag)


@pytest.mark.parametrize(("revision", "lag"), [("abcdef1", ""), ("", "3d")])
def test_a_release_has_one_commit_only_and_that_is_said(revision, lag):
    with pytest.raises(UsageError, match="24.4 is a release, .* commits of a branch, as in 24.x, or of trunk"):
        revisions.refuse(words.parse("24.4"), revision, lag)


def test_both_together_are_refused():
    with pytest.raises(UsageError, match="give one of them"):
        revisions.refuse(words.parse("trunk"), "abcdef1", "3d")


def test_the_tree_of_a_commit_has_a_name_that_is_no_version():
    word = words.at(words.parse("24.x"), "0123456789abcdef0123456789abcdef01234567")
    assert (str(word), word.kind, word.numbers) == ("24.x@0123456789ab", "branch", (24,))
    assert words.of_tree(str(word)).numbers == (24,)
    with pytest.raises(UsageError):
        words.parse(str(word))
