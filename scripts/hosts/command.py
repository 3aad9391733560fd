"""A command as data: words, never shell text."""

import shlex
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """One program call, ready for the place it runs at.

    argv is what is started on the manager (for a remote host: ssh and its options), shown is what people
    read in messages and logs. stdin is given to the program; None means an empty stdin.
    """

    argv: tuple[str, ...]
    shown: str
    stdin: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        # sh drops None arguments silently: a missing path would widen the command.
        if not self.argv or not all(isinstance(word, str) for word in self.argv):
            raise TypeError(f"a command takes words only: {self.argv!r}")

    @property
    def program(self) -> str:
        """Return the name people know the program by, without its place."""
        return self.shown.split("] ", 1)[-1].split(" ", 1)[0]


def shown(place: str, words: tuple[str, ...]) -> str:
    """Return a command as messages show it: `[web1] mysqldump ...`, on one line."""
    return f"[{place}] " + " ".join(shlex.quote(word.replace("\n", " ")) for word in words)
