"""A person at a terminal: types an answer when its question is there."""

import os
import pty
import select
from contextlib import suppress

LONGEST_WAIT = 60  # seconds without a sign; the machine may be busy


def type_at(words: list[str], environment: dict[str, str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run a program at a terminal of its own; return its exit code and all that was shown.

    answers are pairs: what must have been shown since the last one, and what is then typed.
    """
    pid, terminal = pty.fork()
    if not pid:
        os.execvpe(words[0], words, environment)
    shown, seen = "", 0
    try:
        for question, answer in answers:
            while question not in shown[seen:]:
                shown += _read(terminal, shown)
            seen = shown.index(question, seen) + len(question)
            os.write(terminal, answer.encode())
        with suppress(OSError):  # what Linux says when nobody is left at the other end
            while True:
                shown += _read(terminal, shown)
    finally:
        os.close(terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, shown.replace("\r\n", "\n")


def _read(terminal: int, shown: str) -> str:
    ready, _, _ = select.select([terminal], [], [], LONGEST_WAIT)
    assert ready, f"nothing more came after: {shown}"
    return os.read(terminal, 4096).decode("utf-8", "replace")
