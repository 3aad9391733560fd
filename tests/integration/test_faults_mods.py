"""An install of mods in which one program after the other goes wrong.

The site is as before, or the mod is there as a whole; or it is closed, with a note that says so, and the next run ends
it either way.
"""

import pytest

from tests.lab import mods_bench
from tests.lab.fault_fixtures import ALL, AT_ONCE, assert_harmless, assert_list_is_whole, fast_lab, recorded
from tests.lab.shims import FAIL, KILL

__all__ = ["fast_lab", "mods_bench", "recorded"]

STORY = "mods-install"
SAMPLE = {False: 24, True: 48}   # one of so many calls in make test
BEHIND_SSH = list(AT_ONCE) if ALL else [FAIL, KILL]     # a connection that drops, and a run that is killed


def test_the_recorded_calls_of_an_install_are_all_that_its_log_tells_of(recorded):
    assert_list_is_whole(recorded, STORY, False)


@pytest.mark.parametrize(("mode", "is_far"), [
    *((mode, False) for mode in AT_ONCE), *((mode, True) for mode in BEHIND_SSH)],
                         ids=lambda value: {True: "ssh", False: "here"}.get(value, value))
def test_an_install_with_one_broken_call_never_harms(fast_lab, recorded, mode, is_far):
    assert_harmless(fast_lab, recorded, STORY, is_far, mode, SAMPLE[is_far])
