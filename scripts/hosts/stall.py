"""Notices a run that stands still: none of its programs moves a byte or uses the processor.

All programs of the run are judged together, because one of them may rightly wait for another: a compressor
for a long dump, a dump for a slow disk. One thread looks; it ends everything when nothing has happened for the
allowed time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil  # what needs it imports it: most runs end before anybody has to look

LOOKS_PER_STALL = 10     # how often the run is looked at while it may stand still
LONGEST_PAUSE = 30.0     # seconds between two looks


class StallWatch:
    """Watches the programs of this process; bytes that pass through our own stages are told by `moved`."""

    def __init__(self) -> None:
        self._watched: dict[int, tuple[float, Callable[[], None]]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._bytes = 0
        self._since = 0.0

    def moved(self, size: int) -> None:
        """Count bytes that one of our own stages read or wrote: ssh hands its pipes to another process."""
        self._bytes += size

    def watch(self, pid: int, seconds: float, on_stall: Callable[[], None]) -> None:
        """Call on_stall when the whole run stands still for that many seconds while this program runs."""
        with self._lock:
            self._watched[pid] = (seconds, on_stall)
            self._since = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_on, daemon=True)
                self._thread.start()
        self._wake.set()

    def forget(self, pid: int) -> None:
        """Stop watching a program."""
        with self._lock:
            self._watched.pop(pid, None)

    def _look_on(self) -> None:
        seen = None
        while True:
            self._wake.clear()
            with self._lock:
                watched = dict(self._watched)
            if not watched:
                self._wake.wait(LONGEST_PAUSE)
                continue
            allowed = min(seconds for seconds, _ in watched.values())
            if self._wake.wait(min(LONGEST_PAUSE, allowed / LOOKS_PER_STALL)):
                continue    # another program has begun: that is effort enough
            effort = (self._bytes, *map(_effort, watched))
            if effort != seen:
                seen, self._since = effort, time.monotonic()
            elif time.monotonic() - self._since > allowed:
                for pid, (_, on_stall) in watched.items():
                    self.forget(pid)
                    on_stall()


def family(pid: int) -> list[psutil.Process]:
    """Return a program and all that it started; none when it has ended."""
    import psutil
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def still_runs(process: psutil.Process) -> bool:
    """Tell whether a program has not ended; one that is dead and not yet waited for has."""
    import psutil
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def send(process: psutil.Process, number: int) -> None:
    """Send a program a signal; one that has ended needs none."""
    import psutil
    with suppress(psutil.Error):
        process.send_signal(number)


def _effort(pid: int) -> tuple[float, int]:
    """Return processor seconds and bytes moved so far by a program and its children."""
    import psutil
    seconds, moved = 0.0, 0
    try:
        for process in family(pid):
            times, counters = process.cpu_times(), process.io_counters()
            seconds += times.user + times.system
            moved += counters.read_chars + counters.write_chars  # pipes and sockets too, not only disks
    except psutil.Error:
        pass  # it ended between two looks
    return seconds, moved


watcher = StallWatch()
