"""Looks at installed mods after the code or the database of their site became another one, and says what that did."""

from datetime import datetime

from scripts.hosts import listing
from scripts.hosts.listing import FILE
from scripts.mods import revision
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import local_files, mods_state, mods_steps
from scripts.steps.mods_state import State
from scripts.steps.release_files import Release


def tell_after_update(instance: Instance, new: Release) -> None:
    """Say which mods are not for the new Tiki, and whose files are not as they were put there."""
    state = mods_state.read(instance)
    for mod, one in state.mods.items():
        phrases = mods_steps.of_installed(one).versions
        if not revision.is_for(phrases, new.version):
            output.warn(f"{instance.name}: {mod} {one.revision} is for Tiki {' '.join(phrases)}, by its own word. Is "
                        f"there a newer one: make mods-upgrade INSTANCE={instance.name} MOD={mod}")
    paths = {path for one in state.mods.values() for path in one.files}
    other = not_as_installed(instance, state, paths)
    for mod, one in state.mods.items():
        own = [path for path in one.files if path in other and state.owner(path) == mod]
        if shipped := [path for path in own if path in new.files]:
            output.warn(f"{instance.name}: {mod}: {local_files.some(shipped)}: is Tiki's own file in {new.version}, "
                        "and was put in place of the mod's. Is the mod still needed? make mods-remove "
                        f"INSTANCE={instance.name} MOD={mod} leaves Tiki's")
        if lost := [path for path in own if path not in new.files]:
            output.warn(f"{instance.name}: {mod}: {local_files.some(lost)}: not as installed. Next: make mods-install "
                        f"INSTANCE={instance.name} MOD={mod} FORCE=1")


def tell_after_rollback(instance: Instance, since: datetime) -> None:
    """Say which mods came after the moment that the database was set back to: what their SQL did is gone."""
    for mod, one in mods_state.read(instance).mods.items():
        if one.moment and datetime.fromisoformat(one.moment) >= since:    # both in whole seconds
            output.warn(f"{instance.name}: {mod} {one.revision} was installed after that, and what its SQL did is gone "
                        f"from the database. Next: make mods-remove INSTANCE={instance.name} MOD={mod} FORCE=1, then "
                        "install it again")


def tell_after_reinstall(instance: Instance) -> None:
    """Say which mods have lost what their SQL did, while their files stayed."""
    lost = [mod for mod, one in mods_state.read(instance).mods.items() if mods_steps.of_installed(one).sql_install]
    for mod in lost:
        output.warn(f"{instance.name}: {mod}: its files are there, and what its SQL did is gone with the database. "
                    f"Next: make mods-remove INSTANCE={instance.name} MOD={mod} FORCE=1, then install it again")


def not_as_installed(instance: Instance, state: State, paths: set[str]) -> dict[str, str]:
    """Return the sums of those of these paths that are not what the mod had put there; nothing for a missing file."""
    if not paths:
        return {}
    entries = listing.named(instance.host, instance.web_root, sorted(paths))
    sizes = {path: entry.size for path, entry in entries.items() if path in paths and entry.kind == FILE}
    sums = listing.sums(instance.host, instance.web_root, sizes) if sizes else {}
    return {path: sums.get(path, "") for path in sorted(paths)
            if sums.get(path) != state.mods[state.owner(path)].files[path]}
