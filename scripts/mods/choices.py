"""What there is to choose from, what of it fulfils which demands, and the words for why nothing does."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from scripts.mods import revision
from scripts.mods.candidates import INSTALLED, Absent, Candidate, Choice, Want


class Choices:
    """Knows the revisions of all mods, the newest first.

    dropped are candidates that cannot be, each by its identity, with the demand that nothing fulfils.
    """

    def __init__(self, wished: Collection[str], installed: Mapping[str, Candidate], available: Iterable[Candidate],
                 tiki_version: str) -> None:
        self.wished, self.installed, self.tiki_version = wished, installed, tiki_version
        self.dropped: dict[int, Want] = {}
        self.known: dict[str, list[Candidate]] = {}
        self.unfit: dict[str, list[Candidate]] = {}
        for one in [*installed.values(), *available]:
            fits = one.origin == INSTALLED or revision.is_for(one.versions, tiki_version)
            (self.known if fits else self.unfit).setdefault(one.mod, []).append(one)
        for found in self.known.values():
            found.sort(key=lambda one: one.revision, reverse=True)  # stable: the preferred place stays first
        self._absences: dict[str, Absent] = {}
        self._fitting: dict[Want, set[int]] = {}

    def fulfils(self, choice: Choice, want: Want) -> bool:
        if isinstance(choice, Absent):
            return want.forbids
        fitting = self._fitting.get(want)
        if fitting is None:
            fitting = self._fitting[want] = {
                id(one) for one in self.known.get(want.demand.mod, ())
                if want.demand.admits(one.revision) is not want.forbids}
        return id(choice) in fitting

    def matches(self, mod: str, wants: Sequence[Want], bad: Iterable[Choice] = ()) -> list[Choice]:
        """Return what fulfils all wants, the preferred one first."""
        excluded = {id(one) for one in bad}
        if all(want.forbids for want in wants):
            # Nobody wants it: it comes only when somebody turns up who does.
            absent = self._absences.setdefault(mod, Absent(mod))
            return [absent] if id(absent) not in excluded else []
        found: list[Choice] = [one for one in self.known.get(mod, ()) if id(one) not in excluded
                               and id(one) not in self.dropped and all(self.fulfils(one, want) for want in wants)]
        if mod not in self.wished and mod in self.installed and is_of_installed(wants):
            found.sort(key=lambda one: one is not self.installed[mod])
        return found

    def fulfilling(self, want: Want) -> list[Candidate]:
        return [one for one in self.known.get(want.demand.mod, ())
                if id(one) not in self.dropped and self.fulfils(one, want)]

    def hopeless(self, want: Want) -> str:
        """Return why a demand cannot be fulfilled: at the end of the way there is one for which nothing is there."""
        seen: set[int] = set()
        while True:
            fitting = [one for one in self.known.get(want.demand.mod, ()) if self.fulfils(one, want)]
            best = next((one for one in fitting if id(one) in self.dropped and id(one) not in seen), None)
            if best is None:
                return self.collision(want.demand.mod, [want])
            seen.add(id(best))
            want = self.dropped[id(best)]

    def explained(self, wants: list[Want]) -> str:
        """Return which demands collide: of one mod the fewest that leave no choice."""
        by_mod: dict[str, list[Want]] = {}
        for want in {str(want): want for want in wants}.values():
            by_mod.setdefault(want.demand.mod, []).append(want)
        for mod, found in sorted(by_mod.items(), key=lambda item: -len(item[1])):
            if not self.matches(mod, found):
                return self.collision(mod, found)
        return f"these demands collide: {'; '.join(dict.fromkeys(map(str, wants)))}"

    def _fewest(self, mod: str, wants: list[Want]) -> list[Want]:
        for want in list(wants):
            without = [one for one in wants if one is not want]
            if without and not self.matches(mod, without):
                wants = without
        return wants

    def collision(self, mod: str, wants: list[Want]) -> str:
        """Return which of these demands of one mod leave no choice together, and what there is of it."""
        told = " and ".join(map(str, self._fewest(mod, wants)))
        known = ", ".join(dict.fromkeys(f"{one.revision} ({one.origin})" for one in self.known.get(mod, ())))
        unfit = ", ".join(dict.fromkeys(f"{one.revision} (for Tiki {' '.join(one.versions)})"
                                        for one in self.unfit.get(mod, ())))
        if unfit and not known:
            return f"{told}, which is not for Tiki {self.tiki_version}: there is {unfit}"
        there = f"there is {known}" if known else "nobody has it. Next: make mods-update"
        return f"{told}: {there}{f'; not for Tiki {self.tiki_version}: {unfit}' if unfit else ''}"


def is_of_installed(wants: Iterable[Want]) -> bool:
    """Whether only mods that are installed already want what these demands name."""
    return all(want.by and want.by.origin == INSTALLED for want in wants if not want.forbids)
