"""Which lines of a crontab overwrite an instance, and the crontab without them. Decides from its text alone.

A line that overwrites this one alone becomes a comment; one that overwrites others too goes on for them.
"""

import fnmatch
import os
import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass

VERBS = {"clone": "TO", "mirror": "TO", "promote": "TO", "refresh": "INSTANCE", "restore": "INSTANCE",
         "reinstall": "INSTANCE"}
"""What overwrites an instance, and the variable that says which."""
PROGRAMS = ("make", "gmake", "invoke", "inv")
FIELDS = re.compile(r"\s*(?:@\w+|(?:\S+\s+){4}\S+)\s+")      # when a line of a crontab runs
SETTING = re.compile(r"\s*[A-Za-z_]\w*\s*=")                   # of the environment
WORD = re.compile(r"""\d*[<>]+&?|&>+|(?:[^\s;&|()<>"'\\]|\\.|"[^"]*"|'[^']*')+|[;&|()]+""")
GIVEN = re.compile(r"(?:--)?(\w+)=(.*)", re.DOTALL)              # to make, or to invoke
FOLDER = re.compile(r"^(?:-[A-Za-z]*C|--directory=)(.*)$")


@dataclass(frozen=True)
class Edited:
    """A crontab without what overwrites; off and shortened are its lines as they were, meant those that may still."""

    text: str
    off: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Word:
    text: str
    start: int

    @property
    def plain(self) -> str:
        """Return the word as the shell hands it on."""
        try:
            return "".join(shlex.split(self.text)[:1])
        except ValueError:
            return self.text

    def names(self, key: str) -> list[str]:
        """Return the names that the word gives to a variable; none when it gives something else."""
        given = GIVEN.fullmatch(self.plain)
        return [one for one in given[2].split(",") if one] if given and given[1].upper() == key else []


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
    when = FIELDS.match(line)
    if line.lstrip().startswith("#") or SETTING.match(line) or not when:
        return "", line
    found, shorter = set(), line
    for words in reversed(list(_commands(line, when.end()))):  # from the end: places before it stay what they are
        how = _judge_command(words, line, name, tags, top)
        found.add(how)
        for word in reversed(words if how else ()):
            if name in word.names("CONFIRM") or name in word.names(VERBS.get(_verb(words), "")):
                shorter = _without_name(shorter, word, name)
    how = next((one for one in ("off", "shortened", "meant") if one in found), "")
    return how, line if how == "off" else shorter


def _judge_command(words: list[_Word], line: str, name: str, tags: Collection[str], top: str) -> str:
    """Return whether a command overwrites the instance alone (off), with others (shortened), by a pattern (meant)."""
    for word in words:
        # What a shell is given to run: too deep to be shortened.
        if " " in word.plain.strip() and _judge(f"@daily {word.plain}", name, tags, top)[0] in ("off", "shortened"):
            return "off"
    key = VERBS.get(_verb(words), "")
    if not key or not _is_ours(words, line, top):
        return ""
    names = {one for word in words for one in word.names(key)}
    if name in names:
        return "off" if names == {name} else "shortened"
    return "meant" if any(_selects(one, name, tags) for one in names) else ""


def _commands(line: str, start: int) -> Iterator[list[_Word]]:
    """Yield the words of each command of a line."""
    words: list[_Word] = []
    for found in WORD.finditer(line, start):
        if found[0].strip(";&|()") == "":
            yield words
            words = []
        else:
            words.append(_Word(found[0], found.start()))
    yield words


def _verb(words: list[_Word]) -> str:
    """Return the first target that make, or the first task that invoke, is called with; nothing for other programs."""
    plain = [word.plain for word in words]
    place = next((number for number, word in enumerate(plain) if os.path.basename(word) in PROGRAMS), None)
    if place is None:
        return ""
    rest = iter(plain[place + 1:])
    for word in rest:
        if re.fullmatch(r"-[A-Za-z]*[Cfj]|--directory|--file", word):
            next(rest, "")  # what belongs to the option
        elif not word.startswith("-") and "=" not in word:
            return word
    return ""


def _is_ours(words: list[_Word], line: str, top: str) -> bool:
    """Whether a call is of the toolkit in top; one that does not say of which may be."""
    plain = [word.plain for word in words]
    named = [found[1] or "".join(plain[number + 1:number + 2]) for number, word in enumerate(plain)
             if (found := FOLDER.match(word))]
    named += re.findall(r"\bcd\s+([^\s;&|]+)", line)
    known = [path for path in named if path.startswith("/") and "$" not in path]
    return not known or any(os.path.realpath(path) == os.path.realpath(top) for path in known)


def _selects(word: str, name: str, tags: Collection[str]) -> bool:
    """Whether a word of INSTANCE= that is no name means the instance."""
    return word == "all" or word.removeprefix("tag:") in tags and word.startswith("tag:") or \
        any(sign in word for sign in "*?[") and fnmatch.fnmatchcase(name, word)


def _without_name(line: str, word: _Word, name: str) -> str:
    """Return a line with the name taken out of the list that a word holds; the whole word goes with its last name."""
    place = rf"(?<![a-z0-9-]){re.escape(name)}(?![a-z0-9-])"
    if re.fullmatch(rf"""["']?(?:--)?\w+=["']?{place}["']*""", word.text):
        return line[:word.start].rstrip(" ") + line[word.start + len(word.text):]
    shorter = re.sub(rf",{place}|{place},", "", word.text)
    return line[:word.start] + shorter + line[word.start + len(word.text):]
