"""What mods-install, mods-upgrade and mods-remove have in common: who resolves, asks, shows and carries out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import RefusedError
from scripts.hosts import process
from scripts.mods import names, resolver
from scripts.mods.demands import Demand
from scripts.mods.resolver import INSTALLED, Candidate, Plan
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import (
    confirming,
    mods_adopted,
    mods_answers,
    mods_collection,
    mods_state,
    mods_steps,
    mods_transaction,
    mods_work,
    restoring,
)
from scripts.steps.mods_state import State
from scripts.steps.mods_steps import AGAIN, NEW, REMOVED, UPGRADED, Package, Step
from scripts.steps.mods_work import NOTHING_MORE, Told
from scripts.steps.site import Site


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for. set is SET=, answers a file of them; given are the variables of the call of make."""

    mod: str = ""
    provider: str = ""
    set: str = ""
    answers: Path | None = None
    force: bool = False
    yes: bool = False
    confirm: str = ""
    given: Mapping[str, str] | None = None


def begin(instance: Instance, confirm: str) -> bool:
    """Refuse what is guarded or half restored, and end what a killed run left; whether there is more to be done."""
    confirming.refuse_unconfirmed(instance, confirm, "changed")
    if done := mods_transaction.recover(instance):
        output.say(f"{instance.name}: {done}")
        if process.conduct.dry_run:
            return False
    restoring.refuse_half_restored(instance)
    return True


def state_of(found: Site) -> State:
    """Return what is installed, by us or by the site's own page."""
    return mods_adopted.joined(found, mods_state.read(found.instance))


def installed(state: State) -> list[Candidate]:
    """Return what is installed, as the resolver wants it."""
    return [resolver.of_control(mods_steps.of_installed(one), INSTALLED) for one in state.mods.values()]


def newest(available: Iterable[Candidate]) -> dict[str, Candidate]:
    """Return the newest of each mod; of equal ones the first."""
    found: dict[str, Candidate] = {}
    for one in available:
        if one.mod not in found or one.revision > found[one.mod].revision:
            found[one.mod] = one
    return found


def resolved(found: Site, state: State, wanted: Iterable[Demand | str], available: Iterable[Candidate]) -> Plan:
    """Return what has to come so that the wish comes true, for the site's Tiki.

    Lists tell less than control files do, old ones no demands at all: what would come is fetched, and counts as it is.
    """
    wishes, choices, known = list(wanted), list(available), set()
    while True:
        plan = resolver.resolve(wishes, installed(state), choices, str(found.probe.version),
                                asked=[mod for mod, one in state.mods.items() if one.is_wanted])
        guessed = [step.new for step in plan.steps if step.new.origin != resolver.LOCAL and step.new not in known]
        if not guessed:
            return plan
        for one in guessed:
            true = resolver.of_control(mods_collection.content(found.instance.settings, one)[0], one.origin)
            choices = [true if other == one else other for other in choices]
            known.add(true)


def steps_of(found: Site, state: State, plan: Plan, wishes: Wishes, again: Collection[str] = ()) -> list[Step]:
    """Return the steps of a plan, their packages here and their questions answered; again are put a second time."""
    instance = found.instance
    packages = {step.new.mod: mods_steps.package(instance.settings, step.new) for step in plan.steps}
    packages |= {mod: _same(instance, state, mod, wishes.provider) for mod in again}
    _refuse_maintenance(instance, packages)
    new = mods_answers.given(wishes.set, wishes.answers, [one.control for one in packages.values()])
    steps = []
    for mod, package in packages.items():
        old = state.mods.get(mod)
        kind = AGAIN if mod in again else UPGRADED if old else NEW
        answers = mods_answers.collect(instance, package.control, state.answers_of(mod), new)
        steps.append(Step(kind, mod, package, old, answers))
    return steps


def _same(instance: Instance, state: State, mod: str, provider: str) -> Package:
    """Return the package of an installed mod in the revision that is installed."""
    one = state.mods[mod]
    choices = [found for found in mods_collection.available(instance.settings, provider)
               if found.mod == mod and found.revision == one.number]
    if not choices:
        raise RefusedError(f"{instance.name}: {mod} {one.revision} is installed, and nobody has that revision now. "
                           f"Nothing was changed. Next: make mods-upgrade INSTANCE={instance.name} MOD={mod}")
    return mods_steps.package(instance.settings, choices[0])


def _refuse_maintenance(instance: Instance, packages: Mapping[str, Package]) -> None:
    for mod, package in packages.items():
        if package.control.type == names.MAINTENANCE:
            raise RefusedError(f"{mod}: is of the type {names.MAINTENANCE}: its SQL is run at will, and it is never "
                               f"installed. Nothing was changed. Next: make mods-run INSTANCE={instance.name} "
                               f"MOD={mod}")


def removing(state: State, mods: Collection[str], runs_sql: bool = True) -> list[Step]:
    """Return the steps that take out these mods, and those that require them, dependents first."""
    return [Step(REMOVED, mod, None, state.mods[mod], state.mods[mod].answers, runs_sql)
            for mod in resolver.dependents(mods, installed(state))]


def carry_out(found: Site, verb: str, steps: Sequence[Step], state: State, wishes: Wishes, told: Told = NOTHING_MORE,
              wanted: Iterable[str] = ()) -> dict[str, object] | None:
    """Show the plan, have it agreed to, do it, and return what is to be told; None in a dry run."""
    instance = found.instance
    mods_adopted.refuse_replaced(found, [step.old for step in steps if step.old])
    variables = {"INSTANCE": instance.name, **(wishes.given or {})}
    work, layout = mods_work.make(found, verb, variables, steps, state, wishes.force, wanted)
    mods_work.tell(found, steps, work, layout, told)
    if process.conduct.dry_run:
        return None
    mods_work.require_agreed(instance.name, wishes.yes)
    mods_state.keep_originals(instance, layout.kept)
    saved = mods_work.save_lost(found, layout)
    mods_transaction.carry_out(found, work)
    for step in steps:
        output.say(f"{instance.name}: {step.mod} {step.revision} is {DONE[step.kind]}")
        if step.kind in (NEW, UPGRADED):
            for line in step.control.help:
                output.say(f"  {mods_answers.printable(line)}")
    return mods_work.result(found, steps, work, layout, saved)


DONE = {NEW: "installed", UPGRADED: "installed, upgraded", AGAIN: "in place again", REMOVED: "removed"}
