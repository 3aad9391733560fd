"""Remembers how a site gets back to what it was before its last update, upgrade or promotion.

The note and the last dump lie on the manager, the old files in the archive that was made before; retention keeps it as
long as the note is there. The site itself is not needed for any of it.
"""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.steps import final_dump, restoring


@dataclass(frozen=True)
class WayBack:
    """What the last change was, since when (ISO, UTC), and what is needed to take it back.

    archive is the verified one made before it. dump is the name of the database's last dump, empty where only the
    archive has one. replaced and removed files are taken from the archive, added ones go; rewritten are files that
    Tiki's update itself replaced, with the sha256 they have since. entrances are files that may have been replaced,
    removed or added: the archive tells. For a git checkout, head is what HEAD named.
    """

    verb: str
    moment: str
    version_before: str
    version: str
    archive: str
    dump: str = ""
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    rewritten: dict[str, str] = field(default_factory=dict)
    entrances: tuple[str, ...] = ()
    head: str = ""
    commit_before: str = ""

    @property
    def since(self) -> datetime:
        return datetime.fromisoformat(self.moment)


def of(values: dict) -> WayBack:
    """Return a way back from what JSON holds of it."""
    lists = {key: tuple(values[key]) for key in ("replaced", "removed", "added", "entrances")}
    return WayBack(**(values | lists))


def read(instance: Instance) -> WayBack | None:
    """Return the way back of an instance, if there is one."""
    try:
        return of(json.loads(_path(instance).read_text(encoding="utf-8", errors="surrogateescape")))
    except FileNotFoundError:
        return None


def archives(instance: Instance) -> set[str]:
    """Return the names of the archives that a way back needs: retention keeps them."""
    way, note = read(instance), restoring.unfinished(instance)
    broken = (note.safety, *note.earlier) if note else ()
    return {one for one in (way.archive if way else "", *broken) if one}


def remember(instance: Instance, way: WayBack) -> None:
    """Write the way back in place of an earlier one, whose dump goes."""
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    MANAGER.write(str(_path(instance)), json.dumps(asdict(way)).encode("utf-8", "surrogateescape"), 0o600)
    _drop_dumps(instance, {way.dump})


def forget(instance: Instance, keep: Collection[str] = ()) -> None:
    """Remove the way back with its dump; keep are names of dumps that stay."""
    MANAGER.remove(str(_path(instance)))
    _drop_dumps(instance, set(keep))


def drop_stray_dumps(instance: Instance, keep: Collection[str] = ()) -> None:
    """Remove dumps that no way back names, which a killed run left."""
    way = read(instance)
    _drop_dumps(instance, {*keep, way.dump if way else ""})


def _drop_dumps(instance: Instance, keep: Collection[str]) -> None:
    MANAGER.remove(*(str(path) for path in final_dump.all_of(instance) if path.name not in keep))


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.wayback.json"
