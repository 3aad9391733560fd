"""An install of mods in which one program after the other goes wrong.

The site is as before, or the mod is there as a whole; or it is closed, with a note that says so, and the next run ends
it either way.
"""

import os

import pytest

from tests.lab import faults, mods_bench
from tests.lab.fault_fixtures import AT_ONCE, assert_list_is_whole, fast_lab, recorded
from tests.lab.shims import FAIL, KILL

__all__ = ["fast_lab", "mods_bench", "recorded"]

STORY = "mods-install"
ALL = os.environ.get("TRIM_FAULTS") == "all"
SAMPLE = {False: 24, True: 48}   # one of so many calls in make test; all of them with make test-faults
BEHIND_SSH = list(AT_ONCE) if ALL else [FAIL, KILL]     # a connection that drops, and a run that is killed


def test_the_recorded_calls_of_an_install_are_all_that_its_log_tells_of(recorded):
    assert_list_is_whole(recorded, STORY, False)


@pytest.mark.parametrize(("mode", "is_far"), [
    *((mode, False) for mode in AT_ONCE), *((mode, True) for mode in BEHIND_SSH)],
                         ids=lambda value: {True: "ssh", False: "here"}.get(value, value))
def test_an_install_with_one_broken_call_never_harms(fast_lab, recorded, mode, is_far):
    calls, _ = recorded(STORY, is_far)
    chosen = sorted(calls) if ALL else sorted(calls)[list(AT_ONCE).index(mode) * 6::SAMPLE[is_far]]
    cases = [(call, mode) for call in chosen]
    wrong = faults.broken(fast_lab, STORY, is_far, cases, min(len(cases), AT_ONCE[mode]))
    assert not wrong, "\n".join(wrong)
