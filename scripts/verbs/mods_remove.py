"""make mods-remove: takes mods out of a site, those that require them first; what they had replaced comes back."""

from scripts.errors import UsageError
from scripts.mods import names, resolver
from scripts.registry.instance import Instance
from scripts.steps import mods_changing, site
from scripts.steps.mods_changing import Wishes
from scripts.steps.mods_work import Told

VERB = "mods-remove"


def mods_remove(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Remove mods; return what was done, None in a dry run."""
    if not wishes.mod:
        raise UsageError(f"MOD= is missing: which mods of {instance.name}? A name, or a glob")
    if not mods_changing.begin(instance, wishes.confirm):
        return None
    with site.opened(instance) as found:
        state = mods_changing.state_of(found)
        wanted = names.select(wishes.mod, state.mods, instance.name)
        asked = [mod for mod, one in state.mods.items() if one.is_wanted]
        plan = resolver.resolve([], mods_changing.installed(state), [], remove=wanted, asked=asked)
        return mods_changing.carry_out(found, VERB, mods_changing.removing(state, wanted), state, wishes,
                                       Told((), plan.not_needed, ()))
