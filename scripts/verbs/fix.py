"""make fix: owners and modes as Tiki needs them, caches emptied; what is changed is listed.

Files that a killed make patch changed in part are put back first, and so is what a killed change of mods did.
"""

from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import mods_transaction, patch_writing, permissions
from scripts.tiki import probe

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
    permissions.mend(instance, changes)
    permissions.empty_caches(instance)
    still = [] if process.conduct.dry_run else permissions.wrong(instance, found)
    for change in still:
        output.warn(f"{instance.name}: could not be changed: {change}")
    output.say(f"{instance.name}: {len(changes) - len(still)} owners and modes "
               f"{'would be ' if process.conduct.dry_run else ''}changed, caches emptied")
    return {"instance": instance.name, "changed": [str(change) for change in changes if change not in still],
            "not_changed": [str(change) for change in still]}
