"""make mods-rebuild: writes the list of the collection anew, from its control files."""

from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection


def mods_rebuild(settings: Settings) -> dict[str, object]:
    """Write 00_list.txt; what is wrong in control files is told, for old Tikis read both."""
    mods_collection.ready(settings)
    found = mods_collection.examined(settings)
    lines = mods_collection.rebuild(settings)
    listed = {line.mod for line in lines}
    doubtful = [mod for mod, (_, problems) in found.items() if any(not one.certain for one in problems)]
    for mod in doubtful:
        left_out = "" if mod in listed else ", and has no revision to list"
        output.warn(f"{mod}: its control file is in doubt{left_out}. Next: make mods-lint MOD={mod}")
    output.say(f"{len(lines)} mods in {mods_collection.packages_of(settings) / mods_collection.LIST}")
    return {"mods": sorted(listed), "doubtful": doubtful}
