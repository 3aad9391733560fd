"""Notes on the manager of what is being done to an instance: a file each, ours alone, on the disk before it counts."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance

Note = TypeVar("Note")


def write(instance: Instance, name: str, note: object) -> None:
    """Put a note, which is a dataclass, in place of the one of that name."""
    path = str(_path(instance, name))
    MANAGER.make_folder(str(_path(instance, name).parent), 0o700)
    MANAGER.write(path, json.dumps(asdict(note)).encode("utf-8", "surrogateescape"), 0o600)
    MANAGER.sync(path)


def read(instance: Instance, name: str, kind: type[Note]) -> Note | None:
    """Return the note of that name; None when there is none."""
    try:
        return kind(**json.loads(_path(instance, name).read_text(encoding="utf-8", errors="surrogateescape")))
    except FileNotFoundError:
        return None


def put_in_place_of(instance: Instance, name: str, other: str) -> None:
    """Let the note of one name take the place of another; that needs no room on the disk."""
    MANAGER.rename(str(_path(instance, name)), str(_path(instance, other)))


def remove(instance: Instance, name: str) -> None:
    MANAGER.remove(str(_path(instance, name)))


def _path(instance: Instance, name: str) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.{name}.json"
