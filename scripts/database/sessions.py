"""Client programs that stay for as long as their option file does: a question then costs no start, and no ssh call.

Each is one connection to the server; an account may have few of them, so at most PER_ACCOUNT stay.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from scripts.hosts.dialogue import Dialogue
from scripts.hosts.host import Host

PER_ACCOUNT = 2          # ways to enter, as with another character set
TAIL = 400               # bytes; the answer to the last question is shorter

_looking = threading.Lock()
_kept: dict[tuple[str, str], dict[tuple[str, ...], Dialogue]] = {}


@contextmanager
def lasting(host: Host, options: str) -> Iterator[None]:
    """Keep the sessions of one option file on a host until the block ends."""
    sessions = _kept[host.name, options] = {}
    try:
        yield
    finally:
        try:
            for session in sessions.values():
                session.close()
        finally:
            del _kept[host.name, options]


def option_files() -> set[str]:
    """Return the option files that this process uses now."""
    return {options for _, options in list(_kept)}


def ask(host: Host, options: str, words: Sequence[str], question: bytes, token: str) -> bytes | None:
    """Return what the client program prints; the question ends by asking for the token.

    None when no session can be had: the question then has to start its own program.
    """
    sessions = _kept.get((host.name, options))
    if sessions is None:
        return None
    with _looking:
        known = sessions.get(tuple(words))
        if known is None:
            if len(sessions) >= PER_ACCOUNT or (known := host.dialogue(*words)) is None:
                return None
            sessions[tuple(words)] = known
    answered = f">{token}</field>".encode()
    return known.ask(question, lambda text: text.endswith(b"</resultset>\n") and answered in text[-TAIL:])
