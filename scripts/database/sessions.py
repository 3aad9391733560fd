"""Client programs that stay for as long as their option file does: a question then costs no start, and no ssh call.

Each is one connection to the server; an account may have few of them, so at most PER_ACCOUNT stay.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from scripts.hosts.dialogue import Dialogue
from scripts.hosts.host import Host

PER_ACCOUNT = 2          # one for a question that takes its time, one for others; or ways to enter, as with a charset
TAIL = 400               # bytes; the answer to the last question is shorter

_looking = threading.Lock()
_kept: dict[tuple[str, str], list[tuple[tuple[str, ...], Dialogue]]] = {}


@contextmanager
def lasting(host: Host, options: str) -> Iterator[None]:
    """Keep the sessions of one option file on a host until the block ends."""
    sessions = _kept[host.name, options] = []
    try:
        yield
    finally:
        try:
            for _, session in sessions:
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
    answered = f">{token}</field>".encode()
    for session in _sessions(host, options, tuple(words)):
        answer = session.ask(question, lambda text: text.endswith(b"</resultset>\n") and answered in text[-TAIL:])
        if answer is not None:
            return answer
    return None


def _sessions(host: Host, options: str, words: tuple[str, ...]) -> Iterator[Dialogue]:
    """Yield who can be asked, one after the other: those that are there, and a new one as long as there may be more."""
    known = _kept.get((host.name, options))
    if known is None:
        return
    for asked_like, session in [*known]:
        if asked_like == words:
            yield session
    with _looking:
        session = host.dialogue(*words) if len(known) < PER_ACCOUNT else None
        if session is None:
            return
        known.append((words, session))
    yield session
