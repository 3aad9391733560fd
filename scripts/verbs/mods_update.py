"""make mods-update: fetches the list of mods that each provider publishes, and says what is new in it."""

from scripts.errors import Fault
from scripts.mods import names, provider
from scripts.mods.provider import Provider
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection


def mods_update(settings: Settings, address: str) -> list[dict[str, object]]:
    """Fetch the lists and return what each holds; where one cannot be had the earlier stays, and the run fails last."""
    mods_collection.ready(settings)
    rows: list[dict[str, object]] = []
    faults: list[Fault] = []
    for one in provider.require(settings, address):
        try:
            rows.append(_update(settings, one))
        except Fault as fault:
            faults.append(fault)
            output.warn(f"{one.address}: not updated: {fault}")
    if faults:
        raise faults[0] if len(faults) == 1 else type(faults[-1])(f"{len(faults)} providers could not be asked")
    return rows


def _update(settings: Settings, one: Provider) -> dict[str, object]:
    lines = one.list()
    before = {line.mod: line for line in mods_collection.remote(settings, one.address) or ()}
    mods_collection.write_list(settings, names.index_of(one.address), lines)
    new = [line.mod for line in lines if line.mod not in before]
    newer = [line.mod for line in lines if line.mod in before and line.revision > before[line.mod].revision]
    older = [line.mod for line in lines if line.mod in before and line.revision < before[line.mod].revision]
    gone = sorted(set(before) - {line.mod for line in lines})
    output.say(f"{one.address}: {len(lines)} mods, {len(new)} of them new, {len(newer)} newer, {len(gone)} gone")
    if older:
        output.warn(f"{one.address}: has older revisions than before of {', '.join(older)}: was its list taken back?")
    return {"provider": one.address, "mods": len(lines), "new": new, "newer": newer, "older": older, "gone": gone}
