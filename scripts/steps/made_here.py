"""Remembers that a site was created by TRIM, so that it may be made anew without being asked twice."""

import json
from pathlib import Path

from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance


def remember(instance: Instance) -> None:
    """Note that what is in this very place was made by us."""
    if process.conduct.dry_run:
        return
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    MANAGER.write(str(_path(instance)), json.dumps({"place": list(instance.place)}).encode(), 0o600)


def is_noted(instance: Instance) -> bool:
    """Whether the site in this place was made by us."""
    try:
        return json.loads(_path(instance).read_text(encoding="utf-8"))["place"] == list(instance.place)
    except FileNotFoundError:
        return False


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.made.json"
