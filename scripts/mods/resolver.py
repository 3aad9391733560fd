"""What has to be installed, upgraded and removed so that a wish comes true and every demand of every mod holds.

search.py finds the revisions; here is what that means for an instance, and in which order.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from scripts.mods.candidates import INSTALLED, LOCAL, Candidate, of_control, of_line, reached
from scripts.mods.demands import Demand
from scripts.mods.search import Conflict, Search

__all__ = ["INSTALLED", "LOCAL", "Candidate", "Conflict", "Plan", "Step", "dependents", "of_control", "of_line",
           "resolve"]


@dataclass(frozen=True)
class Step:
    """One mod that changes: what comes, and what of it is installed now."""

    new: Candidate
    old: Candidate | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be done, in this order: removed (dependents first), then steps (what is required first).

    suggested are demands of what comes, with who suggests it; not_needed is installed, required by nobody any more and
    not asked for by anybody; broken are demands of installed mods that did not hold before either.
    """

    steps: tuple[Step, ...] = ()
    removed: tuple[Candidate, ...] = ()
    suggested: tuple[tuple[Demand, str], ...] = ()
    not_needed: tuple[Candidate, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def new(self) -> tuple[Candidate, ...]:
        return tuple(step.new for step in self.steps if step.old is None)

    @property
    def upgraded(self) -> tuple[tuple[Candidate, Candidate], ...]:
        """Pairs of what is installed and what takes its place."""
        return tuple((step.old, step.new) for step in self.steps if step.old is not None)


def resolve(wanted: Iterable[Demand | str], installed: Iterable[Candidate], available: Iterable[Candidate],
            tiki_version: str = "", remove: Collection[str] = (), asked: Collection[str] = ()) -> Plan:
    """Return what makes the wish come true.

    available is in the order of preference: of equal revisions the first is taken, an installed one before all. Of
    what is wanted, and of what that requires, the newest revision that fits is taken; other mods stay as they are
    unless a demand makes them move. asked are mods that were installed for their own sake, so that they are never
    offered as not needed. An empty tiki_version admits every mod.

    Raises Conflict that names the demands which collide.
    """
    wishes = [Demand(one) if isinstance(one, str) else one for one in wanted]
    here = {one.mod: one for one in installed}
    going = _closure(remove, here)
    if again := [wish.mod for wish in wishes if wish.mod in going]:
        raise Conflict(f"{again[0]} is to be removed and installed in one go")
    staying = {mod: one for mod, one in here.items() if mod not in going}
    search = Search(wishes, staying, available, tiki_version)
    chosen = search.chosen()
    steps = [Step(one, here.get(mod)) for mod, one in chosen.items() if one is not here.get(mod)]
    result = {**staying, **chosen}
    return Plan(_in_order(steps, chosen), tuple(here[mod] for mod in going),
                _suggested([step.new for step in steps], result),
                _not_needed(here, going, result, {*asked, *(wish.mod for wish in wishes)}), tuple(search.broken))


def dependents(mods: Collection[str], installed: Iterable[Candidate]) -> list[str]:
    """Return these mods and all installed ones that require them, dependents first."""
    return _closure(mods, {one.mod: one for one in installed})


def _in_order(steps: list[Step], chosen: Mapping[str, Candidate]) -> tuple[Step, ...]:
    """Return the steps with what is required before who requires it; in a circle, by name."""
    waiting, ordered = {step.new.mod: step for step in sorted(steps, key=lambda step: step.new.mod)}, []
    done: set[str] = set()
    for start in list(waiting):
        stack = [(start, iter(_needs(chosen, start)))]
        seen_here = {start}
        while stack and start not in done:
            mod, needs = stack[-1]
            following = next((one for one in needs if one not in done and one not in seen_here), None)
            if following is not None:
                seen_here.add(following)
                stack.append((following, iter(_needs(chosen, following))))
                continue
            stack.pop()
            done.add(mod)
            ordered += [waiting[mod]] if mod in waiting else []
    return tuple(ordered)


def _needs(chosen: Mapping[str, Candidate], mod: str) -> list[str]:
    """Return what has to be in place before a mod: what it requires, and what had to move because it conflicts."""
    one = chosen[mod]
    return sorted({demand.mod for demand in (*one.requires, *one.conflicts) if demand.mod in chosen})


def _closure(mods: Collection[str], installed: Mapping[str, Candidate]) -> list[str]:
    """Return mods and all that require them, dependents before what they require."""
    requirers: dict[str, list[str]] = {}
    for one in installed.values():
        for demand in one.requires:
            if demand.mod in installed and demand.admits(installed[demand.mod].revision):
                requirers.setdefault(demand.mod, []).append(one.mod)
    going = reached({mod for mod in mods if mod in installed}, requirers)
    required_first = _in_order([Step(installed[mod]) for mod in going], {mod: installed[mod] for mod in going})
    return [step.new.mod for step in reversed(required_first)]


def _suggested(coming: list[Candidate], result: Mapping[str, Candidate]) -> tuple[tuple[Demand, str], ...]:
    return tuple((demand, one.mod) for one in coming for demand in one.suggests
                 if demand.mod not in result or not demand.admits(result[demand.mod].revision))


def _not_needed(before: Mapping[str, Candidate], going: Collection[str], result: Mapping[str, Candidate],
                asked: set[str]) -> tuple[Candidate, ...]:
    """Return what only mods required that are gone, or that are replaced by a revision which does not require it."""
    left = [one for mod, one in before.items() if mod in going or result[mod] is not one]
    required = {mod: [demand.mod for demand in one.requires] for mod, one in before.items()}
    doubtful = reached({demand.mod for one in left for demand in one.requires}, required) & before.keys() & \
        result.keys() - asked
    needs = {mod: [demand.mod for demand in one.requires] for mod, one in result.items()}
    needed = reached(result.keys() - doubtful, needs)
    return tuple(before[mod] for mod in sorted(doubtful - needed))
