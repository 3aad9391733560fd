"""What a mod wants of others: requires, suggests, conflicts, each a name with any number of version tests."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from scripts.mods import names
from scripts.mods.revision import Revision

OPERATORS: dict[str, Callable[[Revision, Revision], bool]] = {
    "=": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, "=<": operator.le, ">=": operator.ge,
    "=>": operator.ge}
TEST = re.compile(r"([<>=!]+)([0-9.]*)([^<>=!]*)")


@dataclass(frozen=True)
class VersionTest:
    """One version test, as in `>=1.2`."""

    operator: str
    revision: Revision

    def holds(self, revision: Revision) -> bool:
        return OPERATORS[self.operator](revision, self.revision)

    def __str__(self) -> str:
        return f"{self.operator}{self.revision}"


@dataclass(frozen=True)
class Demand:
    """A mod, and the tests that its revision has to pass, all of them."""

    mod: str
    tests: tuple[VersionTest, ...] = ()

    def admits(self, revision: Revision) -> bool:
        """Whether a revision passes every test; without a test any does."""
        return all(test.holds(revision) for test in self.tests)

    def __str__(self) -> str:
        return self.mod + "".join(map(str, self.tests))


@dataclass(frozen=True)
class Doubt:
    """What is wrong with a demand's text; certain when it can mean one thing only."""

    message: str
    certain: bool


def read(text: str) -> tuple[list[Demand], list[Doubt]]:
    """Return the demands of a line; `&` separates several, blanks do not count.

    A demand that cannot be understood is a doubt and not returned.
    """
    found: list[Demand] = []
    doubts: list[Doubt] = []
    for part in re.sub(r"[ \t\n\r\0\x0b]", "", text).split("&"):
        if part:
            demand = _demand(part, doubts)
            found += [demand] if demand else []
    return found, doubts


def _demand(text: str, doubts: list[Doubt]) -> Demand | None:
    mod = re.match(r"[^<>=!]*", text)[0].rstrip(",")
    if not names.is_mod(mod):
        doubts.append(Doubt(f"{mod or text!r} is not the name of a mod (TYPE-NAME)", False))
        return None
    tests = []
    for sign, digits, rest in TEST.findall(text[len(mod):].lstrip(",")):
        if sign not in OPERATORS:
            doubts.append(Doubt(f"{mod}: {sign} is no test; there are <, >, =, <=, >=", False))
            return None
        if not re.search("[0-9]", digits):
            doubts.append(Doubt(f"{mod}: {sign}{rest} compares with nothing; a revision begins with digits", False))
            return None
        if rest.strip(","):
            is_certain = not re.search(",[^,]", rest)  # else another demand may be meant, which would be lost
            doubts.append(Doubt(f"{mod}: {digits}{rest} counts as {digits}: only digits and dots are compared",
                                is_certain))
        tests.append(VersionTest(sign, Revision(digits)))
    return Demand(mod, tuple(tests))
