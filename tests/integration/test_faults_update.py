"""An update in which one program after the other goes wrong.

The site is the old one or the new one, whole and open; or closed, with a note that says so, and the next call ends it.
"""

import os

import pytest

from scripts.steps import answering, switch_over
from tests.lab import faults
from tests.lab.fault_fixtures import AT_ONCE, assert_list_is_whole, fast_lab, recorded

__all__ = ["fast_lab", "recorded"]  # fixtures

STORY = "update"
ALL = os.environ.get("TRIM_FAULTS") == "all"
SAMPLE = 84   # one of so many calls in make test, others for each way to break; all of them with make test-faults


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
    calls, _ = recorded(STORY, is_far)
    chosen = sorted(calls) if ALL else sorted(calls)[list(AT_ONCE).index(mode) * 21::SAMPLE]
    wrong = faults.broken(fast_lab, STORY, is_far, [(call, mode) for call in chosen], AT_ONCE[mode])
    assert not wrong, "\n".join(wrong)
