"""Reads and writes env files, strictly.

python-dotenv as it comes is lenient: a missing file is empty, bad lines warn, repeated keys win silently. Here
each of those is a fault with file and line, and no value is ever expanded.
"""

import difflib
import io
import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

from scripts.errors import RegistryError

SECRET_KEYS = ("DB_PASS", "RESTRICT_USERS", "SMTP_PASS")  # hashes are good for guessing passwords
PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./-]*")
# A value as it stands behind its =, as python-dotenv reads it; bare, it ends before the blank of a remark.
STANDING = re.compile(r"""[^\S\r\n]*(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|[^\r\n]*?(?=\s+#|\s*$)""",
                      re.DOTALL)


@dataclass(frozen=True)
class Value:
    """One value and where it stands, for messages: `instances.d/blog.env:7`."""

    text: str
    where: str


def read(path: Path, known: Collection[str]) -> dict[str, Value]:
    """Return the values of an env file by key.

    Raises RegistryError with file and line for a line that is no KEY=value, a key that is not known (naming the
    nearest), a key that stands twice, or a secret in a file that others may read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    values = parse(text, str(path), known)
    _refuse_open_secrets(path, values)
    return values


def parse(text: str, place: str, known: Collection[str]) -> dict[str, Value]:
    """Return the values of an env file's text by key; place is what stands before the line number in a fault."""
    values: dict[str, Value] = {}
    for binding in parse_stream(io.StringIO(text)):
        where = f"{place}:{_first_line(binding)}"
        if binding.error:
            raise RegistryError(f"{where}: not a KEY=value line; it begins with {_first_word(binding)!r}")
        if binding.key is None:
            continue
        _refuse_unknown(binding.key, known, where)
        if binding.key in values:
            raise RegistryError(f"{where}: {binding.key} stands here again; it is first at {values[binding.key].where}")
        if binding.value is None:
            raise RegistryError(f"{where}: {binding.key} has no value; write {binding.key}=value, or remove the line")
        values[binding.key] = Value(binding.value, where)
    return values


def with_value(text: str, key: str, value: str) -> str:
    """Return an env file's text in which key has this value; every other character stays as it is.

    Only the value itself is rewritten, where it stands; a key that is not there gets a line at the end. The text must
    be one that `parse` takes.
    """
    place = 1 if text.startswith("\ufeff") else 0  # the parser leaves it out
    for binding in parse_stream(io.StringIO(text)):
        line = binding.original.string
        if binding.key == key:
            head, _, rest = line.partition("=")
            tail = rest[STANDING.match(rest).end():]
            gap = " " if tail.startswith("#") else ""  # behind quotes a remark needs no blank
            return f"{text[:place]}{head}={quoted(value)}{gap}{tail}{text[place + len(line):]}"
        place += len(line)
    line_end = "\r\n" if "\r\n" in text else "\n"
    gap = line_end if text and not text.endswith(("\n", "\r")) else ""
    return f"{text}{gap}{key}={quoted(value)}{line_end}"


def write_text(values: dict[str, str], comments: dict[str, str]) -> str:
    """Return the text of an env file: each value under the comment of its key, quoted so that `read` gives it back."""
    blocks = []
    for key, value in values.items():
        comment = f"# {comments[key]}\n" if key in comments else ""
        blocks.append(f"{comment}{key}={quoted(value)}\n")
    return "\n".join(blocks)


def quoted(value: str) -> str:
    """Return a value as an env file holds it; single quotes keep everything but themselves and backslashes."""
    if PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def nearest(word: str, known: Collection[str]) -> str:
    """Return ` (did you mean X?)`, or nothing when no known word is near."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""


def _first_line(binding) -> int:
    """Return the line a binding's own text starts at; the parser counts the blank lines before it too."""
    text = binding.original.string
    return binding.original.line + text[:len(text) - len(text.lstrip())].count("\n")


def _first_word(binding) -> str:
    # No more of the line: a password may stand in it, and messages go into mails.
    return re.match(r"[^=\s]*", binding.original.string.strip())[0]


def _refuse_unknown(key: str, known: Collection[str], where: str) -> None:
    if key not in known:
        raise RegistryError(f"{where}: {key} is not a known key{nearest(key, known)}. "
                            "All keys: instances.d/README.md and conf/settings.env.example")


def _refuse_open_secrets(path: Path, values: dict[str, Value]) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    for key in SECRET_KEYS:
        if key in values and values[key].text and mode & 0o077:
            raise RegistryError(f"{values[key].where}: {key} is a secret and others may read this file "
                                f"(mode {mode:04o}). Next: chmod 600 {path}")
