"""A program that is started once and asked many times; what it costs to start is paid for the first question alone.

For programs that answer from their input, line by line, and end when it does: so one does not outlive a killed run.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from scripts.errors import CommandError
from scripts.hosts import outcome, process, signals, stall
from scripts.hosts.command import Command
from scripts.hosts.conduct import conduct
from scripts.hosts.jobs import end, here
from scripts.hosts.outcome import Running
from scripts.hosts.streams import CHUNK

LONGEST_QUESTION = 1 << 15   # bytes; half of what a pipe holds: the program need not read while we write
LONGEST_PAUSE = 20           # seconds; what has stood still for longer may have been given up by its other side
LEAVING_SECONDS = 2          # that a program may take to end once its input has ended


class Dialogue:
    """One such program. Only one may ask at a time: who finds it busy must do without."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._taken = threading.Lock()
        self._running: Running | None = None
        self._asking = self._answering = -1
        self._since = 0.0

    def ask(self, question: bytes, is_whole: Callable[[bytes], bool]) -> bytes | None:
        """Return the answer, or what there is of it when the program ended with 0; None when it cannot be asked now.

        is_whole tells whether an answer is at its end. Raises CommandError when the program failed; the next question
        starts it anew.
        """
        if len(question) > LONGEST_QUESTION or not self._taken.acquire(blocking=False):
            return None
        try:
            return self._asked(question, is_whole)
        except BaseException:
            self._close()
            raise
        finally:
            self._taken.release()

    def close(self) -> None:
        """Let the program end."""
        with self._taken:
            self._close()

    def _asked(self, question: bytes, is_whole: Callable[[bytes], bool]) -> bytes:
        if self._running and (self._is_old() or not self._running.process.is_alive()[0]):
            self._close()
        if self._running:
            self._join()
        else:
            self._start()
        running = self._running
        try:
            with suppress(BrokenPipeError):   # it ended: its exit code and its words tell why
                os.write(self._asking, question)
            answer = self._answer(is_whole)
            if not is_whole(answer):
                outcome.judge([running], [process.wait(running)], ok=(0,))
            return answer
        finally:
            self._leave(running)

    def _is_old(self) -> bool:
        return time.monotonic() - self._since > LONGEST_PAUSE

    def _answer(self, is_whole: Callable[[bytes], bool]) -> bytes:
        answer = bytearray()
        while data := os.read(self._answering, CHUNK):
            stall.watcher.moved(len(data))
            answer += data
            if is_whole(answer):
                break
        return bytes(answer)

    def _start(self) -> None:
        source, asking = os.pipe()
        answering, sink = os.pipe()
        self._asking, self._answering = asking, answering
        with signals.held_back():
            self._running = process.start(self._command, source, sink, ends_with_thread=False)

    def _join(self) -> None:
        """Make the program one of those that end when a job beside this one fails, and that may not stand still."""
        if here.group.is_ended:
            raise CommandError(f"{self._command.shown}: not asked, because a job beside it failed")
        conduct.on_start(self._command)
        process.watch(self._running)
        here.group.programs.append(self._running)

    def _leave(self, running: Running) -> None:
        self._since = time.monotonic()
        stall.watcher.forget(running.process.pid)
        if running in here.group.programs:
            here.group.programs.remove(running)
            conduct.on_end(self._command, 0)

    def _close(self) -> None:
        """End the program: it leaves when its input ends, and is made to when it does not."""
        running, self._running = self._running, None
        for descriptor in (self._asking, self._answering):
            if descriptor >= 0:
                os.close(descriptor)
        self._asking = self._answering = -1
        if running is None:
            return
        deadline = time.monotonic() + LEAVING_SECONDS
        while running.process.is_alive()[0] and time.monotonic() < deadline:
            time.sleep(0.002)
        end([running])
        process.wait(running)
        running.stderr.close()
