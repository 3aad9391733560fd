"""make mods-remove: takes mods out of a site, those that require them first; what they had replaced comes back.

With FORCE=1 their SQL does not run: what it would undo may be gone from the database already.
"""

from scripts.errors import DatabaseError, UsageError
from scripts.mods import names, resolver
from scripts.registry.instance import Instance
from scripts.steps import mods_changing, mods_journal, site, unpacking
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
        steps = mods_changing.removing(state, wanted, runs_sql=not wishes.force)
        try:
            return mods_changing.carry_out(found, VERB, steps, state, wishes, Told((), plan.not_needed, ()))
        except DatabaseError as fault:
            if wishes.force or mods_journal.read(instance):
                raise
            raise unpacking.with_next_step(fault, f"Next: make mods-remove INSTANCE={instance.name} "
                                                  f"MOD={wishes.mod} FORCE=1 takes out the files and runs no SQL"
                                           ) from fault
