"""make mods-copy: brings files of a mod that were worked on in a site's tree into the collection."""

from collections.abc import Sequence

from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import mods_collection, mods_developing
from scripts.steps.mods_developing import DIFFERS, ONLY_THERE


def mods_copy(instance: Instance, mod: str) -> Sequence[dict[str, object]]:
    """Copy what differs; return a row for each file that was copied. A `sample:` file is left alone: in the site it
    has answers where the package has placeholders."""
    mods_developing.require_mod(mod, instance)
    rows = []
    for pair in mods_developing.pairs(instance, mod):
        if pair.state not in (DIFFERS, ONLY_THERE):
            continue
        if pair.line.is_sample:
            output.warn(f"{pair.mod}: {pair.line.source}: not copied: the site's has answers in it, the package has "
                        f"placeholders. What differs says: make mods-diff INSTANCE={instance.name} MOD={pair.mod}")
            continue
        path = mods_collection.folder(instance.settings) / pair.line.source
        MANAGER.make_folder(str(path.parent))
        MANAGER.write(str(path), pair.target, 0o644)
        if not process.conduct.dry_run:
            output.say(f"{instance.name}: {pair.line.target} is now {path}")
        rows.append({"instance": instance.name, **pair.row})
    return rows
