"""Forgets an instance: its env file goes to the trash, its archives to where no other one of its name finds them.

The site is not touched and its host is not asked.
"""

import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scripts.errors import RefusedError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry import change, locks, registry
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
from scripts.steps import baselines, final_dump, mods_state, patch_files
from scripts.store import archive
from scripts.store.archive import STAMP


@dataclass(frozen=True)
class Forgotten:
    """Where things are now; archives is None when there were none."""

    env_file: Path
    archives: Path | None


def refuse_needed(instance: Instance) -> None:
    """Raise RefusedError when other instances name this one as their PARENT or as what they mirror."""
    settings, needed_by = instance.settings, []
    for name in registry.names(settings):
        other = registry.load(settings, name)
        needed_by += [f"{name} ({key})" for key, value in (("PARENT", other.parent), ("MIRROR_OF", other.mirror_of))
                      if value == instance.name]
    if needed_by:
        first = needed_by[0].split()[0]
        raise RefusedError(f"{instance.name}: other instances name it: {', '.join(needed_by)}. Nothing was changed. "
                           f"Change that first: make edit INSTANCE={first}")


def forget(instance: Instance) -> Forgotten:
    """Take an instance out of the registry; call it with the instance and its store held.

    The env file goes last: whatever fails before leaves the instance registered.
    """
    settings, name = instance.settings, instance.name
    env_file = change.path_of(settings, name)
    trash = settings.state / "trash"
    in_trash = trash / f"{name}_{datetime.now().strftime(STAMP)}.env"
    MANAGER.make_folder(str(trash), 0o700)
    MANAGER.write(str(in_trash), change.read(settings, name), change.OURS_ALONE)
    # An archive that is being read stays where its reader finds it.
    reading = [Lock(one.path.name, exclusive=True) for one in archive.of_instance(settings, name)]
    try:
        with locks.hold(settings, reading, "delete"):
            archives = archive.forget(settings, name)
    except BaseException:
        MANAGER.remove(str(in_trash))
        raise
    MANAGER.remove(*(str(dump) for dump in final_dump.all_of(instance)))
    baselines.forget(instance)
    for note in sorted((settings.state / "status").glob(f"{name}.*")):
        MANAGER.rename(str(note), str(in_trash.with_name(in_trash.stem + note.name.removeprefix(name))))
    patches = patch_files.folder(instance)
    if patches.is_dir():
        MANAGER.rename(str(patches), str(in_trash.with_suffix(".patches")))
    if mods := mods_state.everything_of(instance):
        MANAGER.rename(str(mods), str(in_trash.with_suffix(".mods")))
    MANAGER.remove(str(env_file), f"{env_file}.rejected")
    for work in (name, f"{name}.clone"):
        MANAGER.remove_tree(str(settings.work / work))
    return Forgotten(in_trash, archives)


def way_back(instance: Instance, where: Forgotten) -> str:
    """Return the command that undoes forgetting."""
    settings = instance.settings
    steps = [shlex.join(["cp", "-p", str(where.env_file), str(change.path_of(settings, instance.name))])]
    if where.archives:
        steps.append(shlex.join(["mv", "-nT", str(where.archives), str(archive.folder(settings, instance.name))]))
    return " && ".join(steps)


def part_from_earlier(settings: Settings, name: str) -> None:
    """Keep a new instance apart from archives that an earlier one of its name has left, and say how to join them.

    An env file that was removed by hand leaves them under their old name.
    """
    archive.forget(settings, name)
    for place in archive.forgotten(settings, name):
        count = len(archive.of_instance(settings, place.name))
        if not count or process.conduct.dry_run:
            continue
        into = shlex.quote(str(archive.folder(settings, name)))
        noun = "archives" if count > 1 else "archive"
        output.say(f"{name}: {place} holds {count} {noun} of an earlier {name}, which do not count as this one's. "
                   "If it is the same site, take them over: "
                   f"mkdir -p {into} && mv -n {shlex.quote(str(place))}/* {into}/")
