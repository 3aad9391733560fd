"""Remembers of whom a site is a clone, of which moment, and where it was made. The note lies on the manager.

It counts as long as the site is there: who asks before something is overwritten asks `here`.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.steps import location, restoring
from scripts.steps.location import Location
from scripts.steps.site import Site

ALL = ("code", "data")


@dataclass(frozen=True)
class Lineage:
    """What a clone is made of.

    moment is the one that its data shows, made when it was finished (both with a time zone). archive is empty when it
    was made of the living site; what says what came: code, data, or both. where is None in notes of older versions.
    """

    source: str
    moment: datetime
    made: datetime
    kind: str = ""
    archive: str = ""
    what: tuple[str, ...] = ALL
    where: Location | None = None


def read(instance: Instance) -> Lineage | None:
    """Return the lineage of an instance, wherever it leads now; None when it is no clone."""
    try:
        told = json.loads(_path(instance).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    moments = {name: datetime.fromisoformat(told[name]) for name in ("moment", "made")}
    return Lineage(**{**told, **moments, "what": tuple(told.get("what", ALL)),
                      "where": location.read(told.get("where"))})


def strayed(found: Site, at_stake: Collection[str] | None = None) -> list[str]:
    """Return in what a site is not where it was made a clone, in words; an older version did not note where.

    at_stake are real paths of the folders that would be overwritten, where they are known: others do not count.
    """
    known, note = read(found.instance), restoring.unfinished(found.instance)
    if not known or not known.where:
        return []
    # A clone that broke off may have left its source's folders in the database.
    if note and note.verb in restoring.CLONES:
        return location.moved(known.where, location.of(found))
    return location.strayed(known.where, location.of(found), at_stake)


def here(found: Site) -> Lineage | None:
    """Return the lineage of a site that is where it was made a clone; None for any other."""
    return None if strayed(found) else read(found.instance)


def write(instance: Instance, lineage: Lineage) -> None:
    """Remember a finished clone."""
    text = json.dumps({**vars(lineage), "moment": lineage.moment.isoformat(timespec="seconds"),
                       "made": lineage.made.isoformat(timespec="seconds"),
                       "where": location.as_noted(lineage.where) if lineage.where else None})
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    MANAGER.write(str(_path(instance)), text.encode("utf-8"), 0o600)


def forget(instance: Instance) -> None:
    """Let an instance be a site of its own; one that is no clone is no fault."""
    MANAGER.remove(str(_path(instance)))


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.clone.json"
