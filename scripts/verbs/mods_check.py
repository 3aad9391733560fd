"""make mods-check: the files of installed mods against what was installed: changed, missing, another mod's."""

from collections.abc import Sequence

from scripts.errors import Findings
from scripts.hosts import listing
from scripts.hosts.listing import FILE
from scripts.mods import names
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import mods_journal, mods_state
from scripts.steps.mods_state import State

COLUMNS = {"mod": "Mod", "path": "File", "state": "State"}
OK, CHANGED, MISSING, OTHER, NO_FILE = "as installed", "changed", "missing", "another mod's", "no file"


def mods_check(instance: Instance, mod: str) -> list[dict[str, object]]:
    """Return what is not as it was installed, a row each."""
    state = mods_state.read(instance)
    chosen = names.select(mod, state.mods, instance.name) if mod else sorted(state.mods)
    if journal := mods_journal.read(instance):
        output.warn(f"{instance.name}: a {journal.verb} did not come to its end. The next make {journal.verb} "
                    f"INSTANCE={instance.name} ends it")
    paths = {path for name in chosen for path in state.mods[name].files}
    now = _now(instance, paths)
    rows = [{"instance": instance.name, "mod": name, "path": path, "state": found} for name in chosen
            for path, wanted in sorted(state.mods[name].files.items())
            if (found := _judged(state, name, path, wanted, now)) != OK]
    output.say(f"{instance.name}: {len(chosen)} mods, {len(paths)} files, {len(rows)} not as installed")
    return rows


def _now(instance: Instance, paths: set[str]) -> dict[str, str]:
    """Return the sums of the files that are there; what is no file has its own word."""
    if not paths:
        return {}
    entries = listing.named(instance.host, instance.web_root, sorted(paths))
    sizes = {path: entry.size for path, entry in entries.items() if entry.kind == FILE and path in paths}
    sums = listing.sums(instance.host, instance.web_root, sizes) if sizes else {}
    return {path: sums.get(path, NO_FILE) for path in paths if path in entries}


def _judged(state: State, mod: str, path: str, wanted: str, now: dict[str, str]) -> str:
    found = now.get(path)
    owner = state.owner(path)
    if owner != mod and found == state.mods[owner].files[path]:
        return f"{OTHER}: {owner}"
    if found is None:
        return MISSING
    return OK if found == wanted else NO_FILE if found == NO_FILE else CHANGED


def show(rows: Sequence[Sequence[dict[str, object]]]) -> None:
    """Show the rows of all instances; raise Findings when there are any."""
    every = [row for one in rows for row in one]
    output.show(every, {"instance": "Instance", **COLUMNS}, "Every file is as it was installed")
    if every:
        names_ = ", ".join(dict.fromkeys(str(row["instance"]) for row in every))
        raise Findings(f"{len(every)} files of mods are not as they were installed: {names_}")
