"""An update in which one program after the other goes wrong.

The site is the old one or the new one, whole and open; or closed, with a note that says so, and the next call ends it.
"""

import pytest

from scripts.steps import answering, switch_over
from tests.lab.fault_fixtures import ALL, AT_ONCE, assert_harmless, assert_list_is_whole, fast_lab, recorded

__all__ = ["fast_lab", "recorded"]  # fixtures

STORY = "update"
SAMPLE = 84   # one of so many calls in make test


@pytest.fixture(scope="module", autouse=True)
def in_a_hurry():
    """Wait for no opcode cache, and for no server that restarts: there is none."""
    with pytest.MonkeyPatch.context() as change:
        change.setattr(switch_over, "OPCACHE_SECONDS", 0)
        change.setattr(answering, "PATIENT_SECONDS", 1)
        yield


def test_the_recorded_calls_of_an_update_are_all_that_its_log_tells_of(recorded):
    assert_list_is_whole(recorded, STORY, False)


@pytest.mark.parametrize("is_far", [False, True] if ALL else [False], ids=lambda is_far: "ssh" if is_far else "here")
@pytest.mark.parametrize("mode", list(AT_ONCE))
def test_an_update_with_one_broken_call_never_harms(fast_lab, recorded, mode, is_far):
    assert_harmless(fast_lab, recorded, STORY, is_far, mode, SAMPLE)
