"""Judges how the stages of a pipe ended: which one is to blame, and what to say of it."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from scripts.errors import CommandError
from scripts.hosts.command import Command

STDERR_TAIL = 2000       # characters; fits a mail and shows the whole of a mysqldump error
STDERR_WHOLE = 4 << 20   # of who has to read every line: tar names each of the files that vanished
SIGPIPE_CODES = (-13, 141)
READER_GONE = ("errno 32 on write", "Broken pipe")     # mariadb-dump's words, and those of most others
SSH_FAILED = 255         # ssh's own code; a remote program ended by a signal gives it too
SSH_LOST = "the ssh connection broke, or it was ended there"     # ssh itself says nothing then
# ssh's word for a shared connection that takes no more sessions (sshd's MaxSessions); it then makes one of its own.
NO_FAULT = "mux_client_request_session: session request failed"


@dataclass(eq=False)
class Running:
    """A started program, with what is needed to judge it later.

    process is sh's own object: its wait() gives the code without raising. stalled_seconds is how long it stood still
    before it was ended for that; 0 when it did not.
    """

    command: Command
    process: object
    stderr: IO[bytes]
    stalled_seconds: float = 0

    def fault(self, code: int) -> CommandError:
        """Return what to say of this program's failure."""
        if self.stalled_seconds:
            return CommandError(f"{self.command.shown}: moved no bytes and used no processor time for "
                                f"{self.stalled_seconds:.0f} seconds and was ended", code=code)
        said = tail(self.stderr)
        line = " / ".join(line.strip() for line in said.splitlines() if line.strip())
        ending = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if code == SSH_FAILED and not line and self.command.argv[0] == "ssh":
            line = SSH_LOST
        return CommandError(f"{self.command.shown}: {ending}" + (f": {line}" if line else ""), code=code, stderr=said,
                            whole_stderr=tail(self.stderr, STDERR_WHOLE))


@dataclass(eq=False)
class Stage:
    """One of our own stages at work in its thread."""

    thread: threading.Thread
    faults: list[BaseException]


def judge(started: list[Running | Stage], codes: list[int], ok: Sequence[int]) -> None:
    """Raise the fault of the first stage that failed by itself.

    Where one of our own stages could not write, a full disk for example, the programs before it only tell of a
    broken pipe, each in its own words.
    """
    for one in started:
        if isinstance(one, Stage) and one.faults and isinstance(one.faults[0], OSError):
            raise one.faults[0]
    consequences: list[CommandError] = []
    for place, (one, code) in enumerate(zip(started, codes)):
        if isinstance(one, Stage):
            if one.faults:
                raise one.faults[0]
        elif code not in ok or one.stalled_seconds:
            fault = one.fault(code)
            is_last = place == len(started) - 1
            if is_last or one.stalled_seconds or not _is_consequence(code, fault.stderr):
                raise fault
            consequences.append(fault)
    if consequences:
        raise consequences[0]


def _is_consequence(code: int, stderr: str) -> bool:
    """Tell whether a stage may have ended only because the one that reads it did."""
    return code in SIGPIPE_CODES or (code == SSH_FAILED and not stderr.strip()) \
        or any(words in stderr for words in READER_GONE)


def tail(stderr: IO[bytes], most: int = STDERR_TAIL) -> str:
    """Return the end of what a program said on stderr, from a line's start; not what only seems to be a fault."""
    size = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, size - most))
    text = stderr.read().decode("utf-8", "replace")
    text = text.split("\n", 1)[-1] if size > most else text
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(NO_FAULT))
