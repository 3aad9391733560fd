"""A place where commands run: this machine, or another one behind ssh.

Both take the same words and give the same answers, so nothing above knows which one it talks to. Every
change of a file goes through here too, so that a dry run holds everywhere.
"""

import os
import shutil
import stat
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from scripts.errors import CommandError
from scripts.hosts import moments, process
from scripts.hosts.command import Command, shown
from scripts.hosts.dialogue import Dialogue

# One call, and nothing stays of what could not be written whole. mktemp makes the file 0600.
TEMPORARY = """
file=$(mktemp -t "$1") || exit
if cat >"$file"; then printf '%s\\n' "$file"; cat "$file"; else rm -f "$file"; exit 1; fi
"""


class Host(ABC):
    """What both kinds of host can do."""

    name: str
    is_remote = False
    reads_in_place = False
    """Whether this process can read the host's files itself, so that they need not be copied first."""

    @abstractmethod
    def command(self, *words: str, stdin: bytes | None = None) -> Command:
        """Return the call of a program at this host."""

    def terminal(self, *words: str) -> Command:
        """Return a call that gets the operator's terminal at this host; for process.attach."""
        return self.command(*words)

    def read(self, *words: str, stdin: bytes | None = None, ok: Sequence[int] = (0,)) -> bytes:
        """Return what a program that changes nothing prints; runs in a dry run too."""
        return process.read(self.command(*words, stdin=stdin), ok=ok)

    def run(self, *words: str, stdin: bytes | None = None, ok: Sequence[int] = (0,)) -> bytes:
        """Run a program that changes something."""
        return process.run(self.command(*words, stdin=stdin), ok=ok)

    def dialogue(self, *words: str) -> Dialogue | None:
        """Return a program that is asked several times, or None where each question has to start its own."""
        return Dialogue(self.command(*words)) if process.conduct.keeps_programs else None

    def read_line(self, *words: str, ok: Sequence[int] = (0,)) -> str:
        """Return the one line a program prints; raise CommandError when it is cut off.

        A program that ends with 0 after half its output loses its line end first.
        """
        text = self.read(*words, ok=ok)
        if text and not text.endswith(b"\n"):
            raise CommandError(f"{shown(self.name, words)}: its answer is cut off: {text[-60:]!r}")
        return text.decode("utf-8", "surrogateescape").rstrip("\n")

    def read_names(self, *words: str, stdin: bytes | None = None, ok: Sequence[int] = (0,)) -> list[str]:
        """Return the NUL-ended names a program prints; raise CommandError when the last one is cut off."""
        text = self.read(*words, stdin=stdin, ok=ok)
        if text and not text.endswith(b"\0"):
            raise CommandError(f"{shown(self.name, words)}: its answer is cut off: {text[-60:]!r}")
        return [name.decode("utf-8", "surrogateescape") for name in text.split(b"\0")[:-1]]

    def real_path(self, path: str) -> str:
        """Return path without links, whether it exists or not."""
        return self.real_paths(path)[0]

    def real_paths(self, *paths: str) -> list[str]:
        """Return paths without links, whether they exist or not."""
        return self.read_names("realpath", "-m", "-z", "--", *paths) if paths else []

    def present(self, *paths: str, kind: str = "") -> list[str]:
        """Return those of these paths that are there; kind is find's letter, as in d for folders alone.

        find ends with 1 for a missing path and for a failure of its own. The root is asked for last: its name in
        the answer proves that the rest arrived.
        """
        wanted = ("(", "-type", kind, "-o", "-path", "/", ")") if kind else ()
        names = self.read_names("find", *paths, "/", "-maxdepth", "0", *wanted, "-print0", ok=(0, 1))
        if names[-1:] != ["/"]:
            raise CommandError(f"[{self.name}] find: its answer is cut off, or it did not look")
        return names[:-1]

    def free_bytes(self, path: str) -> int:
        """Return the bytes an ordinary account may still write where path lies, or will lie once it is made."""
        while True:
            try:
                return _number(self.name, "df", self.read_line("df", "--output=avail", "-B1", "--", path))
            except CommandError as error:
                if path == "/" or "No such file" not in error.stderr:
                    raise
                path = os.path.dirname(path)

    def used_bytes(self, *paths: str) -> int:
        """Return what these paths take on the disk, hard links counted once; what may not be read is not counted."""
        return _number(self.name, "du", self.read_line("du", "-s", "-c", "-B1", "--", *paths, ok=(0, 1)))

    def put_temporary(self, start: str, text: bytes) -> str:
        """Write a file that we alone may read into the host's own temporary folder, and return its path.

        In a dry run too: questions need it. start is what its name begins with.
        """
        path, _, echoed = self.read("sh", "-c", TEMPORARY, "sh", f"{start}.XXXXXXXX", stdin=text).partition(b"\n")
        if echoed != text:
            self.remove_temporary(os.fsdecode(path))
            raise CommandError(f"[{self.name}] {os.fsdecode(path)}: the file was not written whole. Is the disk full?")
        return os.fsdecode(path)

    def remove_temporary(self, path: str) -> None:
        """Remove what `put_temporary` made."""
        self.read("rm", "-f", "--", path)

    def write(self, path: str, text: bytes, mode: int | None = None) -> None:
        """Put a whole file in place of what is at path, at once: a reader sees the old or the new one.

        mode is the file's permissions; without it the host's umask decides.
        """
        beside = f"{path}.trim-new"
        if mode is not None:
            self.run("install", "-m", f"{mode:o}", "/dev/null", beside)
        echoed = self.run("tee", "--", beside, stdin=text)
        if not process.conduct.dry_run and echoed != text:
            raise CommandError(f"[{self.name}] tee {beside}: wrote {len(echoed)} of {len(text)} bytes")
        self.rename(beside, path)

    def rename(self, path: str, target: str) -> None:
        """Rename within one folder, over what is there."""
        self.run("mv", "-fT", "--", path, target)

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        """Make a folder and its parents; one that is there stays as it is."""
        self.run("mkdir", "-p", "-m", f"{mode:o}", "--", path)

    def remove(self, *paths: str) -> None:
        """Remove files; those that are not there are no fault."""
        self.run("rm", "-f", "--", *paths)

    def remove_all(self, *paths: str) -> None:
        """Remove files, and folders with all that is in them; those that are not there are no fault."""
        self.run("rm", "-rf", "--", *paths)

    def set_time(self, path: str, moment: int | str) -> None:
        """Let a file or folder show this time, in seconds since 1970; one that is not there is no fault."""
        self.run("touch", "-c", "-d", f"@{moment}", "--", path)


@dataclass(frozen=True)
class LocalHost(Host):
    """This machine. Files are found and changed by Python itself: nothing to start, nothing to misread."""

    name: str
    reads_in_place = True

    def command(self, *words: str, stdin: bytes | None = None) -> Command:
        return Command(words, shown(self.name, words), stdin)

    def real_paths(self, *paths: str) -> list[str]:
        return [os.path.realpath(path) for path in paths]

    def present(self, *paths: str, kind: str = "") -> list[str]:
        return [path for path in paths if _is_there(path, kind)]

    def free_bytes(self, path: str) -> int:
        path = os.path.abspath(path)
        while not os.path.exists(path):
            path = os.path.dirname(path)
        return shutil.disk_usage(path).free

    def put_temporary(self, start: str, text: bytes) -> str:
        descriptor, path = tempfile.mkstemp(prefix=f"{start}.")
        try:
            with open(descriptor, "wb") as file:
                file.write(text)
        except BaseException:
            os.unlink(path)
            raise
        return path

    def remove_temporary(self, path: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(path)

    def write(self, path: str, text: bytes, mode: int | None = None) -> None:
        if _told(f"write {path}"):
            return
        descriptor, beside = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".trim-new-")
        try:
            with open(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(beside, 0o666 & ~_umask() if mode is None else mode)
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise

    def rename(self, path: str, target: str) -> None:
        if not _told(f"rename {path} to {target}"):
            os.replace(path, target)

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        if os.path.isdir(path) or _told(f"make the folder {path}"):
            return
        self.make_folder(os.path.dirname(path), mode)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)

    def remove(self, *paths: str) -> None:
        for path in paths:
            if os.path.lexists(path) and not _told(f"remove {path}"):
                os.unlink(path)

    def remove_all(self, *paths: str) -> None:
        for path in paths:
            (self.remove_tree if _is_there(path, "d") else self.remove)(path)

    def set_time(self, path: str, moment: int | str) -> None:
        if not _told(f"set the time of {path}"):
            exact = moments.nanoseconds(moment)
            with suppress(FileNotFoundError):
                os.utime(path, ns=(exact, exact))

    def remove_tree(self, path: str) -> None:
        """Remove a folder and all that is in it; a link is removed, never followed."""
        if os.path.islink(path):
            self.remove(path)
        elif os.path.exists(path) and not _told(f"remove the folder {path}"):
            shutil.rmtree(path, onerror=_open_up)

    def sync(self, path: str) -> None:
        """Return when a file and its entry in the folder are on the disk."""
        if process.conduct.dry_run:
            return
        for name, flags in ((path, os.O_RDONLY), (os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)):
            descriptor = os.open(name, flags)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _number(place: str, program: str, answer: str) -> int:
    """Return the number that the last line of an answer begins with."""
    first = answer.splitlines()[-1].split()[:1] if answer else []
    if not first or not first[0].isdigit():
        raise CommandError(f"[{place}] {program}: its answer is no number: {answer[-60:]!r}")
    return int(first[0])


def _is_there(path: str, kind: str) -> bool:
    """Whether something is at path, of a kind as find has it; links are not followed."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return not kind or {"d": stat.S_ISDIR, "f": stat.S_ISREG, "l": stat.S_ISLNK}[kind](mode)


def _told(change: str) -> bool:
    """In a dry run, show the change and return True."""
    if process.conduct.dry_run:
        process.conduct.on_dry(f"[manager] {change}")
    return process.conduct.dry_run


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _open_up(function, path, error) -> None:
    """Let rmtree pass folders that lost their write permission; anything else is raised."""
    parent = os.path.dirname(path)
    if not isinstance(error[1], PermissionError):
        raise error[1]
    os.chmod(parent, 0o700)
    if os.path.isdir(path) and not os.path.islink(path):
        os.chmod(path, 0o700)
        shutil.rmtree(path)
    else:
        os.unlink(path)


MANAGER = LocalHost("manager")
"""The machine TRIM runs on, for what belongs to no instance."""
