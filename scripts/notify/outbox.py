"""Messages that no channel has taken yet: var/outbox/ID.json, for us alone, until a later run can send them."""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.registry.settings import Settings


@dataclass(frozen=True)
class Waiting:
    """One message that waits: what is still to be told, to whom, and through which channels.

    mail is the text of the mail, so that it keeps its id and its date. Moments are seconds since 1970.
    """

    subject: str
    body: str
    mail: str
    to: tuple[str, ...]
    channels: tuple[str, ...]
    since: float
    tried: float
    why: str


def folder(settings: Settings) -> Path:
    return settings.state / "outbox"


def put(settings: Settings, waiting: Waiting, path: Path | None = None) -> None:
    """Keep a message, or what is left to do of one."""
    MANAGER.make_folder(str(folder(settings)), 0o700)
    path = path or folder(settings) / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{time.monotonic_ns()}.json"
    MANAGER.write(str(path), json.dumps(asdict(waiting)).encode(), 0o600)


def waiting(settings: Settings) -> list[tuple[Path, Waiting]]:
    """Return the messages that wait, oldest first."""
    found = []
    for path in sorted(folder(settings).glob("*.json")):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            found.append((path, Waiting(**values | {"to": tuple(values["to"]), "channels": tuple(values["channels"])})))
        except (OSError, ValueError, TypeError, KeyError):
            continue    # sent meanwhile
    return found


def drop(path: Path) -> None:
    path.unlink(missing_ok=True)
