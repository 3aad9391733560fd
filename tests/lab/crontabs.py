"""A crontab that tests may write: the real program's, of the lab's user. Whoever runs the tests keeps their own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.accounts import lab_user
from tests.lab.processes import find_program


@dataclass
class Crontab:
    """The account's crontab; path is a PATH on which `crontab` is the real program for that account."""

    path: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        done = subprocess.run([*self.words, "-l"], capture_output=True, text=True)
        return done.stdout

    def set(self, text: str) -> None:
        """Put a crontab in place, none for an empty text."""
        if text:
            subprocess.run([*self.words, "-"], input=text, text=True, check=True)
        else:
            subprocess.run([*self.words, "-r"], capture_output=True)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": self.path}


@contextmanager
def opened(folder: Path) -> Iterator[Crontab]:
    """Yield an empty crontab, for one test run of this machine at a time; what was there is put back."""
    with open(Path(tempfile.gettempdir()) / f"trim-lab-crontab-{os.geteuid()}", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        program = find_program("crontab")
        words = (program, "-u", lab_user()) if os.geteuid() == 0 else (program,)
        shim = folder / "bin" / "crontab"
        shim.parent.mkdir(parents=True, exist_ok=True)
        shim.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
        shim.chmod(0o755)
        crontab = Crontab(f"{shim.parent}:/usr/local/bin:/usr/bin:/bin", words)
        before = crontab.text
        crontab.set("")
        try:
            yield crontab
        finally:
            crontab.set(before)
