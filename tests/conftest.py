"""For all tests: they work in memory where there is room, and a worker's forks share what it has collected."""

import gc
import os

import tests.lab.lab

MEMORY = "/dev/shm"
NEEDED_BYTES = 4 << 30  # by three workers


def _has_room() -> bool:
    """Whether programs may be started in memory, and the labs of some workers fit."""
    try:
        found = os.statvfs(MEMORY)
    except FileNotFoundError:
        return False
    needed = NEEDED_BYTES * max(3, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0))) // 3
    is_enough = found.f_bavail * found.f_frsize > needed and not found.f_flag & os.ST_NOEXEC
    return is_enough and os.access(MEMORY, os.W_OK)


if _has_room():
    # On a disk the many files that come and go cost as much as the programs: ext4 looks for inodes that were not in use
    # a moment ago.
    tests.lab.lab.PLACE = MEMORY
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)


def pytest_collection_finish() -> None:
    """Keep the collector off what is there: each of thousands of forks would copy the pages that it marks."""
    gc.collect()
    gc.freeze()
