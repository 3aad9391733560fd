"""The log of one run: what was called, how it ended, what was said."""

import os
import re
import sys
import time
import traceback
from contextlib import suppress
from itertools import dropwhile
from pathlib import Path

from scripts.errors import Fault, of_os_error
from scripts.hosts.local import MANAGER
from scripts.registry.settings import Settings

LOGIN = re.compile(r"(?<=://)[^/\s?#]+(?=@)")   # in an address
PART = "== "    # begins the line that says which of several instances is next


def covered(word: str) -> str:
    """Return a word of the command line without what no log may hold: logins in addresses, answers to mods."""
    return "--set=***" if word.startswith("--set=") else LOGIN.sub("***", word)


def called() -> list[str]:
    """Return the words of this call, the verb first: invoke's own switches stand before it."""
    return list(dropwhile(lambda word: word.startswith("-"), sys.argv[1:]))


class RunLog:
    """The log of one run: var/logs/MOMENT_VERB_PID.log, readable by us alone."""

    def __init__(self, verb_name: str) -> None:
        self.path = Path(f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{verb_name}_{os.getpid()}.log")
        self._descriptor: int | None = None

    def open(self, settings: Settings) -> None:
        folder = settings.state / "logs"
        MANAGER.make_folder(str(folder), 0o700)
        self.path = folder / self.path
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.write(" ".join(covered(word) for word in called()))

    def write(self, line: str) -> None:
        """Add a line. A disk that is full must not turn the fault that tells of it into another one."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.write(self._descriptor, f"{time.strftime('%H:%M:%S')} {line}\n".encode("utf-8", "backslashreplace"))

    def fault_of(self, error: Fault | OSError) -> Fault:
        """Return the fault to tell; what the system refused leaves its traceback here, in case it is our own fault."""
        if isinstance(error, Fault):
            return error
        self.write(traceback.format_exc())
        return of_os_error(error)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
