"""How the files of a provider are reached: http(s), a folder of this machine, one behind ssh, sftp and ftp by lftp.

Each kind reads a file whole or raises: a limit on its size, and no silence about one that is cut off. What can be
written to takes a file that is complete before it gets its name.
"""

import os
import re
import shlex
import shutil
import stat
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from scripts.errors import CommandError, HostError, RefusedError
from scripts.hosts import process, web
from scripts.hosts.command import Command
from scripts.hosts.host import Host
from scripts.hosts.local import MANAGER
from scripts.hosts.streams import Sink, Source
from scripts.hosts.web import NotThere

CHUNK = 1 << 18
PATIENCE = "60"     # seconds lftp waits for a sign of life; it tries a second time
MAY_FAIL = ("mkdir ", "rm ")   # of lftp's commands: what is there, or is not there, is no fault
MISSING = re.compile(r"no such file|not found|\b550\b|access failed: file", re.IGNORECASE)


class Reach(ABC):
    """A way to the files below one address."""

    shown: str

    @abstractmethod
    def save(self, path: str, target: Path, largest: int) -> None:
        """Write the file at path into a file of the manager; raise NotThere, or HostError for more than so many bytes.

        Runs in a dry run too: target is the caller's scratch.
        """

    def read(self, path: str, largest: int, scratch: Path) -> bytes:
        """Return what is in a file; scratch is a folder for it meanwhile."""
        target = scratch / ".trim-read"
        try:
            self.save(path, target, largest)
            return target.read_bytes()
        finally:
            target.unlink(missing_ok=True)

    def put(self, source: Path, path: str) -> None:
        """Put a file of the manager in place there."""
        raise RefusedError(f"{self.shown}: cannot be written to: only folders, ssh, sftp and ftp can")


@dataclass(frozen=True)
class Web(Reach):
    """A web server."""

    shown: str

    def save(self, path: str, target: Path, largest: int) -> None:
        web.save(f"{self.shown}/{quote(path)}", target, largest, "PROVIDER")


@dataclass(frozen=True)
class Folder(Reach):
    """A folder of this machine."""

    shown: str
    folder: str

    def save(self, path: str, target: Path, largest: int) -> None:
        try:
            whole = os.path.join(self.folder, path)
            with open(whole, "rb", opener=_without_waiting) as file, open(target, "wb") as out:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise HostError(f"{self.shown}: {path} is no plain file")
                size = 0
                while chunk := file.read(CHUNK):
                    size += len(chunk)
                    if size > largest:
                        raise _too_large(self.shown, path, largest)
                    out.write(chunk)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotThere(f"{self.shown}: has no {path}") from error
        except OSError as error:
            raise HostError(f"{self.shown}: {path} cannot be read: {error.strerror}") from error

    def put(self, source: Path, path: str) -> None:
        target = os.path.join(self.folder, path)
        MANAGER.make_folder(os.path.dirname(target))
        MANAGER.write(target, source.read_bytes(), 0o644)


@dataclass(frozen=True)
class Ssh(Reach):
    """A folder of another machine."""

    shown: str
    host: Host
    folder: str

    def save(self, path: str, target: Path, largest: int) -> None:
        whole = f"{self.folder}/{path}"
        try:
            kind, _, size = self.host.read_line("stat", "-L", "-c", "%F:%s", "--", whole).rpartition(":")
        except CommandError as error:
            raise _fault(self.shown, path, error) from error
        if not kind.startswith("regular"):
            raise HostError(f"{self.shown}: {path} is no plain file")
        if int(size) > largest:
            raise _too_large(self.shown, path, largest)
        with open(target, "wb") as file:
            counted = _Limited(self.shown, path, largest, file.fileno())
            process.read_through(self.host.command("cat", "--", whole), counted.pass_on)
        if counted.size != int(size):
            raise HostError(f"{self.shown}: {path} is cut off: {counted.size} of {size} bytes came. Try again")

    def put(self, source: Path, path: str) -> None:
        whole = f"{self.folder}/{path}"
        self.host.make_folder(os.path.dirname(whole))
        self.host.write(whole, source.read_bytes(), 0o644)


@dataclass(frozen=True)
class Lftp(Reach):
    """A folder behind sftp or ftp. A password of ftp comes from ~/.netrc, which lftp reads itself."""

    shown: str
    site: str           # as in sftp://host
    user: str
    port: str
    folder: str
    connect: tuple[str, ...]    # the program that sftp goes through

    def save(self, path: str, target: Path, largest: int) -> None:
        with open(target, "wb") as file:
            counted = _Limited(self.shown, path, largest, file.fileno())
            try:
                process.read_through(self._command(f"cat {_quoted(self._whole(path))}"), counted.pass_on)
            except CommandError as error:
                counted.refuse_too_large()  # lftp tells of a broken pipe then
                raise _fault(self.shown, path, error) from error

    def put(self, source: Path, path: str) -> None:
        whole = self._whole(path)
        beside = f"{whole}.trim-new"
        process.run(self._command(
            f"mkdir -p -f {_quoted(os.path.dirname(whole))}", f"put {_quoted(str(source))} -o {_quoted(beside)}",
            f"rm -f {_quoted(whole)}", f"mv {_quoted(beside)} {_quoted(whole)}"))

    def _whole(self, path: str) -> str:
        return f"{self.folder}/{path}"

    def _command(self, *steps: str) -> Command:
        """Return a call of lftp; what it is to do comes by its input, where no other account can read it."""
        if not shutil.which("lftp"):
            raise HostError(f"{self.shown}: takes the program lftp, which is not on the manager. Next: apt-get install "
                            "--no-install-recommends lftp")
        settings = {"cmd:interactive": "no", "net:timeout": PATIENCE, "net:max-retries": "2",
                    "net:reconnect-interval-base": "2", "net:reconnect-interval-max": "5", "xfer:clobber": "yes",
                    "ssl:verify-certificate": "yes", "ftp:ssl-protect-data": "yes", "sftp:auto-confirm": "no",
                    "sftp:connect-program": shlex.join(self.connect)}
        account = f" -u {_quoted(f'{self.user},')}" if self.user else ""
        opened = f"open{f' -p {self.port}' if self.port else ''}{account} {_quoted(self.site)}"
        # Not cmd:fail-exit: with it lftp stays in the background for ever when cat finds no file.
        script = [*(f"set {name} {_quoted(value)}" for name, value in settings.items()), opened,
                  *(step if step.startswith(MAY_FAIL) else f"{step} || exit kill 1" for step in steps)]
        return Command(("lftp", "--norc"), f"[manager] lftp {self.shown}: {'; '.join(steps)}",
                       "\n".join([*script, ""]).encode())


class _Limited:
    """A stage that writes what passes into a file and stops at a limit."""

    def __init__(self, shown: str, path: str, largest: int, descriptor: int) -> None:
        self._shown, self._path, self._largest, self._descriptor = shown, path, largest, descriptor
        self.size = 0

    def pass_on(self, source: Source, sink: Sink) -> None:
        while chunk := source.read(CHUNK):
            self.size += len(chunk)
            self.refuse_too_large()
            written = 0
            while written < len(chunk):
                written += os.write(self._descriptor, chunk[written:])

    def refuse_too_large(self) -> None:
        if self.size > self._largest:
            raise _too_large(self._shown, self._path, self._largest)


def _without_waiting(path: str, flags: int) -> int:
    # A FIFO would keep us waiting for somebody who writes into it.
    return os.open(path, flags | os.O_NONBLOCK)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _too_large(shown: str, path: str, largest: int) -> HostError:
    return HostError(f"{shown}: {path} is larger than {largest} bytes: this is not what it should be")


def _fault(shown: str, path: str, error: CommandError) -> HostError:
    if MISSING.search(error.stderr):
        return NotThere(f"{shown}: has no {path}")
    return HostError(f"{shown}: {path} cannot be read: {error}")
