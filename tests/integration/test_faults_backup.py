"""A backup in which one program after the other fails, hangs, ends early with half its output, or is the run's last.

Nothing half is ever called good or bears a final name, and the next run needs no help.
"""

import pytest

from tests.lab.fault_fixtures import AT_ONCE, assert_harmless, assert_list_is_whole, fast_lab, recorded

__all__ = ["fast_lab", "recorded"]  # fixtures

STORY = "backup"


@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
def test_the_recorded_calls_of_a_backup_are_all_that_its_log_tells_of(recorded, is_far):
    assert_list_is_whole(recorded, STORY, is_far)


@pytest.mark.parametrize("mode", list(AT_ONCE))
@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
def test_a_backup_with_one_broken_call_never_harms(fast_lab, recorded, is_far, mode):
    assert_harmless(fast_lab, recorded, STORY, is_far, mode)
