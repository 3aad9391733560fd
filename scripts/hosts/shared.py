"""The connections that ssh calls share: whether one answers, that one run alone opens it, and who did not let us in.

A connection outlives runs, and several use it at once. Who finds it dead opens it anew, under a lock; who waits for the
lock takes over what came of it.
"""

import fcntl
import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from scripts.hosts.conduct import conduct

ANSWER_SECONDS = 3      # for the first bytes of ssh's master process; it sends them at once
OPENING_SECONDS = 40    # that another run may take to open a connection; ssh gives up after some 10
REFUSED_SECONDS = 60    # how long a host that could not be reached is not asked again
LOOK_SECONDS = 0.05
TIMEVAL = "@ll"


def remember_refusals() -> None:
    """Let this run, which is over many instances, try a host that cannot be reached once for all of them."""
    conduct.refusals_since = min(conduct.refusals_since, time.time())


def mark(path: str) -> tuple[int, int] | None:
    """Return what tells the socket of a connection from one that took its place; None when there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def answers(path: str) -> bool:
    """Whether a connection is there and its master process is awake: a killed one leaves its socket behind."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            # Not settimeout: Linux then refuses at once where it would wait for a queue that is full.
            for side in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                asking.setsockopt(socket.SOL_SOCKET, side, struct.pack(TIMEVAL, ANSWER_SECONDS, 0))
            asking.connect(path)
            return bool(asking.recv(1))
    except OSError:
        return False


class Opening:
    """The one run that opens a connection, or one that waited for it."""

    def __init__(self, descriptor: int, since: float) -> None:
        self._descriptor, self._since = descriptor, since

    @property
    def refusal(self) -> str:
        """Return why the host could not be reached a moment ago, by another run or for another instance; or nothing."""
        with suppress(ValueError, KeyError, TypeError):
            told = json.loads(os.pread(self._descriptor, 1 << 16, 0))
            if max(self._since, time.time() - REFUSED_SECONDS) <= told["moment"] <= time.time():
                return str(told["said"])
        return ""

    def note(self, said: str) -> None:
        """Note why the host cannot be reached; nothing when it can."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps({"moment": time.time(), "said": said}).encode(), 0)


@contextmanager
def opening(path: str) -> Iterator[Opening | None]:
    """Let one run at a time open a connection, threads of one process as well; None when another does not end with it.

    What was refused since this run began counts for all instances of the host when it has several of them
    (conduct.refusals_since); otherwise only what is refused while we wait.
    """
    begun = time.time()
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        is_ours = _locked(descriptor, begun + OPENING_SECONDS)
        yield Opening(descriptor, min(begun, conduct.refusals_since)) if is_ours else None
    finally:
        os.close(descriptor)


def _locked(descriptor: int, last: float) -> bool:
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.time() > last:
            return False
        time.sleep(LOOK_SECONDS)
