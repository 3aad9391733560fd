"""make mods-upgrade: brings installed mods to the newest revision that fits, with the SQL of all revisions between."""

from scripts.errors import UsageError
from scripts.mods import names
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import mods_changing, mods_collection, site
from scripts.steps.mods_changing import Wishes
from scripts.steps.mods_work import Told

VERB = "mods-upgrade"


def mods_upgrade(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Upgrade mods; return what was done, None in a dry run or when there is nothing newer."""
    if not wishes.mod:
        raise UsageError(f"MOD= is missing: which mods of {instance.name}? A name, a glob, or all")
    if not mods_changing.begin(instance, wishes.confirm):
        return None
    available = mods_collection.available(instance.settings, wishes.provider)
    with site.opened(instance) as found:
        state = mods_changing.state_of(found)
        if wishes.mod == "all" and not state.mods:
            output.say(f"{instance.name}: no mod is installed")
            return None
        wanted = names.select(wishes.mod, state.mods, instance.name)
        plan = mods_changing.resolved(found, state, wanted, available)
        changed = {step.new.mod for step in plan.steps}
        for mod in wanted:
            if mod not in changed:
                output.say(f"{instance.name}: {mod} {state.mods[mod].revision} is the newest that there is for it")
        if not plan.steps:
            return None
        steps = mods_changing.steps_of(found, state, plan, wishes)
        return mods_changing.carry_out(found, VERB, steps, state, wishes,
                                       Told(plan.suggested, plan.not_needed, plan.broken))
