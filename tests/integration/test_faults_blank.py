"""A restore onto a blank in which one program after the other goes wrong.

What a broken run tells to type next works.
"""

import pytest

from tests.lab.fault_fixtures import AT_ONCE, assert_harmless, assert_list_is_whole, fast_lab, recorded

__all__ = ["fast_lab", "recorded"]  # fixtures

STORY = "restore onto a blank"


@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
def test_the_recorded_calls_of_a_restore_onto_a_blank_are_all_that_its_log_tells_of(recorded, is_far):
    assert_list_is_whole(recorded, STORY, is_far)


@pytest.mark.parametrize("mode", list(AT_ONCE))
@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
def test_a_restore_onto_a_blank_with_one_broken_call_never_harms(fast_lab, recorded, is_far, mode):
    assert_harmless(fast_lab, recorded, STORY, is_far, mode)
