"""What VERSION= names: a release (24.4), the branch that a series' releases come from (24.x), or trunk."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from scripts.errors import UsageError

RELEASE, BRANCH, TRUNK = "release", "branch", "trunk"
FORM = re.compile(r"(?P<release>\d+(?:\.\d+)+)|(?P<branch>\d+(?:\.\d+)*)\.x", re.ASCII)
ENDLESS = 1000  # more releases than a series will ever have
TRUNK_NAMES = ("trunk", "master")
SHOWN_COMMIT = 12       # characters of a commit in names and messages; two commits of Tiki never share as many


@dataclass(frozen=True)
class Word:
    """One word as it was understood; it is the name of a folder, too."""

    text: str
    kind: str
    numbers: tuple[int, ...] = ()
    commit: str = ""
    """One commit of a branch or of trunk, in full; without it the newest is meant."""

    def __str__(self) -> str:
        return self.text

    @property
    def order(self) -> tuple[float, ...]:
        """Return what to sort by: a branch comes after the releases it has had, trunk after all."""
        return self.numbers if self.kind == RELEASE else (*self.numbers, math.inf)

    @property
    def finite_order(self) -> list[float]:
        """Return the same in numbers that can be subtracted, to tell how near two versions are."""
        return [min(number, ENDLESS) for number in (*self.order, 0)]

    def holds(self, numbers: tuple[int, ...]) -> bool:
        """Whether a version of these numbers is of this series; a release is taken for its series, trunk for all.

        Tags are not exact: the tree of tag 12.2 says it is 12.3svn.
        """
        series = self.numbers[:1] if self.kind == RELEASE else self.numbers
        return numbers[:len(series)] == series


def parse(text: str) -> Word:
    """Return the word that an operator wrote; raise UsageError for anything else."""
    word = understood(text.strip())
    if word is None:
        raise UsageError(f"VERSION={text}: expected a release as in 24.4, a branch as in 24.x, or trunk. What can be "
                         "had says: make versions")
    return word


def understood(text: str) -> Word | None:
    """Return what a name means, None when it is no version's name."""
    if text.lower() in TRUNK_NAMES:
        return Word(TRUNK, TRUNK)
    found = FORM.fullmatch(text)
    if not found:
        return None
    return Word(text, BRANCH if found["branch"] else RELEASE, numbers(found["branch"] or text))


def at(word: Word, commit: str) -> Word:
    """Return the word for one commit of a branch or of trunk; its text is no VERSION= and never the branch's own."""
    return Word(f"{word.text}@{commit[:SHOWN_COMMIT]}", word.kind, word.numbers, commit)


def of_tree(name: str) -> Word:
    """Return the word that a prepared tree's name was made of, where it may stand for one commit."""
    text, _, commit = name.partition("@")
    return at(parse(text), commit) if commit else parse(text)


def numbers(text: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with: 24 and 5 of 24.5vcs."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()


def newest(words: Iterable[Word], series: Word) -> Word | None:
    """Return the newest release of a series, None when there is none."""
    return max((word for word in words if word.kind == RELEASE and series.holds(word.numbers)),
               key=lambda word: word.order, default=None)
