"""Packs pieces of a stream, each by itself, on all cores, and takes those that the previous archive has out of it.

What was packed is unpacked at once and compared: from then on its sha256 speaks for the content, wherever its bytes
lie. It waits as files in a scratch folder, so that the memory it takes is no matter of how many pieces there are. The
programs of bzip2 pack several at a time, one program a core: starting one costs as much as packing a fifth of a piece.
"""

import collections
import hashlib
import os
import sys
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.errors import ArchiveError
from scripts.hosts import jobs, signals, stall
from scripts.hosts.jobs import Group
from scripts.store import compress
from scripts.store.index import Segment
from scripts.store.previous import Previous
from scripts.store.sizes import SIZES

SWITCH = 0.0005     # seconds after which a busy thread of ours lets another go on: with Python's 0.005 a look at forty
                    # thousand files waits for its turn two times as long as it takes
BATCH = {"bz2": 16, "zst": 1}   # pieces that a thread packs at once; with bzip2 that is about half a second
WAITING = {"bz2": 20, "zst": 2} # pieces that may wait, in memory
THREADS = {"bz2": 16, "zst": 4} # at most: each has ten megabytes with zst, and one with bz2


@dataclass(frozen=True)
class Placed:
    """One packed piece and where it lies: in a file of its own, or, when old is set, in the previous archive."""

    raw_length: int
    raw_sha256: str
    length: int
    sha256: str
    path: str = ""
    old: Segment | None = None

    @property
    def is_new(self) -> bool:
        return self.old is None

    def remove(self) -> None:
        """Drop the file of a new piece, once it is taken over."""
        if self.path:
            os.unlink(self.path)


@dataclass
class _Job:
    """A piece that waits; old is where the previous archive has it, which is to be unpacked all the same."""

    raw: bytes
    raw_length: int
    sha256: str
    old: Segment | None
    placed: "Future[Placed]"
    name: str

    def taken(self) -> tuple[str, bytes]:
        """Return where it shall lie, and its bytes, which are not kept."""
        raw, self.raw = self.raw, b""
        return self.name, raw


class Packer:
    """with Packer(...) as packer: packer.submit(raw) ... ; several threads may submit.

    scratch is a folder of the manager; what is new lies there until its `remove`. previous is None without one; with
    unpacks_all what is taken out of it is unpacked too.
    """

    def __init__(self, packed_as: str, scratch: Path, previous: Previous | None = None,
                 unpacks_all: bool = False) -> None:
        self.packed_as, self.sizes, self.previous = packed_as, SIZES[packed_as], previous
        self._unpacks_all = unpacks_all
        self._folder = scratch / "segments"
        self._cores = min(len(os.sched_getaffinity(0)), THREADS[packed_as])
        self._most_waiting = WAITING[packed_as]
        self._waiting: collections.deque[_Job] = collections.deque()
        self._change = threading.Condition()
        self._count, self._is_closed = 0, False
        self._fault: BaseException | None = None
        self._group = Group()

    def __enter__(self) -> Self:
        presses = [compress.press(self.packed_as) for _ in range(self._cores)]
        self._folder.mkdir(mode=0o700)
        self._switched = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        self._above = jobs.here.group
        self._above.inner.append(self._group)
        self._threads = [threading.Thread(target=self._work, args=(press,)) for press in presses]
        with signals.held_back():   # else the threads that began already would wait for ever
            for thread in self._threads:
                thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None,
                 traceback: TracebackType | None) -> None:
        with self._change:
            self._is_closed = True
            self._fault = self._fault or fault
            self._change.notify_all()
        if fault:
            self._group.end()
        for thread in self._threads:
            thread.join()
        self._above.inner.remove(self._group)
        sys.setswitchinterval(self._switched)

    def submit(self, raw: bytes) -> "Future[Placed]":
        """Have a piece packed; waits while many others wait. The future raises what packing it raised."""
        placed: Future[Placed] = Future()
        digest = hashlib.sha256(raw).hexdigest()
        old = self.previous.with_content(digest, len(raw)) if self.previous else None
        if old and not self._unpacks_all:
            placed.set_result(_taken(old))
            return placed
        with self._change:
            self._change.wait_for(lambda: self._fault or len(self._waiting) < self._most_waiting)
            if self._fault:     # nobody would pack this any more
                raise self._fault
            self._count += 1
            self._waiting.append(_Job(raw, len(raw), digest, old, placed, str(self._folder / str(self._count))))
            self._change.notify_all()
        return placed

    def _work(self, press: compress.Press) -> None:
        jobs.here.group = self._group
        while batch := self._next_batch():
            try:
                new = [job for job in batch if not (job.old and self._is_right(job, press))]
                press.pack(job.taken() for job in new)
                for job in new:
                    job.placed.set_result(_looked_through(job, press))
            except BaseException as fault:  # noqa: BLE001 - carried over to who waits for it
                self._fail(fault, [job.placed for job in batch])

    def _next_batch(self) -> list[_Job]:
        """Return what a thread packs next, each its share of what waits; nothing when all is done."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._is_closed)
            if self._fault:
                return []
            share = min(BATCH[self.packed_as], -(-len(self._waiting) // self._cores))
            batch = [self._waiting.popleft() for _ in range(share)]
            self._change.notify_all()
            return batch

    def _is_right(self, job: _Job, press: compress.Press) -> bool:
        """Whether a piece comes out of the previous archive as it went in; it is placed then, else condemned there."""
        if not _comes_out(job, self.previous.packed(job.old), press):
            self.previous.condemn(job.old)
            return False
        job.raw = b""
        job.placed.set_result(_taken(job.old))
        return True

    def _fail(self, fault: BaseException, futures: list["Future[Placed]"]) -> None:
        with self._change:
            self._fault = self._fault or fault
            futures += [job.placed for job in self._waiting]
            self._waiting.clear()
            self._change.notify_all()
        for future in futures:
            if not future.done():
                future.set_exception(fault)


def _looked_through(job: _Job, press: compress.Press) -> Placed:
    """Return a piece that was packed, once it came out again as it went in."""
    path = compress.beside(job.name, press.packed_as)
    with open(path, "rb", buffering=0) as file:
        packed = file.read()
    if not _comes_out(job, packed, press):
        raise ArchiveError(f"manager: what was packed as {press.packed_as} does not come out again as it was. Next: "
                           "the program that packs or the memory of this machine is at fault; look at the system's log")
    return Placed(job.raw_length, job.sha256, len(packed), hashlib.sha256(packed).hexdigest(), path)


def _comes_out(job: _Job, packed: bytes, press: compress.Press) -> bool:
    stall.watcher.moved(job.raw_length)
    total = hashlib.sha256()
    try:
        for piece in press.unpacked(packed):
            total.update(piece)
    except ValueError:
        return False
    return total.hexdigest() == job.sha256


def _taken(old: Segment) -> Placed:
    return Placed(old.raw_length, old.raw_sha256, old.length, old.sha256, old=old)
