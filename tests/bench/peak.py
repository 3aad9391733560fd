"""The largest process below this one while something runs, and the most bytes that lie in some folders meanwhile."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

PAUSE_SECONDS = 0.05
SERVERS = ("mariadbd", "apache2", "php")    # what plays the site's own machine


class Peak(threading.Thread):
    """Looks again and again; each process tells its own high-water mark, so that nothing between two looks is missed.

    Processes that were there before are the lab's servers, and do not count.
    """

    def __init__(self, *folders: Path) -> None:
        super().__init__(daemon=True)
        self.folders, self.before = folders, set(_below(os.getpid()))
        self.own_call = Path("/proc/self/cmdline").read_bytes()
        self.is_running, self.size_bytes, self.name_of_largest, self.temporary_bytes = True, 0, "", 0

    def __enter__(self) -> "Peak":
        self.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.is_running = False
        self.join()

    def run(self) -> None:
        while self.is_running:
            for pid in _below(os.getpid()):
                if pid not in self.before:
                    self._look(pid)
            if self.folders:
                self.temporary_bytes = max(self.temporary_bytes, sum(map(bytes_in, self.folders)))
            time.sleep(PAUSE_SECONDS)

    def _look(self, pid: int) -> None:
        try:
            if Path(f"/proc/{pid}/cmdline").read_bytes() == self.own_call:
                return  # it has not begun to be another program
            told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        except OSError:
            return
        name, size = told["Name"].strip(), int(told.get("VmHWM", "0 kB").split()[0]) * 1024
        if name not in SERVERS and size > self.size_bytes:
            self.size_bytes, self.name_of_largest = size, name

    @property
    def megabytes(self) -> float:
        return self.size_bytes / 1e6


def bytes_in(folder: Path) -> int:
    """Return the sum of the sizes of all files below a folder, also while they come and go."""
    total = 0
    for top, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(top, name)).st_size
            except OSError:
                continue
    return total


def _below(ancestor: int) -> Iterator[int]:
    """Yield the ids of all processes below one."""
    try:
        threads = os.listdir(f"/proc/{ancestor}/task")
    except OSError:
        return
    for thread in threads:
        try:
            children = Path(f"/proc/{ancestor}/task/{thread}/children").read_text().split()
        except OSError:
            continue
        for child in children:
            yield int(child)
            yield from _below(int(child))
