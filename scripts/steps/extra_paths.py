"""Writes into a copy's env file where it has what only EXTRA_PATHS of its source names.

Nothing else knows of these folders: without that its backups would lack them, and a copy of it would share them.
"""

from collections.abc import Callable, Iterable

from scripts.present import output
from scripts.registry import change
from scripts.registry.instance import Instance
from scripts.steps.site_folders import EXTRA
from scripts.store.manifest import Part
from scripts.tiki.data_folders import DataFolder, is_within


def take(target: Instance, folders: Iterable[Part | DataFolder], goes: dict[str, str],
         is_theirs: Callable[[str], bool] = lambda path: False) -> None:
    """Let EXTRA_PATHS of the target name its own places for those of its source; goes gives them.

    is_theirs tells of a path that it is the source's: a restore of the target would write there.
    """
    places = dict.fromkeys(goes[one.path] for one in folders if one.used_by == (EXTRA,) and one.path in goes)
    own = [path for path in target.extra_paths if not is_theirs(path.rstrip("/"))]
    new = [place for place in places if not any(is_within(place, path) for path in own)]
    if not new and len(own) == len(target.extra_paths):
        return
    value = ",".join((*own, *new))
    change.set_values(target.settings, target.name, {EXTRA: value})
    output.say(f"{target.name}: {EXTRA}={value} is in instances.d/{target.name}.env now: so its backups have them")
