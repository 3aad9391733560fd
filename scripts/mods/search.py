"""The search for revisions of which every demand holds, and the words for why there are none.

resolvelib searches, and here is what it is told. A mod may also be absent: so conflicts are demands like others and
are judged on the result. Most wishes need no search: each mod's preferred revision is taken, and all demands hold.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, Resolver

from scripts.errors import RefusedError
from scripts.mods import revision
from scripts.mods.demands import Demand
from scripts.mods.index import IndexLine
from scripts.mods.parts import ControlFile
from scripts.mods.revision import Revision

INSTALLED, LOCAL = "installed", "local"
ROUNDS = 100_000    # of resolvelib's search; a thousand mods that hang together take some thousand


class Conflict(RefusedError):
    """No choice of revisions fulfils every demand; the message names those that collide."""


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
    """Return the candidate that a list tells of. A list has the first Tiki version alone: later ones are admitted."""
    versions = (line.version if line.version.endswith("+") else f"{line.version}+",) if line.version else ()
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


class Search(AbstractProvider):
    """Knows all revisions; `chosen` says which to take. broken are demands that did not hold before either."""

    def __init__(self, wishes: Sequence[Demand], installed: Mapping[str, Candidate], available: Iterable[Candidate],
                 tiki_version: str) -> None:
        self.wishes, self.installed, self.tiki_version = wishes, installed, tiki_version
        self.wished = {wish.mod for wish in wishes}
        self.broken: list[str] = []
        self.known: dict[str, list[Candidate]] = {}
        self.unfit: dict[str, list[Candidate]] = {}
        for one in [*installed.values(), *available]:
            fits = one.origin == INSTALLED or revision.is_for(one.versions, tiki_version)
            (self.known if fits else self.unfit).setdefault(one.mod, []).append(one)
        for found in self.known.values():
            found.sort(key=lambda one: one.revision, reverse=True)  # stable: the preferred place stays first
        self._absences: dict[str, Absent] = {}
        self._wants: dict[int, list[Want]] = {}
        self._fitting: dict[Want, set[int]] = {}
        self._dropped: dict[int, Want] = {}  # candidates that cannot be, with the demand that nothing fulfils

    def chosen(self) -> dict[str, Candidate]:
        """Return the revision of every mod that plays a part; raise Conflict when there is no choice."""
        touched = self._touched()
        roots = [Want(wish) for wish in self.wishes]
        roots += [Want(Demand(mod), one) for mod, one in self.installed.items()
                  if mod in touched and mod not in self.wished]
        self._drop_hopeless(touched)
        for root in roots:
            if not self._fulfilling(root):
                raise Conflict(self._hopeless(root))
        self._refuse_collision(roots)
        found = self._preferred(roots) or self._searched(roots)
        return {mod: one for mod, one in found.items() if isinstance(one, Candidate)}

    def _touched(self) -> set[str]:
        """Return the mods that the wish can reach; all others stay as they are and need not be searched."""
        near: dict[str, set[str]] = {}
        for one in [candidate for found in self.known.values() for candidate in found]:
            for demand in (*one.requires, *one.conflicts):
                near.setdefault(one.mod, set()).add(demand.mod)
                if one.origin == INSTALLED or demand in one.conflicts:
                    near.setdefault(demand.mod, set()).add(one.mod)
        return reached(self.wished, near)

    def _drop_hopeless(self, touched: Collection[str]) -> None:
        """Leave out revisions that require what there is not, then those that require them, and so on."""
        requirers: dict[str, list[Candidate]] = {}
        waiting = [one for mod in touched for one in self.known.get(mod, ())]
        for one in waiting:
            for want in self.get_dependencies(one):
                requirers.setdefault(want.demand.mod, []).append(one)
        while waiting:
            one = waiting.pop()
            lacking = next((want for want in self.get_dependencies(one)
                            if not want.forbids and not self._fulfilling(want)), None)
            if lacking and id(one) not in self._dropped:
                self._dropped[id(one)] = lacking
                waiting += requirers.get(one.mod, [])

    def _refuse_collision(self, roots: Sequence[Want]) -> None:
        """Raise Conflict for demands that collide whatever is chosen: of mods of which one revision alone is left."""
        wants: dict[str, list[Want]] = {}
        settled: set[str] = set()
        waiting = deque(roots)
        while waiting:
            want = waiting.popleft()
            mod = want.demand.mod
            wants.setdefault(mod, []).append(want)
            matches = self._matches(mod, wants[mod], ())
            if not matches:
                raise Conflict(self._collision(mod, self._fewest(mod, wants[mod])))
            if len(matches) == 1 and isinstance(matches[0], Candidate) and mod not in settled:
                settled.add(mod)
                waiting += self.get_dependencies(matches[0])

    def _fulfilling(self, want: Want) -> list[Candidate]:
        return [one for one in self.known.get(want.demand.mod, ())
                if id(one) not in self._dropped and self.is_satisfied_by(want, one)]

    def _preferred(self, roots: Sequence[Want]) -> dict[str, Choice]:
        """Return the preferred revision of each mod when all demands hold so; nothing when that takes a search."""
        wants: dict[str, list[Want]] = {}
        for root in roots:
            wants.setdefault(root.demand.mod, []).append(root)
        chosen: dict[str, Choice] = {}
        waiting = list(reversed(wants))  # what is wished for, and all it leads to, before what is there anyhow
        while waiting:
            mod = waiting.pop()
            matches = self._matches(mod, wants[mod], ())
            if not matches:
                return {}
            before = chosen.get(mod)
            if before is matches[0]:
                continue
            if isinstance(before, Candidate):
                return {}  # its demands have already led elsewhere
            chosen[mod] = matches[0]
            for want in self.get_dependencies(matches[0]):
                wants.setdefault(want.demand.mod, []).append(want)
                waiting.append(want.demand.mod)
        return chosen

    def _searched(self, roots: Sequence[Want]) -> Mapping[str, Choice]:
        try:
            return Resolver(self, BaseReporter()).resolve(roots, max_rounds=ROUNDS).mapping
        except ResolutionImpossible as impossible:
            raise Conflict(self._explained([cause.requirement for cause in impossible.causes])) from impossible

    # What follows are resolvelib's questions, in its words.

    def identify(self, requirement_or_candidate: Want | Choice) -> str:
        one = requirement_or_candidate
        return one.demand.mod if isinstance(one, Want) else one.mod

    def get_preference(self, identifier: str, resolutions: Mapping, candidates: Mapping, information: Mapping,
                       backtrack_causes: Sequence) -> Any:
        return identifier

    def narrow_requirement_selection(self, identifiers: Iterable[str], resolutions: Mapping, candidates: Mapping,
                                     information: Mapping, backtrack_causes: Sequence) -> Iterable[str]:
        """Take what collided last first, then what somebody new wants: asking for each one's preference is slow."""
        names = list(identifiers)
        guilty = {self.identify(cause.requirement) for cause in backtrack_causes}
        return [next((name for name in names if name in guilty), None)
                or next((name for name in names if not self._is_of_installed(want.requirement for want in
                                                                             information[name])), names[0])]

    def find_matches(self, identifier: str, requirements: Mapping[str, Iterator[Want]],
                     incompatibilities: Mapping[str, Iterator[Choice]]) -> list[Choice]:
        return self._matches(identifier, list(requirements[identifier]), list(incompatibilities[identifier]))

    def is_satisfied_by(self, requirement: Want, candidate: Choice) -> bool:
        if isinstance(candidate, Absent):
            return requirement.forbids
        fitting = self._fitting.get(requirement)
        if fitting is None:
            fitting = self._fitting[requirement] = {
                id(one) for one in self.known.get(requirement.demand.mod, ())
                if requirement.demand.admits(one.revision) is not requirement.forbids}
        return id(candidate) in fitting

    def get_dependencies(self, candidate: Choice) -> Iterable[Want]:
        if isinstance(candidate, Absent):
            return []
        if id(candidate) not in self._wants:
            self._wants[id(candidate)] = list(self._wants_of(candidate))
        return self._wants[id(candidate)]

    def _matches(self, mod: str, wants: Sequence[Want], bad: Iterable[Choice]) -> list[Choice]:
        """Return what fulfils all wants, the preferred one first."""
        excluded = {id(one) for one in bad}
        if all(want.forbids for want in wants):
            # Nobody wants it: it comes only when somebody turns up who does.
            absent = self._absences.setdefault(mod, Absent(mod))
            return [absent] if id(absent) not in excluded else []
        found: list[Choice] = [one for one in self.known.get(mod, ()) if id(one) not in excluded
                               and id(one) not in self._dropped and all(self.is_satisfied_by(want, one)
                                                                        for want in wants)]
        if mod not in self.wished and mod in self.installed and self._is_of_installed(wants):
            found.sort(key=lambda one: one is not self.installed[mod])
        return found

    @staticmethod
    def _is_of_installed(wants: Iterable[Want]) -> bool:
        """Whether only mods that are installed already want it."""
        return all(want.by and want.by.origin == INSTALLED for want in wants if not want.forbids)

    def _wants_of(self, candidate: Candidate) -> Iterator[Want]:
        """Yield the demands of a choice. What an untouched mod lacked before is told, and no reason to fail now."""
        is_untouched = candidate.origin == INSTALLED and candidate.mod not in self.wished
        for demand, forbids in [*((one, False) for one in candidate.requires),
                                *((one, True) for one in candidate.conflicts)]:
            if demand.mod == candidate.mod:
                continue
            want, other = Want(demand, candidate, forbids), self.installed.get(demand.mod)
            if is_untouched and not (self.is_satisfied_by(want, other) if other else forbids):
                self.broken += [] if str(want) in self.broken else [str(want)]
            else:
                yield want

    # And these are the words for a failure.

    def _hopeless(self, want: Want) -> str:
        """Return why a demand cannot be fulfilled: at the end of the way there is one for which nothing is there."""
        seen: set[int] = set()
        while True:
            fitting = [one for one in self.known.get(want.demand.mod, ()) if self.is_satisfied_by(want, one)]
            best = next((one for one in fitting if id(one) in self._dropped and id(one) not in seen), None)
            if best is None:
                return self._collision(want.demand.mod, [want])
            seen.add(id(best))
            want = self._dropped[id(best)]

    def _explained(self, wants: list[Want]) -> str:
        """Return which demands collide: of one mod the fewest that leave no choice."""
        by_mod: dict[str, list[Want]] = {}
        for want in {str(want): want for want in wants}.values():
            by_mod.setdefault(want.demand.mod, []).append(want)
        for mod, found in sorted(by_mod.items(), key=lambda item: -len(item[1])):
            if not self._matches(mod, found, ()):
                return self._collision(mod, self._fewest(mod, found))
        return f"these demands collide: {'; '.join(dict.fromkeys(map(str, wants)))}"

    def _fewest(self, mod: str, wants: list[Want]) -> list[Want]:
        for want in list(wants):
            without = [one for one in wants if one is not want]
            if without and not self._matches(mod, without, ()):
                wants = without
        return wants

    def _collision(self, mod: str, wants: list[Want]) -> str:
        told = " and ".join(map(str, wants))
        known = ", ".join(dict.fromkeys(f"{one.revision} ({one.origin})" for one in self.known.get(mod, ())))
        unfit = ", ".join(dict.fromkeys(f"{one.revision} (for Tiki {' '.join(one.versions)})"
                                        for one in self.unfit.get(mod, ())))
        if unfit and not known:
            return f"{told}, which is not for Tiki {self.tiki_version}: there is {unfit}"
        there = f"there is {known}" if known else "nobody has it. Next: make mods-update"
        return f"{told}: {there}{f'; not for Tiki {self.tiki_version}: {unfit}' if unfit else ''}"


def reached(start: Iterable[str], ways: Mapping[str, Collection[str]]) -> set[str]:
    """Return everything to which ways lead, with where they start."""
    found = set(start)
    edge = list(found)
    while edge:
        further = {other for other in ways.get(edge.pop(), ()) if other not in found}
        found |= further
        edge += further
    return found
