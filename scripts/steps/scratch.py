"""Scratch folders on the manager that do not outlive their run, killed or not."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings

FORM = re.compile(r"scratch-[a-z0-9-]+\.(\d+)")


@contextmanager
def scratch(instance: Instance) -> Iterator[Path]:
    """Yield an empty folder of our own under the work folder; it is gone afterwards. In a dry run it is never made."""
    with named(instance.settings, instance.name) as path:
        yield path


@contextmanager
def named(settings: Settings, name: str) -> Iterator[Path]:
    """Yield such a folder for an instance whose env file need not be right."""
    path = settings.work / f"scratch-{name}.{os.getpid()}"
    if process.conduct.dry_run:
        yield path
        return
    for old in leftovers(settings):
        if old.name.startswith(f"scratch-{name}."):
            MANAGER.remove_tree(str(old))
    MANAGER.remove_tree(str(path))
    MANAGER.make_folder(str(path), 0o700)
    try:
        yield path
    finally:
        MANAGER.remove_tree(str(path))


def leftovers(settings: Settings) -> list[Path]:
    """Return the scratch folders whose run is dead."""
    found = [(path, FORM.fullmatch(path.name)) for path in sorted(settings.work.glob("scratch-*"))]
    return [path for path, name in found if name and not psutil.pid_exists(int(name[1]))]
