"""The one place that starts programs, joins them and waits for them; outcome.py judges how they ended.

`read` observes and always runs; `run` and `pipe` change something and only print in a dry run; `attach`
gives a command the operator's terminal. A run that neither moves bytes nor uses the processor for
stall_seconds is ended and blamed. Whatever happens, no child outlives its run: it is ended in `finally`,
and by the kernel when this process is killed.
"""

import ctypes
import logging
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

import psutil
import sh

from scripts.errors import CommandError
from scripts.hosts import outcome, signals, stall
from scripts.hosts.command import Command
from scripts.hosts.conduct import conduct
from scripts.hosts.outcome import Running, Stage
from scripts.hosts.streams import Filter, Sink, Source

LOOK_SECONDS = 0.5       # how long a signal may wait while jobs run side by side
GRACE_SECONDS = 5        # between asking a program to end and killing it
PR_SET_PDEATHSIG = 1     # linux/prctl.h

logging.getLogger("sh").setLevel(logging.WARNING)  # sh logs argument lists at INFO
_libc = ctypes.CDLL(None, use_errno=True)


def read(command: Command, ok: Sequence[int] = (0,), on_stderr: Callable[[str], None] | None = None) -> bytes:
    """Return what a command that changes nothing prints; it runs in a dry run too.

    on_stderr gets the end of what it said there though it went well. Raises CommandError for a code outside ok.
    """
    return _carry_out([command], ok=ok, on_stderr=on_stderr)


def run(command: Command, ok: Sequence[int] = (0,)) -> bytes:
    """Run a command that changes something and return what it prints; in a dry run, only show it."""
    if conduct.dry_run:
        conduct.on_dry(command.shown)
        return b""
    return _carry_out([command], ok=ok)


def pipe(*stages: Command | Filter, out_of: IO[bytes] | None = None, into: IO[bytes] | Sink | None = None,
         ok: Sequence[int] = (0,)) -> bytes:
    """Join stages with pipes and wait for all; return what the last one prints unless it goes into a file.

    Raises the fault of the stage that failed first by itself. In a dry run the commands are shown and nothing happens.
    """
    if conduct.dry_run:
        conduct.on_dry(" | ".join(stage.shown for stage in stages if isinstance(stage, Command)))
        return b""
    return _carry_out(stages, out_of=out_of, into=into, ok=ok)


def attach(command: Command) -> int:
    """Give a command the operator's terminal and return its exit code."""
    conduct.on_start(command)
    try:
        with signals.left_to_program():
            sh.Command(command.argv[0], search_paths=_search_paths())(_words(command), _fg=True)
        code = 0
    except sh.ErrorReturnCode as error:
        code = error.exit_code
    conduct.on_end(command, code)
    return code


@contextmanager
def background(command: Command) -> Iterator[Callable[[], bool]]:
    """Let a program run while the block does, and end it then; lend a question that tells whether it still runs.

    For servers: how they end is not judged, and they may stand still. In a dry run the call is only shown.
    """
    if conduct.dry_run:
        conduct.on_dry(command.shown)
        yield lambda: False
        return
    running = _start_program(command, os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_WRONLY))
    stall.watcher.forget(running.process.pid)
    try:
        yield lambda: running.process.is_alive()[0]
    finally:
        _end([running])
        _wait(running)


def side_by_side(*jobs: Callable[[], object], at_once: int | None = None) -> list[object]:
    """Run jobs at the same time, at most at_once of them, and return their results in order.

    The first one that raises ends the programs of the others, and its fault is raised.
    """
    results: list[object] = [None] * len(jobs)
    faults: list[BaseException] = []
    above, group = _here.group, _Group()
    above.inner.append(group)
    if above.is_ended:
        group.end()
    places = iter(range(len(jobs)))
    taking = threading.Lock()

    def work() -> None:
        _here.group = group
        try:
            while not group.is_ended:
                with taking:
                    place = next(places, None)
                if place is None:
                    return
                results[place] = jobs[place]()
        except BaseException as fault:  # noqa: BLE001 - raised again in the caller's thread
            faults.append(fault)
            group.end()

    threads = [threading.Thread(target=work) for _ in range(at_once or len(jobs))]
    try:
        for thread in threads:
            thread.start()
        # A signal that comes just before a wait without end does not break it: Python would never look.
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(LOOK_SECONDS)
    finally:
        group.end()
        for thread in threads:
            thread.join()
        above.inner.remove(group)
    if faults:
        raise faults[0]
    return results


class _Group:
    """Programs that belong together: when one job of several fails, the others' are ended; jobs may have jobs."""

    def __init__(self) -> None:
        self.programs: list[Running] = []
        self.inner: list[_Group] = []
        self.is_ended = False

    def end(self) -> None:
        self.is_ended = True
        for group in [*self.inner]:
            group.end()
        _end(self.programs)


class _Here(threading.local):
    """The group of this thread."""

    def __init__(self) -> None:
        self.group = _Group()


_here = _Here()


def _carry_out(stages: Sequence[Command | Filter], *, out_of: IO[bytes] | None = None,
               into: IO[bytes] | Sink | None = None, ok: Sequence[int] = (0,),
               on_stderr: Callable[[str], None] | None = None) -> bytes:
    """Start every stage, collect the last one's output (or let it go into a file), wait, judge."""
    first = stages[0]
    if isinstance(first, Command) and first.stdin is not None:
        stages = [lambda source, sink: sink.write(first.stdin), *stages]
    started: list[Running | Stage] = []
    source = os.dup(out_of.fileno()) if out_of else os.open(os.devnull, os.O_RDONLY)
    try:
        for place, stage in enumerate(stages):
            is_last_into_file = into and place == len(stages) - 1
            following, sink = (None, os.dup(into.fileno())) if is_last_into_file else os.pipe()
            try:
                with signals.held_back():  # until it is known to whoever has to end it
                    started.append(_start(stage, source, sink))
            except BaseException:
                if following is not None:
                    os.close(following)
                raise
            source = following
        output = b"".join(Source(source).chunks()) if source is not None else b""
        codes = [_wait(one) for one in started]
        outcome.judge(started, codes, ok)
        if on_stderr:
            on_stderr(outcome.tail(started[-1].stderr))
        return output
    finally:
        programs = [one for one in started if isinstance(one, Running)]
        _end(programs)
        for one in started:
            _wait(one)
        for one in programs:
            one.stderr.close()


def _start(stage: Command | Filter, source: int, sink: int) -> Running | Stage:
    return _start_program(stage, source, sink) if isinstance(stage, Command) else _start_own(stage, source, sink)


def _start_program(command: Command, source: int, sink: int) -> Running:
    """Start a program on two descriptors, which are ours to close; raise CommandError when there is none."""
    if _here.group.is_ended:
        os.close(source)
        os.close(sink)
        raise CommandError(f"{command.shown}: not started, because a job beside it failed")
    conduct.on_start(command)
    stderr = tempfile.TemporaryFile()
    try:
        program = sh.Command(command.argv[0], search_paths=_search_paths())
        started = program(_words(command), _in=source, _out=sink, _err=stderr, _bg=True, _bg_exc=False,
                          _tty_out=False, _env=_environment(), _preexec_fn=_die_with_parent)
    except sh.CommandNotFound as error:
        conduct.on_end(command, 127)
        raise CommandError(f"{command.shown}: there is no program {command.argv[0]} on the manager. "
                           "What to install says: make doctor", code=127) from error
    except sh.ForkException as error:
        conduct.on_end(command, 126)
        reason = str(error).strip().splitlines()[-1].strip()
        raise CommandError(f"{command.shown[:200]}: cannot be started: {reason}", code=126) from error
    finally:
        os.close(source)
        os.close(sink)
    running = Running(command, started.process, stderr)
    _here.group.programs.append(running)
    if _here.group.is_ended:  # meanwhile: end() has not seen this one
        _end([running])
    stall.watcher.watch(running.process.pid, conduct.stall_seconds, lambda: _end_stalled(running))
    return running


def _start_own(stage: Filter, source: int, sink: int) -> Stage:
    """Run one of our own stages in a thread; what it raises is kept for the judge."""
    faults: list[BaseException] = []
    reading, writing = Source(source), Sink(sink)
    group = _here.group

    def work() -> None:
        _here.group = group
        try:
            stage(reading, writing)
        except BrokenPipeError:
            pass  # the reader is gone: its own exit code tells why
        except BaseException as fault:  # noqa: BLE001 - carried over to the judge
            faults.append(fault)
        finally:
            reading.close()
            writing.close()

    thread = threading.Thread(target=work)
    thread.start()
    return Stage(thread, faults)


def _wait(started: Running | Stage) -> int:
    """Wait for a stage; return a program's exit code, 0 for one of ours."""
    if isinstance(started, Stage):
        started.thread.join()
        return 0
    code = started.process.wait()
    stall.watcher.forget(started.process.pid)
    if started in _here.group.programs:  # else it was waited for before
        _here.group.programs.remove(started)
        conduct.on_end(started.command, code)
    return code


def _end_stalled(running: Running) -> None:
    running.stalled_seconds = conduct.stall_seconds
    _end([running])


def _end(programs: list[Running]) -> None:
    """End programs that still run, with all they started: asked first, killed after GRACE_SECONDS.

    What a shell or rsync started holds our pipes as well: were it left, we would wait for it.
    """
    alive = [member for one in programs if one.process.is_alive()[0] for member in stall.family(one.process.pid)]
    for sent in (signal.SIGTERM, signal.SIGKILL):
        for member in alive:
            with suppress(psutil.Error):
                member.send_signal(sent)
        deadline = time.monotonic() + GRACE_SECONDS
        while (alive := list(filter(stall.still_runs, alive))) and time.monotonic() < deadline:
            time.sleep(0.01)
    for one in programs:
        stall.watcher.forget(one.process.pid)


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class _Word(str):
    """A word that sh hands on byte by byte: names on a disk need not be valid UTF-8."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return os.fsencode(str(self))


def _words(command: Command) -> list[str]:
    # In a list: single arguments would be made plain strings by sh.
    return [_Word(word) for word in command.argv[1:]]


def _search_paths() -> list[str]:
    """Return PATH plus where Debian keeps servers: cron's PATH lacks the sbin folders."""
    return [*os.environ.get("PATH", "/usr/bin:/bin").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"]


def _environment() -> dict[str, str]:
    """Return our environment with messages in English, because some of them are read."""
    return {**os.environ, "LC_ALL": "C"}
