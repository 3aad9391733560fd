"""A restore onto a living site of this machine in which one program after the other goes wrong.

The site is whole and open, or closed with a note that says so; what was there is never lost; the next run needs no
help.
"""

import pytest

from tests.lab.fault_fixtures import AT_ONCE, assert_harmless, assert_list_is_whole, fast_lab, recorded

__all__ = ["fast_lab", "recorded"]  # fixtures

STORY = "restore"


def test_the_recorded_calls_of_a_restore_are_all_that_its_log_tells_of(recorded):
    assert_list_is_whole(recorded, STORY, False)


@pytest.mark.parametrize("mode", list(AT_ONCE))
def test_a_restore_with_one_broken_call_never_harms(fast_lab, recorded, mode):
    assert_harmless(fast_lab, recorded, STORY, False, mode)
