"""The lines of a crontab: when they run, which commands they are made of, and what a call of make in them says.

Reads text only. A line of ours bears CRON=ID; one that a person wrote or copied is understood just as well.
"""

import os
import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

PROGRAMS = ("make", "gmake", "invoke", "inv")
FIELDS = re.compile(r"\s*(?:@\w+|(?:\S+\s+){4}\S+)\s+")      # when a line of a crontab runs
SETTING = re.compile(r"\s*[A-Za-z_]\w*\s*=")                   # of the environment
WORD = re.compile(r"""\d*[<>]+&?|&>+|(?:[^\s;&|()<>"'\\]|\\.|"[^"]*"|'[^']*')+|[;&|()]+""")
GIVEN = re.compile(r"(?:--)?([\w-]+)=(.*)", re.DOTALL)          # to make, or to invoke
FOLDER = re.compile(r"^(?:-[A-Za-z]*C|--directory=)(.*)$")
CRONTAB, SYSTEMD = "crontab", "systemd"


@dataclass(frozen=True)
class Word:
    """A word of a command as it stands there, and where."""

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


@dataclass(frozen=True)
class Job:
    """A call of a verb that runs by itself. text is its line, or its timer's name; number counts a crontab's lines.

    id is what CRON= says; nothing for a line that a person wrote.
    """

    id: str
    at: str
    verb: str
    given: dict[str, str] = field(hash=False)
    text: str
    number: int = 0
    place: str = CRONTAB

    @property
    def instances(self) -> str:
        """Return the words that say which instances it is about."""
        return self.given.get("INSTANCE") or self.given.get("TO") or ""


def jobs(text: str, top: str, verbs: Collection[str]) -> list[Job]:
    """Return the calls of the toolkit in top that a crontab holds, in its order."""
    return [job for job, folder in _all(text, verbs) if not folder or os.path.realpath(folder) == os.path.realpath(top)]


def elsewhere(text: str, top: str, verbs: Collection[str]) -> list[tuple[Job, str]]:
    """Return the calls of toolkits in other folders, each with its folder."""
    return [(job, folder) for job, folder in _all(text, verbs)
            if folder and os.path.realpath(folder) != os.path.realpath(top) and "UNATTENDED" in job.given]


def _all(text: str, verbs: Collection[str]) -> Iterator[tuple[Job, str]]:
    """Yield the calls of a crontab that may be ours, and the folder of each; nothing when it does not say."""
    for number, line in enumerate(text.split("\n"), 1):
        when = starts_at(line)
        for words in _calls(line, when) if when else ():
            if (verb := verb_of(words)) in verbs:
                given, known = _given(words), folders(words, line)
                job = Job(given.pop("CRON", ""), " ".join(line[:when].split()), verb, given, line, number)
                yield job, known[-1] if known else ""  # the last one wins, as with make


def starts_at(line: str) -> int:
    """Return where the command of a line begins; 0 for a comment, a setting, or what is no line of a crontab."""
    when = FIELDS.match(line)
    return 0 if line.lstrip().startswith("#") or SETTING.match(line) or not when else when.end()


def commands(line: str, start: int) -> Iterator[list[Word]]:
    """Yield the words of each command of a line."""
    words: list[Word] = []
    for found in WORD.finditer(line, start):
        if found[0].startswith("#"):
            break
        if found[0].strip(";&|()") == "":
            yield words
            words = []
        else:
            words.append(Word(found[0], found.start()))
    yield words


def verb_of(words: list[Word]) -> str:
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


def folders(words: list[Word], line: str) -> list[str]:
    """Return the folders that a call says it runs in, as far as they can be read."""
    plain = [word.plain for word in words]
    named = [found[1] or "".join(plain[number + 1:number + 2]) for number, word in enumerate(plain)
             if (found := FOLDER.match(word))]
    named += re.findall(r"\bcd\s+([^\s;&|]+)", line)
    return [path for path in named if path.startswith("/") and "$" not in path]


def is_ours(words: list[Word], line: str, top: str) -> bool:
    """Whether a call is of the toolkit in top; one that does not say of which may be."""
    known = folders(words, line)
    return not known or any(os.path.realpath(path) == os.path.realpath(top) for path in known)


def _calls(line: str, start: int) -> Iterator[list[Word]]:
    """Yield the words of each command of a line, and of what a shell in it is given to run; % is written \\% there."""
    for words in commands(line, start):
        whole = [Word(word.text.replace("\\%", "%"), word.start) for word in words]
        yield whole
        for word in whole:
            if " " in word.plain.strip() and not GIVEN.fullmatch(word.plain):
                yield from commands(word.plain, 0)


def _given(words: list[Word]) -> dict[str, str]:
    found = (GIVEN.fullmatch(word.plain) for word in words)
    return {one[1].upper().replace("-", "_"): one[2] for one in found if one}
