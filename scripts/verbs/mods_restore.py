"""make mods-restore: puts the files of a mod, as they are in the collection, into a site's tree; all of them or none.

For who works on a mod: no SQL runs, and nothing is installed by it.
"""

from collections.abc import Sequence

from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import confirming, local_files, mods_developing, patch_writing, restoring
from scripts.steps.mods_developing import DIFFERS, ONLY_HERE


def mods_restore(instance: Instance, mod: str, confirm: str) -> Sequence[dict[str, object]]:
    """Write what differs; return a row for each file that was written."""
    mods_developing.require_mod(mod, instance)
    restoring.refuse_half_restored(instance)
    confirming.refuse_unconfirmed(instance, confirm, "changed")
    patch_writing.mend(instance)
    found = mods_developing.pairs(instance, mod)
    wanted = {pair.line.target: pair for pair in found if pair.state in (DIFFERS, ONLY_HERE)}
    before = {path: pair.target for path, pair in wanted.items()}
    changed = patch_writing.write(instance, before, {path: pair.source for path, pair in wanted.items()})
    if changed:
        mods_developing.remember(instance, wanted.values())
        would = "would: " if process.conduct.dry_run else ""
        output.say(f"{would}{instance.name}: written ({len(changed)}): {local_files.some(changed)}")
    else:
        output.say(f"{instance.name}: every file is as it is in the collection")
    return [{"instance": instance.name, **wanted[path].row} for path in changed]
