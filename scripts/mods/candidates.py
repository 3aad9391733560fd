"""Revisions of mods that can be chosen, and what is wanted of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from scripts.mods.demands import Demand
from scripts.mods.index import IndexLine
from scripts.mods.parts import ControlFile
from scripts.mods.revision import Revision

INSTALLED, LOCAL = "installed", "local"


@dataclass(frozen=True)
class Candidate:
    """One revision of a mod, and where it is: installed, local (the collection), or a provider's address."""

    mod: str
    revision: Revision
    origin: str
    requires: tuple[Demand, ...] = ()
    suggests: tuple[Demand, ...] = ()
    conflicts: tuple[Demand, ...] = ()
    versions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.mod} {self.revision}"


def of_control(control: ControlFile, origin: str) -> Candidate:
    """Return the candidate that a control file is."""
    return Candidate(control.mod, control.revision, origin, control.requires, control.suggests, control.conflicts,
                     control.versions)


def of_line(line: IndexLine, origin: str) -> Candidate:
    """Return the candidate that a list tells of.

    A list has the first Tiki version alone: later ones are admitted, and after one with an upper end all are.
    """
    versions = (line.version if line.version.endswith("+") else f"{line.version}+",) if line.version else ()
    versions = () if line.version.startswith(("<", "=<")) else versions
    return Candidate(line.mod, line.revision, origin, line.requires, line.suggests, line.conflicts, versions)


@dataclass(frozen=True, eq=False)
class Want:
    """A demand, whose it is, and whether it forbids what it names. Each is itself alone: comparing many is slow."""

    demand: Demand
    by: Candidate | None = None
    forbids: bool = False

    def __str__(self) -> str:
        if self.by is None:
            return f"you asked for {self.demand}"
        if self.by.mod == self.demand.mod:
            return f"{self.by} is installed"
        here = " (installed)" if self.by.origin == INSTALLED else ""
        return f"{self.by}{here} {'conflicts with' if self.forbids else 'requires'} {self.demand}"


@dataclass(frozen=True)
class Absent:
    """The choice that a mod is not there."""

    mod: str


Choice = Candidate | Absent


def reached(start: Iterable[str], ways: Mapping[str, Collection[str]]) -> set[str]:
    """Return everything to which ways lead, with where they start."""
    found = set(start)
    edge = list(found)
    while edge:
        further = {other for other in ways.get(edge.pop(), ()) if other not in found}
        found |= further
        edge += further
    return found
