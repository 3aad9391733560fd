"""Every program that backup and restore call is made to fail, to hang, to end early with half its output, and the
run is killed before it: nothing half is ever called good, nothing is lost, and the next run needs no help.

Which calls there are is recorded from a good run, on both sides of ssh.
"""

from collections.abc import Callable, Iterator

import pytest

import tests.lab.lab
from tests.lab import faults
from tests.lab.faults import BENCHES, Bench
from tests.lab.lab import Lab
from tests.lab.shims import FAIL, FAR, HANG, HERE, KILL, TRUNCATE, Call

AT_ONCE = {FAIL: 2, TRUNCATE: 2, KILL: 2, HANG: 6}   # benches side by side; one that hangs does nothing

Recorded = dict[Call, list[bytes]]


@pytest.fixture(scope="module")
def fault_lab() -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as change:
        if place := faults.fast_place():
            change.setattr(tests.lab.lab, "PLACE", place)
        with Lab() as lab:
            assert lab.mariadb
            yield lab


@pytest.fixture(scope="module")
def recorded(fault_lab: Lab) -> Iterator[Callable[[str, bool], tuple[Recorded, Bench]]]:
    """Return the calls of a good run, recorded once."""
    known: dict[tuple[str, bool], tuple[Recorded, Bench]] = {}

    def of(story: str, is_far: bool) -> tuple[Recorded, Bench]:
        if (story, is_far) not in known:
            bench = BENCHES[story](fault_lab, f"good-{len(known)}", is_far)
            known[story, is_far] = (bench.recorded(), bench)
        return known[story, is_far]
    yield of
    for _, bench in known.values():
        bench.end()


@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
@pytest.mark.parametrize("story", list(BENCHES))
def test_the_recorded_calls_are_all_that_the_run_log_tells_of(recorded, story, is_far):
    calls, bench = recorded(story, is_far)
    started = bench.started()
    there = [line for line in started if line.startswith(f"[{bench.target}] ")] if is_far else []
    here = sum(call.side == HERE for call in calls)
    far = sum(call.side == FAR for call in calls)
    assert here >= len(started) > 20
    assert far >= len(there)
    assert len(calls) >= len(started) + len(there)


@pytest.mark.parametrize("mode", list(AT_ONCE))
@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
@pytest.mark.parametrize("story", list(BENCHES))
def test_a_run_with_one_broken_call_never_harms(fault_lab, recorded, story, is_far, mode):
    calls, _ = recorded(story, is_far)
    cases = [(call, mode) for call in sorted(calls)]
    wrong = faults.broken(fault_lab, story, is_far, cases, AT_ONCE[mode])
    assert not wrong, "\n".join(wrong)
