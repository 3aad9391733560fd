"""Locks that cannot go stale: the kernel drops them when the run that holds them ends, however it ends.

A lock is a file under var/locks held by flock, shared by those who read and exclusive for who changes. Its
text names the holder, for the message of the one who came second.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.errors import BusyError
from scripts.registry import process_mark
from scripts.registry.settings import Settings

LOOK_SECONDS = 0.2  # between two tries while another run is waited for
BESIDE_SECONDS = 3600   # for another part of the same run: it came first by chance, and does its work for us too
GONE_SECONDS = 5        # for a run that was killed: what it was just starting has the lock until it is a program


@dataclass(frozen=True, order=True)
class Lock:
    """What is to be held: "blog" (the site) or "blog.store" (its archives)."""

    name: str
    exclusive: bool


@contextmanager
def hold(settings: Settings, locks: Iterable[Lock], verb: str, wait_seconds: float = 0) -> Iterator[None]:
    """Hold all locks, or raise BusyError naming who has one of them: at once, or after so many seconds for all."""
    folder = settings.state / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Names in sorted order: two clones in opposite directions would otherwise wait for each other.
    wanted: dict[str, bool] = {}
    for lock in locks:
        wanted[lock.name] = wanted.get(lock.name, False) or lock.exclusive
    last = time.monotonic() + wait_seconds
    with ExitStack() as held:
        for name in sorted(wanted):
            held.enter_context(_held(folder / f"{name}.lock", name, wanted[name], verb, last))
        yield


@contextmanager
def _held(path: Path, name: str, exclusive: bool, verb: str, last: float) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        begun = time.monotonic()
        while not _locked(descriptor, exclusive):
            now = time.monotonic()
            if now >= last and not now < begun + _patience(path):
                waited = f", and has not ended in {now - begun:.0f} s" if now - begun >= 1 else ""
                raise BusyError(f"{name}: {_holder(path)}{waited}. Wait for it to end, or end it")
            time.sleep(min(LOOK_SECONDS, last - now) if now < last else LOOK_SECONDS)
        note = json.dumps({"verb": verb, "pid": os.getpid(), "since": int(time.time())})
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, note.encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int, exclusive: bool) -> bool:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _patience(path: Path) -> float:
    """Return how many seconds who holds a lock is waited for in any case."""
    note = _note(path)
    if not note:
        return 0
    if process_mark.is_gone(note["pid"]):
        return GONE_SECONDS
    return BESIDE_SECONDS if process_mark.is_part() and process_mark.parent(note["pid"]) == os.getppid() else 0


def _holder(path: Path) -> str:
    note = _note(path)
    if not note or process_mark.is_gone(note["pid"]):   # of several readers each writes its own
        return "another run holds it"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(note["since"]))
    return f"another run holds it: make {note['verb']}, process {note['pid']}, since {since}"


def _note(path: Path) -> dict[str, Any]:
    """Return what the holder of a lock wrote of itself; nothing when that cannot be read."""
    try:
        note = json.loads(path.read_text())
        return {key: note[key] for key in ("verb", "pid", "since")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
