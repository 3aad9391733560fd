"""A clone onto a living copy in which one program after the other goes wrong.

The source is never written to. The copy is whole and open, or closed with a note that says so; the same call repairs
it.
"""

import os

import pytest

from tests.lab import faults
from tests.lab.fault_fixtures import AT_ONCE, assert_list_is_whole, fast_lab, recorded

__all__ = ["fast_lab", "recorded"]  # fixtures

STORY = "clone"
ALL = os.environ.get("TRIM_FAULTS") == "all"
SAMPLE = 12   # one of so many calls in make test, others for each way to break


def test_the_recorded_calls_of_a_clone_are_all_that_its_log_tells_of(recorded):
    assert_list_is_whole(recorded, STORY, False)


@pytest.mark.parametrize("is_far", [False, True] if ALL else [False], ids=lambda is_far: "ssh" if is_far else "here")
@pytest.mark.parametrize("mode", list(AT_ONCE))
def test_a_clone_with_one_broken_call_never_harms(fast_lab, recorded, mode, is_far):
    calls, _ = recorded(STORY, is_far)
    chosen = sorted(calls) if ALL else sorted(calls)[list(AT_ONCE).index(mode) * 3::SAMPLE]
    wrong = faults.broken(fast_lab, STORY, is_far, [(call, mode) for call in chosen], AT_ONCE[mode])
    assert not wrong, "\n".join(wrong)
