"""Runs a command line of the operator's on the manager, as TEST= and RUN= give it; its exit status is the verdict.

It is told what hooks are told (docs/hooks.md): TRIM_INSTANCE, TRIM_WEB_URL, TRIM_WEB_ROOT and the like.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from scripts.errors import CommandError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import hooks

SAID_TAIL = 20_000      # characters of what it said that are shown
LAST_LINES = 3          # of them in a message


@dataclass(frozen=True)
class Ended:
    """How it ended, and the lines that it said."""

    code: int
    said: tuple[str, ...]

    @property
    def last(self) -> str:
        """Return its last words, for a message."""
        words = [line.strip() for line in self.said if line.strip()]
        return f": {' / '.join(words[-LAST_LINES:])}" if words else ""


def run(verb: str, instance: Instance, label: str, command: str, more: Mapping[str, str] | None = None) -> Ended:
    """Run a command line and return how it ended; raise CommandError when it could not, or hung.

    more are facts beside those that hooks are told. label names it in messages: TEST or RUN.
    """
    facts = hooks.facts_of(verb, instance) | dict(more or {})
    # The operator's own words: it is a shell that they are meant for.
    call = Command((*hooks.surroundings(facts), "sh", "-c", f"exec 2>&1\n{command}"), f"[manager] {label} {command}")
    with tempfile.TemporaryFile() as said:
        code = 0
        try:
            process.pipe(call, into=said)
        except CommandError as error:
            if error.code is None or error.code < 0:
                raise
            code = error.code
        lines = _lines(said)
    for line in lines:
        output.say(f"{instance.name}: {label}: {line}")
    return Ended(code, lines)


def require(verb: str, instance: Instance, command: str, place: str) -> None:
    """Run TEST=, if there is one, and raise CommandError when it is not content; place says what is left as it is."""
    if not command or process.conduct.dry_run:
        return
    ended = run(verb, instance, "TEST", command)
    if ended.code:
        raise CommandError(f"{instance.name}: TEST ended with exit code {ended.code}{ended.last}. {place}",
                           code=ended.code)
    output.say(f"{instance.name}: TEST is content")


def _lines(said: IO[bytes]) -> tuple[str, ...]:
    said.seek(max(0, said.seek(0, os.SEEK_END) - SAID_TAIL))
    return tuple(said.read().decode("utf-8", "replace").splitlines())
