"""What the measurements share: turns, medians, ratios against limits, and the largest process meanwhile."""

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

MEMORY_LIMIT_MB = 150    # of the largest process


@dataclass(frozen=True)
class Measured:
    """Seconds of one way, its ratio to the plain one, and the limit of that ratio."""

    way: str
    seconds: float
    ratio: float = 1.0
    limit: float | None = None

    @property
    def is_missed(self) -> bool:
        return self.limit is not None and self.ratio > self.limit


class Peak(threading.Thread):
    """Watches the largest process below this one while something runs, and the bytes in some folders."""

    def __init__(self, *folders: Path) -> None:
        super().__init__(daemon=True)
        self.folders = folders
        self.is_running, self.size_bytes, self.name_of_largest, self.temporary_bytes = True, 0, "", 0

    def __enter__(self) -> "Peak":
        self.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.is_running = False
        self.join()

    def run(self) -> None:
        while self.is_running:
            for process in psutil.Process().children(recursive=True):
                try:
                    if "mariadbd" not in process.name() and process.memory_info().rss > self.size_bytes:
                        self.size_bytes, self.name_of_largest = process.memory_info().rss, process.name()
                except psutil.Error:
                    continue
            self.temporary_bytes = max(self.temporary_bytes, sum(map(_bytes_in, self.folders)))
            time.sleep(0.05)

    @property
    def megabytes(self) -> float:
        return self.size_bytes / 1e6


def seconds(way: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.monotonic()
    way()
    return time.monotonic() - started


def medians(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each way, measured turn by turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name].append(seconds(way))
    return {name: statistics.median(one) for name, one in taken.items()}


def against(plain: float, ours: float, way: str, limit: float | None) -> list[Measured]:
    """Return the two lines of a comparison."""
    return [Measured("plain", plain), Measured(way, ours, ours / plain, limit)]


def report(title: str, found: list[Measured], *more: str) -> int:
    """Print a table and further lines; return how many limits were missed."""
    print(f"\n{title}, {os.cpu_count()} cores\n\nway          seconds   ratio   limit")
    for one in found:
        print(f"{one.way:12} {one.seconds:7.1f} {one.ratio:7.2f} {'' if one.limit is None else f'{one.limit:7.2f}'}")
    for line in more:
        print(line)
    missed = [one.way for one in found if one.is_missed]
    if missed:
        print(f"bench: missed: {', '.join(missed)}", file=sys.stderr)
    return len(missed)


def memory(peak: Peak) -> list[Measured]:
    """Return the largest process as a share of what it may take."""
    return [Measured(f"memory of {peak.name_of_largest}", peak.megabytes, peak.megabytes / MEMORY_LIMIT_MB, 1.0)]


def _bytes_in(folder: Path) -> int:
    total = 0
    for top, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(top, name)).st_size
            except OSError:
                continue
    return total
