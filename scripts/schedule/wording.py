"""Words a line so that cron and /bin/sh hand on exactly the words that were meant.

cron gives the rest of a line to the shell, but for %: it ends the command unless a backslash stands before it. What
cron does with two backslashes differs from one cron to the next, so a line of ours never has two together.
"""

import shlex
from collections.abc import Mapping, Sequence

from scripts.errors import UsageError

MOST_BYTES = 990  # of a command: cron's crontab(1) refuses 1000 (MAX_COMMAND)


def line(job_id: str, at: str, call: Sequence[str], log: str) -> str:
    """Return a line of a crontab that runs a call and appends what it says to a log.

    Raises UsageError when cron would not take it.
    """
    command = " ".join([*map(quoted, call), ">>", quoted(log), "2>&1"])
    if len(command.encode("utf-8", "surrogateescape")) > MOST_BYTES:
        raise UsageError(f"{job_id}: the line would be longer than the {MOST_BYTES} bytes that cron takes. Put long "
                         "values into a script of yours, or take SYSTEMD=1")
    return f"{at} {command}"


def call(top: str, verb: str, given: Mapping[str, str], job_id: str) -> list[str]:
    """Return the call of make that a line runs."""
    variables = [f"{name}={value}" for name, value in given.items()]
    return ["make", "-sC", top, verb, *variables, "UNATTENDED=1", f"CRON={job_id}"]


def quoted(word: str) -> str:
    """Return a word for a line of a crontab; raise UsageError for what no line can hold."""
    if not word.isprintable():
        raise UsageError(f"{word!r}: a line of a crontab cannot hold line breaks and other control characters")
    # In single quotes '' is nothing, and keeps a backslash away from what follows.
    return shlex.quote(word).replace("\\", "\\''").replace("%", "\\%")


def as_cron_runs_it(command: str) -> str:
    """Return what cron gives to the shell of the rest of a line."""
    out, escaped = [], False
    for character in command:
        if escaped and character == "%":
            out[-1] = "%"
        elif character == "%":
            break
        else:
            out.append(character)
        escaped = character == "\\" and not escaped
    return "".join(out)
