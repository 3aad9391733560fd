"""A clone onto a living copy in which one program after the other goes wrong.

The source is never written to. The copy is whole and open, or closed with a note that says so; the same call repairs
it.
"""

import pytest

from tests.lab.fault_fixtures import ALL, AT_ONCE, assert_harmless, assert_list_is_whole, fast_lab, recorded

__all__ = ["fast_lab", "recorded"]  # fixtures

STORY = "clone"
SAMPLE = 12   # one of so many calls in make test


def test_the_recorded_calls_of_a_clone_are_all_that_its_log_tells_of(recorded):
    assert_list_is_whole(recorded, STORY, False)


@pytest.mark.parametrize("is_far", [False, True] if ALL else [False], ids=lambda is_far: "ssh" if is_far else "here")
@pytest.mark.parametrize("mode", list(AT_ONCE))
def test_a_clone_with_one_broken_call_never_harms(fast_lab, recorded, mode, is_far):
    assert_harmless(fast_lab, recorded, STORY, is_far, mode, SAMPLE)
