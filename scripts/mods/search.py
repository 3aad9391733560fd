"""The search for revisions of which every demand holds.

resolvelib searches, and here is what it is told. A mod may also be absent: so conflicts are demands like others and
are judged on the result. Most wishes need no search: each mod's preferred revision is taken, and all demands hold.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible
from resolvelib.resolvers import Resolution

from scripts.errors import RefusedError
from scripts.mods.candidates import INSTALLED, Absent, Candidate, Choice, Want, reached
from scripts.mods.choices import Choices, is_of_installed
from scripts.mods.demands import Demand

ROUNDS = 100_000    # of resolvelib's search; a thousand mods that hang together take some thousand


class Conflict(RefusedError):
    """No choice of revisions fulfils every demand; the message names those that collide."""


class Search(AbstractProvider):
    """Knows all revisions; `chosen` says which to take. broken are demands that did not hold before either."""

    def __init__(self, wishes: Sequence[Demand], installed: Mapping[str, Candidate], available: Iterable[Candidate],
                 tiki_version: str) -> None:
        self.wishes, self.installed = wishes, installed
        self.wished = {wish.mod for wish in wishes}
        self.broken: list[str] = []
        self._choices = Choices(self.wished, installed, available, tiki_version)
        self._wants: dict[int, list[Want]] = {}

    def chosen(self) -> dict[str, Candidate]:
        """Return the revision of every mod that plays a part; raise Conflict when there is no choice."""
        touched = self._touched()
        roots = [Want(wish) for wish in self.wishes]
        roots += [Want(Demand(mod), one) for mod, one in self.installed.items()
                  if mod in touched and mod not in self.wished]
        self._drop_hopeless(touched)
        for root in roots:
            if not self._choices.fulfilling(root):
                raise Conflict(self._choices.hopeless(root))
        self._refuse_collision(roots)
        found = self._preferred(roots) or self._searched(roots)
        return {mod: one for mod, one in found.items() if isinstance(one, Candidate)}

    def _touched(self) -> set[str]:
        """Return the mods that the wish can reach; all others stay as they are and need not be searched."""
        near: dict[str, set[str]] = {}
        for one in [candidate for found in self._choices.known.values() for candidate in found]:
            for demand in (*one.requires, *one.conflicts):
                near.setdefault(one.mod, set()).add(demand.mod)
                if one.origin == INSTALLED or demand in one.conflicts:
                    near.setdefault(demand.mod, set()).add(one.mod)
        return reached(self.wished, near)

    def _drop_hopeless(self, touched: Collection[str]) -> None:
        """Leave out revisions that require what there is not, then those that require them, and so on."""
        requirers: dict[str, list[Candidate]] = {}
        waiting = [one for mod in touched for one in self._choices.known.get(mod, ())]
        for one in waiting:
            for want in self.get_dependencies(one):
                requirers.setdefault(want.demand.mod, []).append(one)
        while waiting:
            one = waiting.pop()
            lacking = next((want for want in self.get_dependencies(one)
                            if not want.forbids and not self._choices.fulfilling(want)), None)
            if lacking and id(one) not in self._choices.dropped:
                self._choices.dropped[id(one)] = lacking
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
            matches = self._choices.matches(mod, wants[mod])
            if not matches:
                raise Conflict(self._choices.collision(mod, wants[mod]))
            if len(matches) == 1 and isinstance(matches[0], Candidate) and mod not in settled:
                settled.add(mod)
                waiting += self.get_dependencies(matches[0])

    def _preferred(self, roots: Sequence[Want]) -> dict[str, Choice]:
        """Return the preferred revision of each mod when all demands hold so; nothing when that takes a search."""
        wants: dict[str, list[Want]] = {}
        for root in roots:
            wants.setdefault(root.demand.mod, []).append(root)
        chosen: dict[str, Choice] = {}
        waiting = list(reversed(wants))  # what is wished for, and all it leads to, before what is there anyhow
        while waiting:
            mod = waiting.pop()
            matches = self._choices.matches(mod, wants[mod])
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
            # Not Resolver: it asks how each choice was led to, and has no end where two require each other that a
            # way led to which was left again.
            state = Resolution(self, BaseReporter()).resolve(roots, max_rounds=ROUNDS)
        except ResolutionImpossible as impossible:
            raise Conflict(self._choices.explained([cause.requirement for cause in impossible.causes])) from impossible
        found = {mod: one for mod, one in state.mapping.items() if isinstance(one, Candidate)}
        return self._calmed(found, [root.demand.mod for root in roots])

    def _calmed(self, found: Mapping[str, Candidate], roots: Sequence[str]) -> dict[str, Choice]:
        """Undo what ways have left behind that the search went back on: mods that nobody needs, and needless moves."""
        chosen = dict(found)
        while True:
            needs = {mod: [want.demand.mod for want in self.get_dependencies(one) if not want.forbids]
                     for mod, one in chosen.items()}
            chosen = {mod: chosen[mod] for mod in sorted(reached(roots, needs))}
            back = next((mod for mod in chosen if self._moved_needlessly(mod, chosen)), None)
            if back is None:
                return chosen
            chosen[back] = self.installed[back]

    def _moved_needlessly(self, mod: str, chosen: Mapping[str, Candidate]) -> bool:
        """Whether an installed mod could have stayed, and nobody who is new wants it."""
        before = self.installed.get(mod)
        if before is None or chosen[mod] is before or mod in self.wished:
            return False
        wants = [want for other, one in chosen.items() if other != mod for want in self.get_dependencies(one)
                 if want.demand.mod == mod]
        return is_of_installed(wants) and all(self._choices.fulfils(before, want) for want in wants) and all(
            self._choices.fulfils(chosen.get(want.demand.mod) or Absent(want.demand.mod), want)
            for want in self.get_dependencies(before))

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
                or next((name for name in names if not is_of_installed(want.requirement for want in
                                                                             information[name])), names[0])]

    def find_matches(self, identifier: str, requirements: Mapping[str, Iterator[Want]],
                     incompatibilities: Mapping[str, Iterator[Choice]]) -> list[Choice]:
        return self._choices.matches(identifier, list(requirements[identifier]), list(incompatibilities[identifier]))

    def is_satisfied_by(self, requirement: Want, candidate: Choice) -> bool:
        return self._choices.fulfils(candidate, requirement)

    def get_dependencies(self, candidate: Choice) -> Iterable[Want]:
        if isinstance(candidate, Absent):
            return []
        if id(candidate) not in self._wants:
            self._wants[id(candidate)] = list(self._wants_of(candidate))
        return self._wants[id(candidate)]

    def _wants_of(self, candidate: Candidate) -> Iterator[Want]:
        """Yield the demands of a choice. What an untouched mod lacked before is told, and no reason to fail now."""
        is_untouched = candidate.origin == INSTALLED and candidate.mod not in self.wished
        for demand, forbids in [*((one, False) for one in candidate.requires),
                                *((one, True) for one in candidate.conflicts)]:
            if demand.mod == candidate.mod:
                continue
            want, other = Want(demand, candidate, forbids), self.installed.get(demand.mod)
            if is_untouched and not (self._choices.fulfils(other, want) if other else forbids):
                self.broken += [] if str(want) in self.broken else [str(want)]
            else:
                yield want
