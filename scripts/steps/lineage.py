"""Remembers of whom a site is a clone, and of which moment. The note lies on the manager, beside the others."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance

ALL = ("code", "data")


@dataclass(frozen=True)
class Lineage:
    """What a clone is made of.

    moment is the one that its data shows, made when it was finished (both with a time zone). archive is empty when it
    was made of the living site; what says what came: code, data, or both.
    """

    source: str
    moment: datetime
    made: datetime
    kind: str = ""
    archive: str = ""
    what: tuple[str, ...] = ALL


def read(instance: Instance) -> Lineage | None:
    """Return the lineage of an instance; None when it is no clone."""
    try:
        told = json.loads(_path(instance).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    moments = {name: datetime.fromisoformat(told[name]) for name in ("moment", "made")}
    return Lineage(**{**told, **moments, "what": tuple(told.get("what", ALL))})


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
