"""make fix: owners and modes as Tiki needs them, caches emptied; what is changed is listed.

Files that a killed make patch changed in part are put back first, and so is what a killed change of mods did.
"""

from scripts.errors import CommandError
from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import mods_transaction, patch_writing, permissions
from scripts.tiki import probe
from scripts.tiki.permissions import Change

SHOWN = 20  # changes told one by one; the rest is counted, and all of them are in JSON=1


def fix(instance: Instance) -> dict[str, object]:
    """Mend one instance and return what was changed."""
    if done := mods_transaction.recover(instance):
        output.say(f"{instance.name}: {done}")
    found = probe.probe(instance)
    patch_writing.mend(instance)
    changes = permissions.wrong(instance, found)
    for change in changes[:SHOWN]:
        output.say(f"{instance.name}: {change}")
    if len(changes) > SHOWN:
        output.say(f"{instance.name}: and {len(changes) - SHOWN} more")
    still = permissions.mend(instance, found, changes)
    permissions.empty_caches(instance)
    output.say(f"{instance.name}: {len(changes) - len(still)} owners and modes "
               f"{'would be ' if process.conduct.dry_run else ''}changed, caches emptied")
    if still:
        raise _not_all(instance, still)
    return {"instance": instance.name, "changed": [str(change) for change in changes], "not_changed": []}


def _not_all(instance: Instance, still: list[Change]) -> CommandError:
    """Say what could not be changed, and return the fault that ends the run: all else is done by then."""
    for change in still[1:SHOWN]:
        output.warn(f"{instance.name}: could not be changed: {change}")
    owners = ", ".join(sorted({change.entry.owner.partition(":")[0] for change in still}))
    return CommandError(f"{instance.name}: {len(still)} owners and modes could not be changed, as {still[0]}; such "
                        f"files belong to {owners}. All else was done. Next: as root at the host, or with another "
                        f"SSH_USER or RUN_AS in instances.d/{instance.name}.env: make fix INSTANCE={instance.name}")
