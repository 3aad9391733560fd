"""What a variable of make may say: numbers, switches, words, spans of time."""

import re

from scripts.errors import UsageError
from scripts.registry import schema
from scripts.registry.env_file import nearest

SECONDS_IN = {"": 1, "s": 1, "m": 60, "h": 3600}


def number(text: str | None, name: str) -> int | None:
    """Return a whole number of at least 1 that a variable gives, or None when it is not given."""
    if text is None or text == "":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"{name}={text}: expected a whole number from 1 on")
    return int(text)


def switch(text: str | None, name: str) -> bool:
    """Return what a switch says: 1, yes, on, 0, no, off; not given is off."""
    if text is None or text == "":
        return False
    if text.lower() not in schema.YES + schema.NO:
        raise UsageError(f"{name}={text}: expected 1, yes, on, or 0, no, off")
    return text.lower() in schema.YES


def one_of(text: str | None, name: str, choices: tuple[str, ...]) -> str | None:
    """Return one of the words that a variable may be, or None when it is not given."""
    if not text:
        return None
    if text not in choices:
        raise UsageError(f"{name}={text}: expected {' or '.join(choices)}{nearest(text, choices)}")
    return text


def words(text: str | None) -> tuple[str, ...]:
    """Return the parts of a comma list."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def seconds(text: str | None, name: str) -> int | None:
    """Return a span of time, as in 90, 90s, 10m, 1h; None when it is not given."""
    if text is None or text == "":
        return None
    found = re.fullmatch(r"(\d{1,6})([smh]?)", text)
    if not found:
        raise UsageError(f"{name}={text}: expected seconds, minutes or hours, as in 90, 10m, 1h")
    return int(found[1]) * SECONDS_IN[found[2]]
