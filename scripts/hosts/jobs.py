"""Jobs that run at the same time, and the programs that each of them has started: one that fails ends the others'."""

import signal
import threading
import time
from collections.abc import Callable

from scripts.errors import CommandError
from scripts.hosts import stall
from scripts.hosts.outcome import Running

LOOK_SECONDS = 0.5       # how long a signal may wait while jobs run side by side
GRACE_SECONDS = 5        # between asking a program to end and killing it
NOT_RUN = object()


def side_by_side(*jobs: Callable[[], object], at_once: int | None = None) -> list[object]:
    """Run jobs at the same time, at most at_once of them, and return their results in order.

    The first one that raises ends the programs of the others, and its fault is raised.
    """
    results: list[object] = [NOT_RUN] * len(jobs)
    faults: list[BaseException] = []
    above, group = here.group, Group()
    above.inner.append(group)
    if above.is_ended:
        group.end()
    places = iter(range(len(jobs)))
    taking = threading.Lock()

    def work() -> None:
        here.group = group
        try:
            while not group.is_ended:
                with taking:
                    place = next(places, None)
                if place is None:
                    return
                results[place] = jobs[place]()
        except BaseException as fault:  # noqa: BLE001 - raised again in the caller's thread
            faults.append(fault)
            group.end()

    threads = [threading.Thread(target=work) for _ in range(at_once or len(jobs))]
    try:
        for thread in threads:
            thread.start()
        # A signal that comes just before a wait without end does not break it: Python would never look.
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(LOOK_SECONDS)
    finally:
        group.end()
        for thread in threads:
            thread.join()
        above.inner.remove(group)
    if faults:
        raise faults[0]
    if any(one is NOT_RUN for one in results):   # a job above this one failed, and tells why
        raise CommandError("not started, because a job beside it failed")
    return results


class Group:
    """Programs that belong together: when one job of several fails, the others' are ended; jobs may have jobs."""

    def __init__(self) -> None:
        self.programs: list[Running] = []
        self.inner: list[Group] = []
        self.is_ended = False

    def end(self) -> None:
        self.is_ended = True
        for group in [*self.inner]:
            group.end()
        end(self.programs)


class _Here(threading.local):
    """The group of this thread."""

    def __init__(self) -> None:
        self.group = Group()


here = _Here()


def end(programs: list[Running]) -> None:
    """End programs that still run, with all they started: asked first, killed after GRACE_SECONDS.

    What a shell or rsync started holds our pipes as well: were it left, we would wait for it.
    """
    alive = [member for one in programs if one.process.is_alive()[0] for member in stall.family(one.process.pid)]
    for sent in (signal.SIGTERM, signal.SIGKILL):
        for member in alive:
            stall.send(member, sent)
        deadline = time.monotonic() + GRACE_SECONDS
        while (alive := list(filter(stall.still_runs, alive))) and time.monotonic() < deadline:
            time.sleep(0.01)
    for one in programs:
        stall.watcher.forget(one.process.pid)


