"""The one place that starts programs, joins them and waits for them; outcome.py judges how they ended.

`read` observes and always runs; `run` and `pipe` change something and only print in a dry run; `attach`
gives a command the operator's terminal. A run that neither moves bytes nor uses the processor for
stall_seconds is ended and blamed. Whatever happens, no child outlives its run: it is ended in `finally`,
and by the kernel when this process is killed.
"""

import logging
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import IO

from scripts.errors import CommandError
from scripts.hosts import outcome, signals, stall
from scripts.hosts.command import Command
from scripts.hosts.conduct import conduct
from scripts.hosts.jobs import end, here, side_by_side
from scripts.hosts.outcome import Running, Stage
from scripts.hosts.streams import Filter, Sink, Source

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15    # linux/prctl.h

__all__ = ["attach", "background", "be_called", "conduct", "die_with_parent", "load", "pipe", "read", "read_through",
           "run", "side_by_side", "start", "wait", "watch"]

logging.getLogger("sh").setLevel(logging.WARNING)  # sh logs argument lists at INFO


def read(command: Command, ok: Sequence[int] = (0,), on_stderr: Callable[[str], None] | None = None) -> bytes:
    """Return what a command that changes nothing prints; it runs in a dry run too.

    on_stderr gets the end of what it said there though it went well. Raises CommandError for a code outside ok.
    """
    return _carry_out([command], ok=ok, on_stderr=on_stderr)


def read_through(command: Command, *stages: Filter) -> None:
    """Let stages of ours take what a command prints that changes nothing; all run in a dry run too."""
    _carry_out([command, *stages])


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
    import sh
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
    running = start(command, os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_WRONLY))
    stall.watcher.forget(running.process.pid)
    try:
        yield lambda: running.process.is_alive()[0]
    finally:
        end([running])
        wait(running)


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
            with signals.held_back():  # until it is known to whoever has to end it
                following, sink = (None, os.dup(into.fileno())) if is_last_into_file else os.pipe()
                given, source = source, following
                started.append(_start(stage, given, sink))
        output = b"".join(Source(source, is_ours=False).chunks()) if source is not None else b""
        codes = [wait(one) for one in started]
        outcome.judge(started, codes, ok)
        if on_stderr:
            on_stderr(outcome.tail(started[-1].stderr))
        return output
    finally:
        if source is not None:  # first: a stage that writes into it would never end, and we would wait for it
            os.close(source)
        programs = [one for one in started if isinstance(one, Running)]
        end(programs)
        for one in started:
            wait(one)
        for one in programs:
            one.stderr.close()


def _start(stage: Command | Filter, source: int, sink: int) -> Running | Stage:
    return start(stage, source, sink) if isinstance(stage, Command) else _start_own(stage, source, sink)


def start(command: Command, source: int, sink: int, *, ends_with_thread: bool = True) -> Running:
    """Start a program that reads source and writes sink, two descriptors that are ours to close.

    For this folder; who starts one calls `wait`. The kernel ends it with the thread that starts it: one that others
    shall use must be of those that end with their input. Raises CommandError when there is no such program.
    """
    try:
        running = _started(command, source, sink, ends_with_thread)
    finally:  # whatever went wrong: a stage at the other end of one that stays open waits for ever
        os.close(source)
        os.close(sink)
    here.group.programs.append(running)
    if here.group.is_ended:  # meanwhile: end() has not seen this one
        end([running])
    watch(running)
    return running


def _started(command: Command, source: int, sink: int, ends_with_thread: bool) -> Running:
    import sh  # here, and what _libc loads: verbs that only show what is known start no program
    _libc()    # before there is a child, which only calls
    "".encode(sh.DEFAULT_ENCODING)  # sh does so in the child, which would wait for ever where a thread loads that codec
    if here.group.is_ended:
        raise CommandError(f"{command.shown}: not started, because a job beside it failed")
    conduct.on_start(command)
    stderr = tempfile.TemporaryFile()
    try:
        program = sh.Command(command.argv[0], search_paths=_search_paths())
        started = program(_words(command), _in=source, _out=sink, _err=stderr, _bg=True, _bg_exc=False,
                          _tty_out=False, _env=_environment(),
                          _preexec_fn=die_with_parent if ends_with_thread else None)
    except sh.CommandNotFound as error:
        conduct.on_end(command, 127)
        raise CommandError(f"{command.shown}: there is no program {command.argv[0]} on the manager. "
                           "What to install says: make doctor", code=127) from error
    except sh.ForkException as error:
        conduct.on_end(command, 126)
        reason = str(error).strip().splitlines()[-1].strip()
        raise CommandError(f"{command.shown[:200]}: cannot be started: {reason}", code=126) from error
    return Running(command, started.process, stderr)


def watch(running: Running) -> None:
    """End a program, and blame it, when the run stands still; until it is waited for or forgotten by the watcher."""
    stall.watcher.watch(running.process.pid, conduct.stall_seconds, lambda: _end_stalled(running))


def _start_own(stage: Filter, source: int, sink: int) -> Stage:
    """Run one of our own stages in a thread; what it raises is kept for the judge."""
    faults: list[BaseException] = []
    reading, writing = Source(source), Sink(sink)
    group = here.group

    def work() -> None:
        here.group = group
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
    try:
        thread.start()
    except BaseException:  # there may be no room for another thread
        reading.close()
        writing.close()
        raise
    return Stage(thread, faults)


def wait(started: Running | Stage) -> int:
    """Wait for a stage; return a program's exit code, 0 for one of ours."""
    if isinstance(started, Stage):
        started.thread.join()
        return 0
    code = started.process.wait()
    stall.watcher.forget(started.process.pid)
    if started in here.group.programs:  # else it was waited for before
        here.group.programs.remove(started)
        conduct.on_end(started.command, code)
    return code


def _end_stalled(running: Running) -> None:
    running.stalled_seconds = conduct.stall_seconds
    end([running])


def load() -> None:
    """Load what starting and ending programs takes, so that forks of this process need not."""
    import psutil  # noqa: F401
    import sh  # noqa: F401
    _libc()


def die_with_parent() -> None:
    """Let the kernel end this process when the one that started it is killed."""
    _libc().prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def be_called(name: str) -> None:
    """Give this process a name for ps and top; the kernel keeps the first 15 bytes."""
    _libc().prctl(PR_SET_NAME, name.encode())


@cache
def _libc():
    import ctypes
    return ctypes.CDLL(None, use_errno=True)


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
