"""Writes into a copy's env file where it has what only EXTRA_PATHS of its source names.

Nothing else knows of these folders: without that its backups would lack them, and a copy of it would share them.
"""

from collections.abc import Iterable

from scripts.present import output
from scripts.registry import change
from scripts.registry.instance import Instance
from scripts.steps.site_folders import EXTRA
from scripts.store.manifest import Part
from scripts.tiki.data_folders import DataFolder, is_within


def take(target: Instance, folders: Iterable[Part | DataFolder], goes: dict[str, str]) -> None:
    """Let EXTRA_PATHS of the target name its own places for those of its source; goes gives them."""
    places = dict.fromkeys(goes[one.path] for one in folders if one.used_by == (EXTRA,) and one.path in goes)
    new = [place for place in places if not any(is_within(place, known) for known in target.extra_paths)]
    if not new:
        return
    value = ",".join((*target.extra_paths, *new))
    change.set_values(target.settings, target.name, {EXTRA: value})
    output.say(f"{target.name}: {EXTRA}={value} is in instances.d/{target.name}.env now: so its backups have them")
