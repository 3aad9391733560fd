"""A terminal with somebody at it: waits for a question, types an answer, keeps what was shown."""

import os
import pty
import select
import signal
import time

LONGEST_WAIT = 60  # seconds for one answer of the program; a loaded machine with two cores


class Terminal:
    """with Terminal(["make", ...], environment) as terminal: … ; shown is everything that was on the screen."""

    def __init__(self, words: list[str], environment: dict[str, str]) -> None:
        self.shown = ""
        self._seen = 0
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            os.execvpe(words[0], words, environment)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_fault: object) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._screen)

    def asks(self, question: str) -> None:
        """Wait until this is shown, after what was waited for before."""
        while question not in self.shown[self._seen:]:
            assert self._read(), f"{question!r} was not asked, but:\n{self.shown[self._seen:]}"
        self._seen = self.shown.index(question, self._seen) + len(question)

    def answer(self, question: str, answer: str = "") -> None:
        """Wait for a question and type an answer; nothing takes the default."""
        self.asks(question)
        self.asks(": ")
        self.type(f"{answer}\n")

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._screen, keys.encode())

    def ends(self) -> int:
        """Wait for the end and return the exit code."""
        while self._read():
            pass
        pid, self._pid = self._pid, 0
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def _read(self) -> bool:
        deadline = time.monotonic() + LONGEST_WAIT
        ready, _, _ = select.select([self._screen], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"nothing happens any more after:\n{self.shown}"
        try:
            text = os.read(self._screen, 1 << 16).decode("utf-8", "replace").replace("\r\n", "\n")
        except OSError:  # how Linux tells that nobody has the terminal open any more
            return False
        self.shown += text
        return bool(text)


def type_at(words: list[str], environment: dict[str, str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run a program at a terminal of its own; return its exit code and all that was shown.

    answers are pairs: what must have been shown since the last one, and the keys that are then pressed.
    """
    with Terminal(words, environment) as terminal:
        for question, keys in answers:
            terminal.asks(question)
            terminal.type(keys)
        return terminal.ends(), terminal.shown
