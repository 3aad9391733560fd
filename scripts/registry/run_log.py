"""The log of one run: what was called, how it ended, what was said."""

import os
import sys
import time
import traceback
from pathlib import Path

from scripts.errors import Fault, of_os_error
from scripts.hosts.host import MANAGER
from scripts.registry.settings import Settings


class RunLog:
    """The log of one run: var/logs/MOMENT_VERB_PID.log, readable by us alone."""

    def __init__(self, verb_name: str) -> None:
        self.path = Path(f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{verb_name}_{os.getpid()}.log")
        self._file = None

    def open(self, settings: Settings) -> None:
        folder = settings.state / "logs"
        MANAGER.make_folder(str(folder), 0o700)
        self.path = folder / self.path
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = open(descriptor, "a", encoding="utf-8", errors="backslashreplace")
        self.write(f"{' '.join(sys.argv[1:])}")

    def write(self, line: str) -> None:
        if self._file:
            self._file.write(f"{time.strftime('%H:%M:%S')} {line}\n")
            self._file.flush()

    def fault_of(self, error: Fault | OSError) -> Fault:
        """Return the fault to tell; what the system refused leaves its traceback here, in case it is our own fault."""
        if isinstance(error, Fault):
            return error
        self.write(traceback.format_exc())
        return of_os_error(error)

    def close(self) -> None:
        if self._file:
            self._file.close()
