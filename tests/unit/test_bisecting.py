"""The first bad commit is found in as few steps as halving takes, and never guessed."""

import pytest

from scripts.steps.bisecting import BAD, GOOD, SKIP, Range


def search(count: int, first_bad: int, skipped: tuple[int, ...] = ()) -> tuple[list[str], int]:
    """Return the suspects that are left at the end, and how many commits were tried."""
    commits, verdicts = [str(number) for number in range(count)], {}
    while tried := Range(commits, verdicts).next:
        assert tried not in verdicts
        number = int(tried)
        verdicts[tried] = SKIP if number in skipped else BAD if number >= first_bad else GOOD
    return Range(commits, verdicts).suspects, len(verdicts)


@pytest.mark.parametrize("count", range(1, 18))
def test_whichever_commit_it_was_it_is_found_by_halving(count):
    for first_bad in range(count):
        suspects, tried = search(count, first_bad)
        assert suspects == [str(first_bad)]
        assert tried <= (count - 1).bit_length()


def test_what_cannot_be_told_stays_a_suspect_and_nothing_else_does():
    assert search(9, 4, skipped=(3, 4)) == (["3", "4", "5"], 4)
    assert search(3, 1, skipped=(0, 1)) == (["0", "1", "2"], 2)
    assert search(9, 4, skipped=(1, 7))[0] == ["4"]


def test_it_tells_how_often_it_has_to_be_tried_yet():
    assert [Range([str(n) for n in range(count)], {}).steps_left for count in (1, 2, 3, 9, 1000)] == [0, 1, 2, 4, 10]
