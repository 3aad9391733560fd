"""What a check comes back with, and how a fault that stops a check becomes a finding of its own."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from scripts.errors import Fault

MANAGER = "manager"
# Faults close with advice. A command among it stands apart here, in a form that works from everywhere; words stay.
COMMAND = re.compile(r"[.;,:]? *\b(?:Next(?:, on that host)?|then|when the new key is right): "
                     r"(?:chmod|ssh-\S+|apt|rm|make)\b.*$", re.DOTALL)


class Wrong(NamedTuple):
    """Something that is not as it should be: what and why it hurts, and the command that mends it."""

    problem: str
    mend: str


@dataclass(frozen=True)
class Finding:
    """One thing to mend; instance is "manager" for what belongs to no instance, next a command for any shell."""

    instance: str
    check: str
    problem: str
    next: str


@dataclass(frozen=True)
class Checked:
    """One group of checks at one place, and what it found; nothing, when all is well."""

    place: str
    check: str
    findings: tuple[Finding, ...] = ()


def look(place: str, check: str, question: Callable[[], Iterable[Wrong]], otherwise: str | Callable[[Fault], str]
         ) -> Checked:
    """Return what a question finds; when a fault stops it, that is the finding, and otherwise is what mends it."""
    wrong: list[Wrong] = []
    try:
        wrong.extend(question())
    except Fault as fault:
        wrong.append(Wrong(told(fault, place), otherwise if isinstance(otherwise, str) else otherwise(fault)))
    return checked(place, check, wrong)


def checked(place: str, check: str, wrong: Iterable[Wrong]) -> Checked:
    """Return a group with what is wrong in it, each on one line."""
    return Checked(place, check, tuple(Finding(place, check, " ".join(problem.split()), mend)
                                       for problem, mend in wrong))


def told(fault: Fault, place: str = "") -> str:
    """Return what a fault says, without the command it closes with and without the place that is said anyway."""
    text = COMMAND.sub("", str(fault)).removeprefix(f"{place}: ")
    return re.sub(r"\bNext: (.)", lambda found: found[1].upper(), text).rstrip(" .")
