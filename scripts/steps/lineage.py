"""Remembers of whom a site is a clone, of which moment, and where it was made. The note lies on the manager.

It counts as long as the site is there: who asks before something is overwritten asks `here`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance

if TYPE_CHECKING:
    from scripts.steps.site import Site

ALL = ("code", "data")


@dataclass(frozen=True)
class Lineage:
    """What a clone is made of.

    moment is the one that its data shows, made when it was finished (both with a time zone). archive is empty when it
    was made of the living site; what says what came: code, data, or both. where is its location,
    as `location` notes it; None in notes of older versions.
    """

    source: str
    moment: datetime
    made: datetime
    kind: str = ""
    archive: str = ""
    what: tuple[str, ...] = ALL
    where: Mapping[str, object] | None = None


def read(instance: Instance) -> Lineage | None:
    """Return the lineage of an instance, wherever it leads now; None when it is no clone."""
    try:
        told = json.loads(_path(instance).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    moments = {name: datetime.fromisoformat(told[name]) for name in ("moment", "made")}
    return Lineage(**{**told, **moments, "what": tuple(told.get("what", ALL))})


def strayed(found: Site, at_stake: Collection[str] | None = None) -> list[str]:
    """Return in what a site is not where it was made a clone, in words; an older version did not note where.

    at_stake are real paths of the folders that would be overwritten, where they are known: others do not count.
    """
    from scripts.steps import location, restoring  # here: who only shows whose copy a site is needs no database
    known, note = read(found.instance), restoring.unfinished(found.instance)
    then = location.read(known.where) if known else None
    if then is None:
        return []
    # A clone that broke off may have left its source's folders in the database.
    if note and note.verb in restoring.CLONES:
        return location.moved(then, location.of(found))
    return location.strayed(then, location.of(found), at_stake)


def here(found: Site) -> Lineage | None:
    """Return the lineage of a site that is where it was made a clone; None for any other."""
    return None if strayed(found) else read(found.instance)


def write(instance: Instance, lineage: Lineage) -> None:
    """Remember a finished clone."""
    text = json.dumps({**vars(lineage), "moment": lineage.moment.isoformat(timespec="seconds"),
                       "made": lineage.made.isoformat(timespec="seconds")})
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    MANAGER.write(str(_path(instance)), text.encode("utf-8"), 0o600)


def forget(instance: Instance) -> None:
    """Let an instance be a site of its own; one that is no clone is no fault."""
    MANAGER.remove(str(_path(instance)))


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.clone.json"
