"""Packs pieces of a stream, each by itself, on all cores, and takes those that the previous archive has out of it.

The pieces wait as files in a scratch folder, so that the memory they take is no matter of how many there are. Programs
pack several at a time, one program a core: starting one costs as much as packing a fifth of a piece.
"""

import collections
import hashlib
import os
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.hosts import jobs, process, signals, stall
from scripts.hosts.jobs import Group
from scripts.store import compress
from scripts.store.index import CHUNK, Segment
from scripts.store.previous import Previous
from scripts.store.sizes import SIZES

BATCH = {"bz2": 16, "zst": 4}   # pieces that one program packs; about half a second


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


class Packer:
    """with Packer(...) as packer: packer.submit(raw) ... ; several threads may submit.

    scratch is a folder of the manager; what is new lies there until its `remove`. previous is None without one.
    """

    def __init__(self, packed_as: str, scratch: Path, previous: Previous | None = None) -> None:
        self.packed_as, self.sizes, self.previous = packed_as, SIZES[packed_as], previous
        self._folder = scratch / "segments"
        self._cores = len(os.sched_getaffinity(0))
        self._most_waiting = 2 * self._cores * BATCH[packed_as]
        self._waiting: collections.deque[tuple[str, int, str, Future[Placed]]] = collections.deque()
        self._change = threading.Condition()
        self._count, self._is_closed = 0, False
        self._fault: BaseException | None = None
        self._group = Group()

    def __enter__(self) -> Self:
        self._folder.mkdir(mode=0o700)
        self._above = jobs.here.group
        self._above.inner.append(self._group)
        self._threads = [threading.Thread(target=self._work) for _ in range(self._cores)]
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

    def submit(self, raw: bytes | bytearray | memoryview) -> "Future[Placed]":
        """Have a piece packed; waits while many others wait. raw may be used again at once.

        The future raises what packing it raised.
        """
        placed: Future[Placed] = Future()
        digest = hashlib.sha256(raw).hexdigest()
        old = self.previous.with_content(digest, len(raw)) if self.previous else None
        if old:
            placed.set_result(Placed(len(raw), digest, old.length, old.sha256, old=old))
            return placed
        with self._change:
            self._change.wait_for(lambda: self._fault or len(self._waiting) < self._most_waiting)
            self._count += 1
            path = str(self._folder / str(self._count))
        if not self._fault:
            with open(path, "wb") as file:     # buffered: it writes all or raises, where a disk is full
                file.write(raw)
        with self._change:
            if self._fault:     # also one that came meanwhile: nobody would pack this any more
                raise self._fault
            self._waiting.append((path, len(raw), digest, placed))
            self._change.notify_all()
        return placed

    def _work(self) -> None:
        jobs.here.group = self._group
        while batch := self._next_batch():
            try:
                process.read(compress.packing(self.packed_as, [path for path, *_ in batch]))
                for path, length, digest, placed in batch:
                    os.unlink(path)
                    placed.set_result(self._placed(path + compress.ENDING[self.packed_as], length, digest))
            except BaseException as fault:  # noqa: BLE001 - carried over to who waits for it
                self._fail(fault, [placed for *_, placed in batch])

    def _next_batch(self) -> list[tuple[str, int, str, "Future[Placed]"]]:
        """Return what one program packs next, each core its share of what waits; nothing when all is done."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._is_closed)
            if self._fault:
                return []
            share = min(BATCH[self.packed_as], -(-len(self._waiting) // self._cores))
            batch = [self._waiting.popleft() for _ in range(share)]
            self._change.notify_all()
            return batch

    def _placed(self, path: str, raw_length: int, raw_sha256: str) -> Placed:
        total, length = hashlib.sha256(), 0
        with open(path, "rb", buffering=0) as file:
            while data := file.read(CHUNK):
                total.update(data)
                length += len(data)
        stall.watcher.moved(length)
        return Placed(raw_length, raw_sha256, length, total.hexdigest(), path)

    def _fail(self, fault: BaseException, futures: list["Future[Placed]"]) -> None:
        with self._change:
            self._fault = self._fault or fault
            futures += [placed for *_, placed in self._waiting]
            self._waiting.clear()
            self._change.notify_all()
        for future in futures:
            if not future.done():
                future.set_exception(fault)
