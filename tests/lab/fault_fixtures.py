"""What the fault tests share: a lab, and the calls of good runs."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.lab import faults
from tests.lab.faults import BENCHES, Bench
from tests.lab.lab import Lab
from tests.lab.shims import FAIL, FAR, HANG, HERE, KILL, TRUNCATE, Call

ALL = os.environ.get("TRIM_FAULTS") == "all"
ONE_OF = {False: 4, True: 16}       # calls, here and behind ssh
AT_ONCE = {FAIL: 2, TRUNCATE: 2, KILL: 2, HANG: 6}   # benches side by side; one that hangs does nothing

Recorded = dict[Call, list[bytes]]
Record = Callable[[str, bool], tuple[Recorded, Bench]]


@pytest.fixture(scope="module")
def fast_lab() -> Iterator[Lab]:
    """Run a lab whose server is there before the benches fork."""
    with Lab() as lab:
        assert lab.mariadb
        yield lab


@pytest.fixture(scope="module")
def recorded(fast_lab: Lab) -> Iterator[Record]:
    """Return the calls of a good run, recorded once, and the bench they were recorded on."""
    known: dict[tuple[str, bool], tuple[Recorded, Bench]] = {}

    def of(story: str, is_far: bool) -> tuple[Recorded, Bench]:
        if (story, is_far) not in known:
            bench = BENCHES[story](fast_lab, f"good-{len(known)}", is_far)
            known[story, is_far] = (bench.recorded(), bench)
        return known[story, is_far]
    yield of
    for _, bench in known.values():
        bench.end()


def assert_list_is_whole(recorded: Record, story: str, is_far: bool) -> None:
    """Compare the recorded calls with the run's own log: every program it started, on this side and on the other."""
    calls, bench = recorded(story, is_far)
    started = bench.started()
    there = [line for line in started if line.startswith(f"[{bench.target}] ")] if is_far else []
    here, far = (sum(call.side == side for call in calls) for side in (HERE, FAR))
    assert here >= len(started) > 15
    assert far >= len(there)
    assert len(calls) >= len(started) + len(there)


def assert_harmless(lab: Lab, recorded: Record, story: str, is_far: bool, mode: str, one_of: int = 0) -> None:
    """Break calls of a good run in this way, one a run: one of so many, others for each way.

    one_of is ONE_OF where it is not given: a fourth, so that each call here breaks in one of the four ways, and behind
    ssh a sixteenth. `make test-faults` breaks all of them in all ways.
    """
    chosen = sorted(recorded(story, is_far)[0])
    if not ALL:
        one_of = one_of or ONE_OF[is_far]
        chosen = chosen[list(AT_ONCE).index(mode) * one_of // len(AT_ONCE)::one_of]
    wrong = faults.broken(lab, story, is_far, [(call, mode) for call in chosen], min(len(chosen), AT_ONCE[mode]))
    assert not wrong, "\n".join(wrong)
