"""A host that starts nothing: it answers as told and remembers what it was asked."""

from collections.abc import Sequence

from scripts.errors import CommandError
from scripts.hosts.command import Command, shown
from scripts.hosts.host import Host


class RecordingHost(Host):
    """Remembers `.reads` and `.changes` as lists of words, and `.written` texts by path.

    answers maps the first words of a call to what it prints; the longest that fits counts, and without one
    nothing is printed. fail_at is the number (from 1) of the call that fails.
    """

    def __init__(self, answers: dict[tuple[str, ...], bytes] | None = None, *, name: str = "recorded",
                 fail_at: int | None = None) -> None:
        self.name, self.answers, self.fail_at = name, answers or {}, fail_at
        self.calls: list[list[str]] = []
        self.reads: list[list[str]] = []
        self.changes: list[list[str]] = []
        self.written: dict[str, bytes] = {}

    def command(self, *words: str, stdin: bytes | None = None) -> Command:
        # There is no such program: a pipe that gets this command must not work on the machine of the tests.
        return Command(("recorded-not-started", *words), shown(self.name, words), stdin)

    def dialogue(self, *words: str) -> None:
        """Each question is a call that is remembered."""

    def read(self, *words: str, stdin: bytes | None = None, ok: Sequence[int] = (0,)) -> bytes:
        self.reads.append(list(words))
        return self._answer(words)

    def run(self, *words: str, stdin: bytes | None = None, ok: Sequence[int] = (0,)) -> bytes:
        self.changes.append(list(words))
        return self._answer(words)

    def write(self, path: str, text: bytes, mode: int | None = None) -> None:
        self.changes.append(["write", path])
        self._answer(("write", path))
        self.written[path] = text

    def _answer(self, words: tuple[str, ...]) -> bytes:
        self.calls.append(list(words))
        if len(self.calls) == self.fail_at:
            raise CommandError(f"{shown(self.name, words)}: ended with exit code 1", code=1)
        fitting = [first for first in self.answers if words[:len(first)] == first]
        return self.answers[max(fitting, key=len)] if fitting else b""
