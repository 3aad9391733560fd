"""Which lines of a crontab overwrite an instance, and the crontab without them. Decides from its text alone.

A line that overwrites this one alone becomes a comment; one that overwrites others too goes on for them.
"""

import fnmatch
import re
from collections.abc import Collection
from dataclasses import dataclass

from scripts.schedule.lines import Word, commands, is_ours, starts_at, verb_of

VERBS = {"clone": "TO", "cloneandupdate": "TO", "cloneandupgrade": "TO", "mirror": "TO", "promote": "TO",
         "refresh": "INSTANCE", "restore": "INSTANCE", "reinstall": "INSTANCE"}
"""What overwrites an instance, and the variable that says which."""


@dataclass(frozen=True)
class Edited:
    """A crontab without what overwrites; off and shortened are its lines as they were, meant those that may still."""

    text: str
    off: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()


def without(text: str, name: str, tags: Collection[str], top: str, mark: str) -> Edited:
    """Return a crontab in which nothing overwrites an instance any more; mark stands before what became a comment.

    Only calls of the toolkit in the folder top count, and those that do not say of which. What selects the instance
    by a pattern stays: it is told.
    """
    lines, off, shortened, meant = [], [], [], []
    for line in text.split("\n"):
        how, changed = _judge(line, name, tags, top)
        if how == "off":
            off.append(line)
            changed = f"{mark}{line}"
        elif how:
            (shortened if how == "shortened" else meant).append(line)
        lines.append(changed)
    return Edited("\n".join(lines), tuple(off), tuple(shortened), tuple(meant))


def _judge(line: str, name: str, tags: Collection[str], top: str) -> tuple[str, str]:
    """Return what becomes of a line (off, shortened, meant, or nothing), and the line without the name."""
    start = starts_at(line)
    if not start:
        return "", line
    found, shorter = set(), line
    for words in reversed(list(commands(line, start))):  # from the end: places before it stay what they are
        how = _judge_command(words, line, name, tags, top)
        found.add(how)
        for word in reversed(words if how else ()):
            if name in word.names("CONFIRM") or name in word.names(VERBS.get(verb_of(words), "")):
                shorter = _without_name(shorter, word, name)
    how = next((one for one in ("off", "shortened", "meant") if one in found), "")
    return how, line if how == "off" else shorter


def _judge_command(words: list[Word], line: str, name: str, tags: Collection[str], top: str) -> str:
    """Return whether a command overwrites the instance alone (off), with others (shortened), by a pattern (meant)."""
    for word in words:
        # What a shell is given to run: too deep to be shortened.
        if " " in word.plain.strip() and _judge(f"@daily {word.plain}", name, tags, top)[0] in ("off", "shortened"):
            return "off"
    key = VERBS.get(verb_of(words), "")
    if not key or not is_ours(words, line, top):
        return ""
    names = {one for word in words for one in word.names(key)}
    if name in names:
        return "off" if names == {name} else "shortened"
    return "meant" if any(_selects(one, name, tags) for one in names) else ""


def _selects(word: str, name: str, tags: Collection[str]) -> bool:
    """Whether a word of INSTANCE= that is no name means the instance."""
    return word == "all" or word.removeprefix("tag:") in tags and word.startswith("tag:") or \
        any(sign in word for sign in "*?[") and fnmatch.fnmatchcase(name, word)


def _without_name(line: str, word: Word, name: str) -> str:
    """Return a line with the name taken out of the list that a word holds; the whole word goes with its last name."""
    place = rf"(?<![a-z0-9-]){re.escape(name)}(?![a-z0-9-])"
    if re.fullmatch(rf"""["']?(?:--)?\w+=["']?{place}["']*""", word.text):
        return line[:word.start].rstrip(" ") + line[word.start + len(word.text):]
    shorter = re.sub(rf",{place}|{place},", "", word.text)
    return line[:word.start] + shorter + line[word.start + len(word.text):]
