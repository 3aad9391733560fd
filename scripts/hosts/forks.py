"""Work in processes of its own, forked from this one: faults, signals and memory stay apart, what is loaded is shared.

A fork costs a hundredth of what a program of ours needs to start. It is made by the main thread alone, from a process
that does nothing beside it.
"""

import gc
import os
import select
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, NoReturn

from scripts.hosts import jobs, process, signals, stall
from scripts.hosts.command import Command
from scripts.hosts.conduct import conduct
from scripts.hosts.outcome import Running

BUG = 1


@dataclass(frozen=True)
class Work:
    """What is done in a process of its own; shown is how messages call it, name how `ps` and `top` do."""

    shown: str
    name: str
    do: Callable[[], object]


@dataclass(frozen=True)
class Ended:
    """How such a process ended: running has its stderr and tells of a failure; code is less than 0 for a signal."""

    place: int
    running: Running
    code: int
    stdout: bytes


class Fork:
    """A forked process, as outcome and jobs want a program."""

    def __init__(self, pid: int) -> None:
        self.pid, self._code = pid, None
        self._asking = threading.Lock()     # the one that ends what stands still asks too

    def is_alive(self) -> tuple[bool, int | None]:
        return self._ask(os.WNOHANG) is None, self._code

    def wait(self) -> int:
        return self._ask(0)

    def _ask(self, manner: int) -> int | None:
        with self._asking:
            if self._code is None:
                pid, status = os.waitpid(self.pid, manner)
                self._code = os.waitstatus_to_exitcode(status) if pid else None
            return self._code


def side_by_side(work: Sequence[Work], at_once: int, on_end: Callable[[Ended], None]) -> None:
    """Do all of it, at_once at a time, and tell of each as it ends; the main thread calls it.

    Should this process end before its time, or on_end raise, the others are ended too.
    """
    process.load()
    gc.freeze()     # the page of every object that a child's collector looks at would be copied
    waiting = list(enumerate(work))[::-1]
    running: dict[int, tuple[int, Running, IO[bytes]]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                place, one = waiting.pop()
                with signals.held_back():   # until it is known to whoever has to end it
                    started, said = _start(one)
                    running[os.pidfd_open(started.process.pid)] = (place, started, said)
            # A signal that comes just before a wait without end does not break it: Python would never look.
            for exits in select.select([*running], (), (), jobs.LOOK_SECONDS)[0]:
                _tell(*running[exits], on_end)
                running.pop(exits)
                os.close(exits)
    finally:
        jobs.end([started for _, started, _ in running.values()])
        for exits, (_, started, said) in running.items():
            process.wait(started)
            os.close(exits)
            started.stderr.close()
            said.close()


def _tell(place: int, started: Running, said: IO[bytes], on_end: Callable[[Ended], None]) -> None:
    code = process.wait(started)
    with said, started.stderr:
        said.seek(0)
        on_end(Ended(place, started, code, said.read()))


def _start(work: Work) -> tuple[Running, IO[bytes]]:
    command = Command(("fork",), work.shown)
    conduct.on_start(command)
    said, complained, parent = tempfile.TemporaryFile(), tempfile.TemporaryFile(), os.getpid()
    pid = os.fork()
    if not pid:
        _become(work, parent, said, complained)
    started = Running(command, Fork(pid), complained)
    jobs.here.group.programs.append(started)
    process.watch(started)
    return started, said


def _become(work: Work, parent: int, said: IO[bytes], complained: IO[bytes]) -> NoReturn:
    """Do the work as a process that has just been started, and never come back."""
    code = BUG
    try:
        process.die_with_parent()
        process.be_called(work.name)
        if os.getppid() != parent:
            os._exit(code)
        _begin_anew(said, complained)
        work.do()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else BUG if end.code else 0
    except BaseException:  # noqa: BLE001 - whatever it is must not go on in the parent's name
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:  # a full disk; nobody may come back from here
                code = code or BUG
        os._exit(code)


def _begin_anew(said: IO[bytes], complained: IO[bytes]) -> None:
    """Leave the parent what is its own: signals, streams, programs."""
    for sent in signals.ENDING:
        signal.signal(sent, signal.SIG_DFL)
    with open(os.devnull, "rb") as nothing:
        for number, file in enumerate((nothing, said, complained)):
            os.dup2(file.fileno(), number)
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
                              for number in (1, 2))
    stall.watcher = stall.StallWatch()
    jobs.here.group = jobs.Group()
