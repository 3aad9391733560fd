"""How the lab starts a program, waits until it serves, and is sure that it ends.

Every program dies with the lab, also when the lab is killed: the kernel sends it SIGTERM when
the thread that started it ends. So start servers from a thread that lives as long as they shall.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
START_SECONDS = 30  # a loaded machine with two cores; normal is well under one
STOP_SECONDS = 10
SERVER_PLACES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin")

_libc = ctypes.CDLL(None)


def find_program(*names: str) -> str:
    """Return the path of the first of these programs there is, also where only root's PATH looks."""
    places = os.pathsep.join([os.environ.get("PATH", ""), *SERVER_PLACES])
    for name in names:
        if path := shutil.which(name, path=places):
            return path
    raise FileNotFoundError(f"{' or '.join(names)} not found; see conf/lab-packages.txt")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """One running program with its log.

    With adopts_orphans, processes whose parent died before them stay children of this program,
    so that stop() finds them: commands that outlive their ssh connection, for example.
    """

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        *,
        environment: dict[str, str] | None = None,
        adopts_orphans: bool = False,
    ) -> None:
        self.log = log
        self._adopts_orphans = adopts_orphans
        starter = os.getpid()

        def die_with_the_starter() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if adopts_orphans:
                _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
            if os.getppid() != starter:  # it died before the request above
                os._exit(1)

        with log.open("ab") as output:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # Ctrl-C is for pytest; the servers serve its teardown
                preexec_fn=die_with_the_starter,  # noqa: PLW1509 (it takes no locks)
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.process.args[0]} does not serve:\n{tail}")
            time.sleep(0.02)

    def descendants(self) -> list[int]:
        """Return the ids of all processes below this one, nearest first."""
        parents = _parents()
        found = [self.pid]
        for ancestor in found:  # grows while it is walked
            found += [pid for pid, parent in parents.items() if parent == ancestor]
        return found[1:]

    def stop(self) -> None:
        if self._adopts_orphans:
            self._end_descendants()  # while this program is there to reap them
        remaining = self.descendants()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in remaining:
            kill(pid)

    def _end_descendants(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while (remaining := self.descendants()) and time.monotonic() < deadline:
            for pid in remaining:
                kill(pid)
            time.sleep(0.01)


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _parents() -> dict[int, int]:
    # pid (name) state ppid ...; the name may hold blanks and brackets
    return {pid: int(stat.rpartition(b")")[2].split()[1]) for pid, stat in told_of_each("stat")}


def told_of_each(name: str) -> Iterator[tuple[int, bytes]]:
    """Yield what /proc has in the file of this name of each process, by its number; of those that end meanwhile not.

    Path.glob by the file's own name would raise for these, as it looks whether it is there.
    """
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / name).read_bytes()
        except OSError:
            continue
        yield int(folder.name), told
