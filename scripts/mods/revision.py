"""Revisions of mods and how they compare, as numbers between dots: 1.2 below 1.10; and for which Tikis a mod is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, total_ordering

WORD = re.compile(r"[0-9][0-9A-Za-z.+_~-]*", re.ASCII)
NUMBER = re.compile(r"[ \t\n\r\0\x0b]*([+-]?[0-9]+)")
PHRASE = re.compile(r"(>=|=>|>|<=|=<|<|=)?\s*(?:tiki\w*\s*)?v?(\d+(?:\.\d+)*)(?:\.x)?\s*"
                    r"(\+|and (?:up|above|later|newer|higher)|or (?:above|later|newer|higher))?", re.IGNORECASE)
UNTIL = re.compile(r"v?(\d+(?:\.\d+)*)(?:\.x)?\s*(?:-|to|until)\s*v?(\d+(?:\.\d+)*)(?:\.x)?", re.IGNORECASE)
NEVER_MADE = (1, 10)    # what became 2.0 was called 1.10 until its last months
SINGLE_SERIES = 2       # from 2 on the first number alone is the series


@total_ordering
@dataclass(frozen=True, eq=False)
class Revision:
    """The revision of a mod, as its control file has it.

    Compared part by part as whole numbers; a part without leading digits is 0, missing parts are 0. So 1.2, 1.2.0,
    1.02 and 1.2rc1 are equal, and so are 0 and an empty text.
    """

    text: str = ""

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """What is compared."""
        found = [NUMBER.match(part) for part in self.text.split(".")]
        numbers = [_whole(one[1]) if one else 0 for one in found]
        while numbers and not numbers[-1]:
            numbers.pop()
        return tuple(numbers)

    @property
    def is_plain(self) -> bool:
        """Whether it is a word that may be part of a file's name."""
        return bool(WORD.fullmatch(self.text)) and ".." not in self.text

    def __eq__(self, other: object) -> bool:
        return self.numbers == other.numbers if isinstance(other, Revision) else NotImplemented

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Revision):
            return NotImplemented
        length = max(len(self.numbers), len(other.numbers))
        return _filled(self.numbers, length) < _filled(other.numbers, length)

    def __hash__(self) -> int:
        return hash(self.numbers)

    def __str__(self) -> str:
        return self.text


def _filled(numbers: tuple[int, ...], length: int) -> tuple[int, ...]:
    # A negative part is below a missing one.
    return numbers + (0,) * (length - len(numbers))


def _whole(digits: str) -> int:
    # Python refuses to convert thousands of digits; nobody means them.
    return int(digits[:100])


def is_for(phrases: Sequence[str], tiki: str) -> bool:
    """Whether a mod with these phrases is for a Tiki.

    One that fits is enough; a number means that series (1.9 or 24), one with a plus that and all later ones. Without
    a phrase, or with one that nobody can read, every Tiki is admitted; so it is when the Tiki's version is not known.
    """
    known = _parts(tiki)
    if not known:
        return True
    judged = [_fits(phrase, known) for phrase in phrases]
    return not judged or any(fits is not False for fits in judged)


def is_understood(phrase: str) -> bool:
    return bool(PHRASE.fullmatch(phrase.strip()) or UNTIL.fullmatch(phrase.strip()))


def _fits(phrase: str, tiki: tuple[int, ...]) -> bool | None:
    """Return what a phrase says of a Tiki, None when it says nothing."""
    if found := UNTIL.fullmatch(phrase.strip()):
        first, last = _series(_parts(found[1])), _series(_parts(found[2]))
        return tiki >= first and tiki[:len(last)] <= last
    found = PHRASE.fullmatch(phrase.strip())
    if not found:
        return None
    series = _series(_parts(found[2]))
    sign, head = found[1] or "=", tiki[:len(series)]
    if found[3] or sign in (">=", "=>"):
        return head >= series
    return {"=": head == series, ">": head > series, "<": head < series, "<=": head <= series,
            "=<": head <= series}[sign]


def _parts(text: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", text.strip())
    return tuple(int(part[:9]) for part in found[0].split(".")) if found else ()


def _series(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return what a Tiki's version has to begin with."""
    if numbers[:2] == NEVER_MADE:
        return (2,)
    return numbers[:1] if numbers[0] >= SINGLE_SERIES and not any(numbers[1:]) else numbers
