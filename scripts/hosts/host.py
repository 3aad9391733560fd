"""A place where commands run: this machine, or another one behind ssh.

Both take the same words and give the same answers, so nothing above knows which one it talks to. Every
change of a file goes through here too, so that a dry run holds everywhere.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence

from scripts.errors import CommandError
from scripts.hosts import process
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


def _number(place: str, program: str, answer: str) -> int:
    """Return the number that the last line of an answer begins with."""
    first = answer.splitlines()[-1].split()[:1] if answer else []
    if not first or not first[0].isdigit():
        raise CommandError(f"[{place}] {program}: its answer is no number: {answer[-60:]!r}")
    return int(first[0])
