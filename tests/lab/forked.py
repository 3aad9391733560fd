"""Runs a verb in a fork of this process, from its task to its exit code: a quarter of a second less than make.

The child has the environment of a cron job, a PATH of the caller's choice, and none of what its parent knows from
earlier runs.
"""

from __future__ import annotations

import codecs
import ctypes
import dataclasses
import os
import pwd
import select
import signal
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import sh

import tasks
from scripts import edge
from scripts.database import programs
from scripts.hosts import stall
from scripts.hosts.conduct import Conduct, conduct
from scripts.present import output
from scripts.verbs import (
    archives,
    backup,
    blank,
    clone,
    instance,
    maintenance,
    promote,
    prove,
    refresh,
    restore,
    rollback,
    takeover,
    update,
    upgrade,
)
from tests.lab.processes import PR_SET_PDEATHSIG
from tests.lab.shims import Shims
from tests.lab.sshd import SYSTEM_PATH

# tasks.py imports them when they are called.
WARM = (archives, backup, blank, clone, instance, maintenance, promote, prove, refresh, restore, rollback,
        takeover, update, upgrade)
MARK = "TRIM_LAB_RUN"      # in the environment of all that a run starts on this side
LONGEST_RUN = 300          # seconds; a busy machine with two cores


@dataclass(frozen=True)
class Ended:
    """How a run ended. code is the exit code, negative when a signal ended it."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def is_success(self) -> bool:
        return self.code == 0

    @property
    def is_bug(self) -> bool:
        return self.code == edge.BUG or "a fault of TRIM itself" in self.stderr or "Traceback" in self.stderr


def run(top: Path, verb: str, /, shims: Shims | None = None, environment: dict[str, str] | None = None,
        account: str = "", **variables: str) -> Ended:
    """Run `make VERB VARIABLES` of the toolkit at top; a shim may ask for the death of the run.

    account is who runs it, of a toolkit that belongs to that account.
    """
    said, complained = top / "var" / "stdout", top / "var" / "stderr"
    said.parent.mkdir(exist_ok=True)
    started = time.monotonic()
    pid = os.fork()
    if not pid:
        _child(top, verb, shims, environment or {}, account, variables, said, complained)
    status = _wait(pid, shims)
    return Ended(os.waitstatus_to_exitcode(status), said.read_text(errors="replace"),
                 complained.read_text(errors="replace"), time.monotonic() - started)


def die_with_the_parent() -> None:
    """Let the kernel end this fork when the tests are killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait(pid: int, shims: Shims | None) -> int:
    """Wait for the child, and kill it when a shim asks for that."""
    exits = os.pidfd_open(pid)
    asked = os.open(shims.folder / "kill", os.O_RDWR | os.O_NONBLOCK) if shims else exits
    try:
        deadline = time.monotonic() + LONGEST_RUN
        while True:
            ready, _, _ = select.select({exits, asked}, (), (), max(0, deadline - time.monotonic()))
            if asked in ready and asked != exits:
                os.read(asked, 100)
                os.kill(pid, signal.SIGKILL)
                status = os.waitpid(pid, 0)[1]
                (shims.folder / "killed").touch()
                return status
            if exits in ready:
                return os.waitpid(pid, 0)[1]
            if not ready:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                raise TimeoutError(f"the run did not end within {LONGEST_RUN} seconds; see {shims and shims.folder}")
    finally:
        for descriptor in {exits, asked}:
            os.close(descriptor)


def _child(top: Path, verb: str, shims: Shims | None, environment: dict[str, str], account: str,
           variables: dict[str, str], said: Path, complained: Path) -> None:
    code = edge.BUG
    try:
        die_with_the_parent()
        _enter(top, shims, said, complained)
        if account:
            _become(account)
        os.environ.update(environment)
        tempfile.tempdir = None  # the parent's; TMPDIR may be another here
        sys.argv = ["invoke", verb, *(f"--{name}={value}" for name, value in variables.items())]
        getattr(tasks, verb).body(None, **variables)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else edge.BUG
    except BaseException:  # noqa: BLE001 - told to the parent
        traceback.print_exc()
    finally:
        # What a Python process does at its end, without the parts that belong to pytest.
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become(account: str) -> None:
    """Go on as an account that is not root, which may be unable to go where Python's own library lies."""
    codecs.lookup(sh.DEFAULT_ENCODING)
    sys.path[:] = [f"/proc/self/fd/{os.open(place, os.O_PATH)}" for place in sys.path if os.path.isdir(place)]
    found = pwd.getpwnam(account)
    os.initgroups(account, found.pw_gid)
    os.setgid(found.pw_gid)
    os.setuid(found.pw_uid)
    os.environ["HOME"] = found.pw_dir


def _enter(top: Path, shims: Shims | None, said: Path, complained: Path) -> None:
    """Become a process that has just been started."""
    for descriptor, path, flags in ((0, os.devnull, os.O_RDONLY), (1, said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
                                    (2, complained, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)
                                         for number, mode in ((0, "r"), (1, "w"), (2, "w")))
    home = os.environ.get("HOME", "/")
    os.environ.clear()
    os.environ.update(PATH=f"{shims.path}:{SYSTEM_PATH}" if shims else SYSTEM_PATH, HOME=home, **{MARK: str(top)})
    if shims:
        os.environ["TMPDIR"] = str(shims.temporary)
    os.chdir(top)
    edge.TOP = top
    programs.forget()
    stall.watcher.__init__()
    for kept, fresh in ((conduct, Conduct()), (output.manner, output.Manner())):
        for field in dataclasses.fields(fresh):
            setattr(kept, field.name, getattr(fresh, field.name))
