"""Lets the views, triggers and stored programs of one account belong to another, while their dump passes.

A server takes nothing that is to run with the rights of an account other than the one that loads it. What belongs to
neither stays as it is.
"""

import re
from collections.abc import Iterable, Iterator

from scripts.hosts.streams import Sink, Source

# How the dump programs begin the lines with a DEFINER in them. Rows begin otherwise, and have no line breaks in them.
BEGIN = rb"^(?P<begin>/\*!\d+ (?:CREATE\*/ /\*!\d+ )?|CREATE )DEFINER=%s@`(?:[^`]|``)*`"
LONGEST = 1000  # bytes of such a beginning: 128 characters of a user and 255 of a host, of up to four bytes, are rare


class NewOwner:
    """A stage of a pipe. before and after are accounts as CURRENT_USER() tells them; the user alone is compared."""

    def __init__(self, before: str, after: str) -> None:
        user, host = (quoted(part) for part in after.rsplit("@", 1))
        self._line = re.compile(BEGIN % re.escape(quoted(user_of(before))), re.MULTILINE)
        self._owner = b"DEFINER=" + user + b"@" + host

    def pass_on(self, source: Source, sink: Sink) -> None:
        """Hand a dump on with its new owner."""
        for text in self.changed(source.chunks()):
            sink.write(text)

    def changed(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a dump that comes in pieces of any size."""
        held, in_line = b"", False
        for chunk in chunks:
            text = held + chunk
            end = text.rfind(b"\n") + 1
            # The start of a line waits for the rest of its beginning.
            cut = end if len(text) - end < LONGEST and (end or not in_line) else len(text)
            held, text = text[cut:], text[:cut]
            if text:
                yield self._replaced(text, in_line)
                in_line = not text.endswith(b"\n")
        yield self._replaced(held, in_line)

    def _replaced(self, text: bytes, in_line: bool) -> bytes:
        if b"DEFINER=" not in text:
            return text
        start = text.find(b"\n") + 1 if in_line else 0
        if in_line and not start:
            return text
        return text[:start] + self._line.sub(lambda found: found["begin"] + self._owner, text[start:])


def user_of(account: str) -> str:
    """Return the user of `user@host`; a user may have an @ in its name."""
    return account.rpartition("@")[0]


def quoted(name: str) -> bytes:
    """Return a name as a dump holds it."""
    return b"`" + name.replace("`", "``").encode("utf-8", "surrogateescape") + b"`"
