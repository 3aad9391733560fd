"""Lines, tables and JSON.

People get lines on stdout; with JSON=1 stdout holds one JSON document and the lines go to stderr; an unattended
run says nothing unless something is wrong.

What a run says never breaks what it does: a stdout on a full disk, or without a reader, is kept in mind, and the edge
tells of it once the work is done (require_said).
"""

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TextIO

from scripts.errors import Fault, ReaderGoneError, UnsaidError

UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\udc80-\udcff]|\r(?!\n|$)")


@dataclass
class Manner:
    """How this run speaks; set once by the edge."""

    is_json: bool = False
    is_quiet: bool = False
    also: Callable[[str], None] = lambda line: None  # the run log takes every line too
    unsaid: OSError | None = None  # why stdout did not take something


manner = Manner()


def say(line: str) -> None:
    """Tell how the run gets on."""
    line = plain(line)
    manner.also(line)
    if not manner.is_quiet:
        _put(line)


@contextmanager
def quietly() -> Iterator[None]:
    """Let only the log hear how a block gets on; what wants attention is said."""
    before, manner.is_quiet = manner.is_quiet, True
    try:
        yield
    finally:
        manner.is_quiet = before


def tell_secret(line: str) -> None:
    """Show a person something that no log may hold; said in an unattended run too, because it is said only once."""
    _put(line)


def answer(text: str) -> None:
    """Print what was asked for, in an unattended run too: a program reads it."""
    manner.also(text)
    hand_over(text)


def hand_over(text: str) -> None:
    """Print a document that a program reads, which is no line for the log."""
    _print(text, sys.stdout)


def write(data: bytes) -> None:
    """Print bytes that were asked for; raises UnsaidError or ReaderGoneError at once, as nothing else is to be done."""
    try:
        if sys.stdout is None:
            raise _closed()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise _unsaid(error, "It is not whole") from error


def warn(line: str) -> None:
    """Tell what wants attention though the run goes on; unattended runs say it too."""
    line = plain(line)
    manner.also(f"warning: {line}")
    complain(f"warning: {line}")


def complain(line: str) -> None:
    """Say on stderr what is wrong. Where it goes to a file on a full disk, that must not become a fault of its own."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def require_said(log: object) -> None:
    """Raise UnsaidError or ReaderGoneError when stdout did not take everything; log is where the lines are."""
    if manner.unsaid:
        raise _unsaid(manner.unsaid, f"The work is done all the same; its lines are in {log}")


def let_go() -> None:
    """Leave nothing to Python's own end that it could not write either: it would complain, and end with a code of its
    own.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            with suppress(OSError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
                stream.flush()


def _put(line: str) -> None:
    _print(line, sys.stderr if manner.is_json else sys.stdout)


def _print(text: str, stream: TextIO | None) -> None:
    try:
        if stream is None:
            raise _closed()
        try:
            print(text, file=stream, flush=True)
        except UnicodeEncodeError:  # a terminal of another encoding, or a name on a disk that is no text
            print(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding), file=stream, flush=True)
    except OSError as error:
        if stream is not sys.stderr:
            manner.unsaid = manner.unsaid or error


def _closed() -> OSError:
    return OSError(errno.EBADF, "it is closed")


def _unsaid(error: OSError, more: str) -> Fault:
    kind = ReaderGoneError if isinstance(error, BrokenPipeError) else UnsaidError
    return kind(f"stdout did not take all that was said: {error.strerror}. {more}")


def plain(line: str) -> str:
    """Return a line without what drives a terminal, or what none can show: texts of strangers are told too."""
    return UNSEEN.sub(lambda found: f"\\x{ord(found[0]) & 0xff:02x}", line)


def show(rows: Sequence[dict[str, object]], columns: dict[str, str], empty: str) -> None:
    """Print rows as a table with these columns (key: heading), or as JSON with everything that is known."""
    if manner.is_json:
        hand_over(json.dumps(list(rows), indent=1, default=str))
    elif not rows:
        say(empty)
    else:
        from tabulate import tabulate
        lines = [[_cell(row.get(key)) for key in columns] for row in rows]
        table = tabulate(lines, headers=list(columns.values()), tablefmt="simple", disable_numparse=True,
                         preserve_whitespace=True)  # a tree's lines begin with it
        for line in table.splitlines():
            say(line.rstrip())


def show_json(results: Sequence[object]) -> None:
    """Print what a verb did as JSON; people have been told in lines."""
    if manner.is_json:
        hand_over(json.dumps([result for result in results if result is not None], indent=1, default=str))


def size(count: int | None) -> str:
    """Return bytes as people read them: 118.2 MB."""
    if count is None:
        return "-"
    import humanize
    return humanize.naturalsize(count)


def age(moment: datetime | None) -> str:
    """Return how long ago a moment was: 3 hours."""
    if moment is None:
        return "-"
    import humanize
    return humanize.naturaldelta(datetime.now(UTC) - moment)


def duration(seconds: float) -> str:
    """Return a duration as people read it: 1 min 5 s, 3.2 s."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def days(span: timedelta) -> str:
    """Return a span to the hour: 6 d 23 h."""
    count, hours = divmod(round(span.total_seconds() / 3600), 24)
    return f"{count} d {hours} h" if count and hours else f"{count} d" if count else f"{hours} h"


def local(moment: datetime | None) -> str:
    """Return a moment in the administrator's own time."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


def local_text(moment: str) -> str:
    """Return an ISO text in the administrator's own time; an empty one stays empty."""
    return local(datetime.fromisoformat(moment))[:16] if moment else ""


def _cell(value: object) -> str:
    return "-" if value in (None, "") else ("yes" if value is True else "no" if value is False else str(value))
