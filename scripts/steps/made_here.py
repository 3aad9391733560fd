"""Remembers that a site was created by TRIM, so that it may be made anew without being asked twice."""

import json
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.steps import location
from scripts.steps.site import Site


def remember(found: Site) -> None:
    """Note that what is in this very place was made by us."""
    instance = found.instance
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    told = {"place": list(instance.place), "where": location.as_noted(location.of(found))}
    MANAGER.write(str(_path(instance)), json.dumps(told).encode(), 0o600)


def is_noted(found: Site) -> bool:
    """Whether the site was made by us where it is now; notes of older versions tell of the env file alone."""
    try:
        told = json.loads(_path(found.instance).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return told["place"] == list(found.instance.place) and not location.moved_since(told.get("where"), found)


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.made.json"
