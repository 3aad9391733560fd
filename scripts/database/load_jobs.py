"""What the connections of one load have to do: jobs, which of them must wait for others, and who does which.

One thread reads the dump and adds jobs, one thread a connection takes them. Only so many bytes wait in memory; what
lies in a file waits there.
"""

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

WAITING_BYTES = 24 << 20   # how far the reader may be ahead: a few statements for each connection


class Ended(Exception):
    """Another part of the load failed, and tells why."""


@dataclass(frozen=True)
class Blob:
    """Bytes of a dump, about a table, that begin on a line of it; without data they are in the file from offset on."""

    table: str
    line: int
    size: int
    data: bytes | None = None
    offset: int = 0


@dataclass(eq=False)
class Job:
    """What one connection does in one go, once all of needs are done; it is done when the server said so.

    What the same connection was told before is as good as done. behind is a job whose connection has to do this one
    too.
    """

    table: str
    needs: tuple["Job", ...] = ()
    behind: "Job | None" = None
    blobs: deque[Blob] = field(default_factory=deque)
    size: int = 0
    is_whole: bool = False
    is_done: bool = False
    taken_by: int | None = None


class Jobs:
    """Hands out jobs to at most `most` connections, numbered from 0; file is what the dump is read from, if it is one.

    The second and later connections are wanted only when `want_more` was called.
    """

    def __init__(self, most: int, file: int | None = None) -> None:
        self.most = most
        self._file = file
        self._changed = threading.Condition()
        self._open: list[Job] = []        # not taken
        self._undone: set[Job] = set()
        self._waiting = 0                 # bytes in memory
        self._let_in: set[int] = set()
        self._gone: set[int] = set()
        self._is_more_wanted = self._is_complete = self._is_ended = False
        self.head: bytes | None = None

    # The reader's side

    def begin(self, head: bytes) -> None:
        """Let connections begin; head is what each of them is told first."""
        with self._changed:
            self.head = head
            self._changed.notify_all()

    def want_more(self) -> None:
        """Say that there is enough to do for all connections."""
        with self._changed:
            self._is_more_wanted = True
            self._changed.notify_all()

    def add(self, job: Job) -> Job:
        """Offer a job; bytes may be put to it until it is closed."""
        with self._changed:
            self._refuse_ended()
            self._open.append(job)
            self._undone.add(job)
            self._changed.notify_all()
        return job

    def put(self, job: Job, table: str, line: int, data: bytes, offset: int | None = None) -> None:
        """Add bytes to a job; waits while too many wait already. offset is where they are in the file."""
        in_file = self._file is not None and offset is not None
        with self._changed:
            # A connection that has nothing left of its job gets something, or both would wait for each other.
            while not in_file and self._waiting + len(data) > WAITING_BYTES and self._waiting and not self._is_ended \
                    and (job.taken_by is None or job.blobs):
                self._changed.wait()
            self._refuse_ended()
            job.blobs.append(Blob(table, line, len(data), None if in_file else data, offset or 0))
            job.size += len(data)
            self._waiting += 0 if in_file else len(data)
            self._changed.notify_all()

    def close(self, job: Job) -> None:
        """Say that a job has all its bytes."""
        with self._changed:
            job.is_whole = True
            self._changed.notify_all()

    def wait_for_others(self, job: Job) -> None:
        """Return when all jobs but this one are done, or come before it on the same connection."""
        with self._changed:
            while not self._is_behind_all(job):
                self._refuse_ended()
                self._changed.wait()

    def _is_behind_all(self, job: Job) -> bool:
        others = self._undone - {job}
        numbers = {other.taken_by for other in others}
        if others and job.taken_by is None and job.behind is None and len(numbers) == 1 and None not in numbers:
            job.behind = next(iter(others))
        number = job.behind.taken_by if job.behind else job.taken_by
        return numbers <= {number} - {None}

    def complete(self) -> None:
        """Say that there are no more jobs."""
        with self._changed:
            self._is_complete = True
            self._changed.notify_all()

    # A connection's side

    def is_wanted(self, number: int) -> bool:
        """Wait until it is known whether there is something to do for a connection."""
        with self._changed:
            while not self._is_ended:
                if number == 0 and self.head is not None:
                    return True
                # The first one has to be in: an account may have no more than that.
                if number and self._is_more_wanted and 0 in self._let_in and self._open:
                    return True
                if number and self._is_complete and not (self._is_more_wanted and self._open):
                    return False
                self._changed.wait()
            return False

    def enter(self, number: int) -> None:
        """Say that the server let a connection in."""
        with self._changed:
            self._let_in.add(number)
            self._changed.notify_all()

    def leave(self, number: int) -> None:
        """Say that a connection is gone: who waits to tell it something need not."""
        with self._changed:
            self._gone.add(number)
            self._changed.notify_all()

    def is_let_in(self, number: int) -> bool:
        """Wait until the server let a connection in, or nothing is left to do; tell whether it did."""
        with self._changed:
            while number not in self._let_in | self._gone and not (self._is_complete and not self._open):
                self._refuse_ended(number)
                self._changed.wait()
            return number in self._let_in

    def take(self, number: int) -> Job | None:
        """Return the next job for a connection, waiting until there is one; None when there will be none."""
        with self._changed:
            while True:
                self._refuse_ended(number)
                # One that still grows may come to wait for all others: it is taken when they are.
                is_last = len(self._open) == 1
                ready = [job for job in self._open if (job.is_whole or is_last) and _may_begin(job, number)]
                if ready:
                    job = self._best(ready)
                    job.taken_by = number
                    self._open.remove(job)
                    self._changed.notify_all()
                    return job
                if self._is_complete and not self._open:
                    return None
                self._changed.wait()

    def blobs(self, job: Job) -> Iterator[tuple[str, int, bytes]]:
        """Yield the bytes of a job as they come, with the table they are about and the line of the dump."""
        while True:
            with self._changed:
                while not job.blobs and not job.is_whole:
                    self._refuse_ended(job.taken_by)
                    self._changed.wait()
                self._refuse_ended(job.taken_by)
                if not job.blobs:
                    return
                blob = job.blobs.popleft()
            yield blob.table, blob.line, self._read(blob) if blob.data is None else blob.data
            if blob.data is not None:
                with self._changed:
                    self._waiting -= blob.size
                    self._changed.notify_all()

    def done(self, job: Job) -> None:
        """Say that the server has done a job."""
        with self._changed:
            job.is_done = True
            self._undone.discard(job)
            self._changed.notify_all()

    def end(self) -> None:
        """Let everybody stop: the load has failed."""
        with self._changed:
            self._is_ended = True
            self._changed.notify_all()

    def undone(self) -> Iterable[Job]:
        """Return the jobs that the server did not do."""
        return set(self._undone)

    def _best(self, ready: list[Job]) -> Job:
        """Return the job to begin with: from a stream the first one, which frees memory, else the largest."""
        return ready[0] if self._file is None else max(ready, key=lambda job: job.size)

    def _read(self, blob: Blob) -> bytes:
        data = os.pread(self._file, blob.size, blob.offset)
        if len(data) != blob.size:
            raise OSError(f"the dump became shorter while it was loaded, at byte {blob.offset}")
        return data

    def _refuse_ended(self, number: int | None = None) -> None:
        if self._is_ended:
            raise Ended
        if number in self._gone:
            raise BrokenPipeError  # as a write to its program would; its exit code tells why


def _may_begin(job: Job, number: int) -> bool:
    is_ours = job.behind is None or job.behind.taken_by == number
    return is_ours and all(needed.is_done or needed.taken_by == number for needed in job.needs)
