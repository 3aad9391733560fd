"""Turns the texts of an env file into a frozen dataclass whose fields are the schema.

The key of a field is its name in capitals; its type says how the text is read; its metadata hold the sentence
that env files and documentation show ("help"), and what a value must look like ("pattern" with "wants", "choices",
"maximum", or "check": a function of the words of a list that raises ValueError).
"""

import dataclasses
import re
from typing import Any

from scripts.errors import RegistryError
from scripts.registry.env_file import Value

YES, NO = ("1", "yes", "on", "true"), ("0", "no", "off", "false")


def described(default: Any = dataclasses.MISSING, **metadata: Any) -> Any:
    """Return a dataclass field with what `load` and the documentation need to know of it."""
    if isinstance(default, (list, dict)):
        raise TypeError("defaults are shared: use a tuple")
    return dataclasses.field(default=default, metadata=metadata)


def keys(cls: type) -> dict[str, dataclasses.Field]:
    """Return the fields that an env file may set, by key."""
    return {field.name.upper(): field for field in dataclasses.fields(cls) if "help" in field.metadata}


def load(cls: type, values: dict[str, Value], place: str, **given: Any) -> Any:
    """Return cls made from values; raise RegistryError at file and line for a value of the wrong kind."""
    known = keys(cls)
    read = {known[key].name: convert(known[key], key, value.text, value.where) for key, value in values.items()}
    for key, field in known.items():
        if field.default is dataclasses.MISSING and read.get(field.name) in (None, ""):
            raise RegistryError(f"{place}: {key} is missing: {field.metadata['help']}")
    return cls(**given, **read)


def convert(field: dataclasses.Field, key: str, text: str, where: str) -> Any:
    """Return text as the field's type wants it; raise RegistryError that says what was expected."""
    text = text.strip() if field.type is not str or key != "DB_PASS" else text
    choices, pattern = field.metadata.get("choices"), field.metadata.get("pattern")
    if choices and text not in choices:
        raise RegistryError(f"{where}: {key}: expected {' or '.join(choices)}, found {text!r}")
    if pattern and text and not re.fullmatch(pattern, text):
        raise RegistryError(f"{where}: {key}: expected {field.metadata['wants']}, found {text!r}")
    if field.type is bool:
        return switch(text, f"{where}: {key}")
    if field.type == int | None and not text:
        return None
    if field.type in (int, int | None):
        if not re.fullmatch(r"\d+", text):
            raise RegistryError(f"{where}: {key}: expected a whole number, found {text!r}")
        if int(text) > field.metadata.get("maximum", int(text)):
            raise RegistryError(f"{where}: {key}: expected at most {field.metadata['maximum']}, found {text}")
        return int(text)
    if field.type == tuple[str, ...]:
        return _words(field, text, f"{where}: {key}")
    if any(ord(character) < 32 or character == "\x7f" for character in text):
        raise RegistryError(f"{where}: {key}: has a line break or another control character in it")
    return text


def _words(field: dataclasses.Field, text: str, where: str) -> tuple[str, ...]:
    """Return the parts of a comma list that pass the field's check, if it has one."""
    words = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        field.metadata.get("check", len)(words)
    except ValueError as error:
        raise RegistryError(f"{where}: {error}") from error
    return words


def switch(text: str, where: str) -> bool:
    """Return what a yes-or-no word says; raise RegistryError for any other word."""
    if text.lower() not in YES + NO:
        raise RegistryError(f"{where}: expected yes or no (1, on, 0, off), found {text!r}")
    return text.lower() in YES
