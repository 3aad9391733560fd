"""What may be asked of the shows from outside: one line, each word of it in a strict form.

Pure. The line comes from whoever has a key for it, so nothing of it reaches a shell, a path or an option as it is: what
does not fit wholly is refused, and what fits is only compared, or becomes an id of our own making.
"""

import re
from dataclasses import dataclass

from scripts.code import words
from scripts.errors import RefusedError, UsageError
from scripts.steps.showing import ID, USER, Show

LONGEST = 300               # characters of a line; the longest one that makes sense has some 150
ISSUE = re.compile(r"\d{1,12}", re.ASCII)
FRONT, PERSON, ADMIN = "front", "user", "admin"
ROLES = (FRONT, PERSON, ADMIN)
"""Whose key it is: a web front end's, which names its user each time and is trusted with that; one user's; an
administrator's."""

NEEDS = {"create": ("version", "issue", "user"), "info": (), "snapshot": (), "reset": (), "update": (), "destroy": ()}
OWNERS = ("reset", "update", "destroy")   # what only who made a show, or an administrator, may do with it
KEYS = ("version", "issue", "user", "id", "role", "what")


@dataclass(frozen=True)
class Caller:
    """Who calls, as the forced command's own options say. user is the key's, for ROLE=user."""

    role: str
    user: str = ""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise UsageError(f"ROLE={self.role}: expected {', '.join(ROLES)}, in the forced command of authorized_keys")
        if (self.role == PERSON) != bool(self.user):
            raise UsageError("FOR_USER= names the user of a key with ROLE=user, and only there")
        if self.user and not USER.fullmatch(self.user):
            raise UsageError(f"FOR_USER={self.user}: expected a user's name: letters, digits, blanks and ._@-")


@dataclass(frozen=True)
class Asked:
    """One request that was understood; user is who asks, is_admin whether an administrator does."""

    action: str
    user: str
    is_admin: bool
    version: str = ""
    issue: str = ""
    id: str = ""
    what: str = ""


def understood(line: str, caller: Caller) -> Asked:
    """Return what a line asks for; raise UsageError or RefusedError for anything that is not wholly understood.

    The form is `ACTION KEY=VALUE ...`, blanks between; a user's blanks come as +.
    """
    if len(line) > LONGEST:
        raise UsageError(f"the request has {len(line)} characters; at most {LONGEST} are taken")
    action, *pairs = line.split(" ")
    if action not in NEEDS:
        raise UsageError(f"expected one of {', '.join(NEEDS)}, and then KEY=VALUE words")
    given = _values(pairs)
    missing = [key for key in NEEDS[action] if key not in given and not (key == "user" and caller.user)]
    if missing:
        raise UsageError(f"{action}: {missing[0]}= is missing")
    user = _user(given, caller)
    is_admin = caller.role == ADMIN or given.get("role") == ADMIN
    return Asked(action, user, is_admin, given.get("version", ""), given.get("issue", ""), given.get("id", ""),
                 given.get("what", ""))


def refuse_stranger(asked: Asked, show: Show) -> None:
    """Raise RefusedError when a show is changed by who neither made it nor is an administrator."""
    if asked.action in OWNERS and not asked.is_admin and not (asked.user and asked.user == show.user):
        raise RefusedError(f"{show.id}: only who made it, or an administrator, may {asked.action} it")


def _values(pairs: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or key not in KEYS:
            raise UsageError(f"expected KEY=VALUE words with one blank between; keys: {', '.join(KEYS)}")
        if key in given:
            raise UsageError(f"{key}= stands there twice")
        given[key] = _checked(key, value)
    return given


def _checked(key: str, value: str) -> str:
    if key == "user":
        value = value.replace("+", " ")
    fits = {"version": lambda text: text.isascii() and words.understood(text), "issue": ISSUE.fullmatch,
            "user": USER.fullmatch, "id": ID.fullmatch, "role": lambda text: text in (ADMIN, PERSON),
            "what": lambda text: text in ("versions", "shows")}[key](value)
    if not fits:
        raise UsageError(f"{key}= has not the form it must have")
    return value


def _user(given: dict[str, str], caller: Caller) -> str:
    """Return who asks. A key of one user speaks for that user alone."""
    if caller.role == PERSON:
        if given.get("user", caller.user) != caller.user or given.get("role") == ADMIN:
            raise RefusedError(f"this key is {caller.user}'s: it speaks for nobody else")
        return caller.user
    return given.get("user", "")
