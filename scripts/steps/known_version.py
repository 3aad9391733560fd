"""What is known of an instance's version without asking its host: what was put in place last, or archived last."""

import json
from datetime import UTC, datetime
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.store import archive


def remember(instance: Instance, version: str) -> None:
    """Note the version of code that was just put in place."""
    text = json.dumps({"version": version, "moment": datetime.now(UTC).isoformat(timespec="seconds")})
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    MANAGER.write(str(_path(instance)), text.encode("utf-8"), 0o600)


def newest(instance: Instance) -> str:
    """Return the version that was seen last, or nothing."""
    known = [(one.moment, one.record.version) for one in archive.of_instance(instance.settings, instance.name)
             if one.record]
    try:
        noted = json.loads(_path(instance).read_text(encoding="utf-8"))
        known.append((datetime.fromisoformat(noted["moment"]), noted["version"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass    # none yet, or cut off by a crash: the archives tell
    return max(known)[1] if known else ""


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.version.json"
