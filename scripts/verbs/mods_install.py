"""make mods-install: installs mods and what they require on a site, as one change that is done or not done.

The plan is shown first, its SQL and files with it. With FORCE=1 the files of a mod that is installed already are put
again, and files of others are replaced.
"""

from scripts.errors import UsageError
from scripts.mods import names
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import mods_changing, mods_collection, site
from scripts.steps.mods_changing import Wishes
from scripts.steps.mods_work import Told

VERB = "mods-install"


def mods_install(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Install mods; return what was done, None in a dry run or when there was nothing to do."""
    if not wishes.mod:
        raise UsageError("MOD= is missing: which mods? A name (TYPE-NAME), several with commas, or a glob. Next: make "
                         f"mods INSTANCE={instance.name}")
    if not mods_changing.begin(instance, wishes.confirm):
        return None
    available = mods_collection.available(instance.settings, wishes.provider)
    with site.opened(instance) as found:
        state = mods_changing.state_of(found)
        wanted = names.select(wishes.mod, {*(one.mod for one in available), *state.mods}, "the collection")
        new = [mod for mod in wanted if mod not in state.mods]
        again = [mod for mod in wanted if mod in state.mods and wishes.force]
        for mod in wanted:
            if mod not in (*new, *again):
                output.say(f"{instance.name}: {mod} {state.mods[mod].revision} is installed already. A newer one: make "
                           f"mods-upgrade INSTANCE={instance.name} MOD={mod}; its files again: FORCE=1")
        if not new and not again:
            return None
        plan = mods_changing.resolved(found, state, new, available)
        steps = mods_changing.steps_of(found, state, plan, wishes, again)
        return mods_changing.carry_out(found, VERB, steps, state, wishes,
                                       Told(plan.suggested, plan.not_needed, plan.broken), wanted)
