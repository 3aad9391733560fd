"""Remembers when a site was last looked at by check or watch, and how that ended."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance


@dataclass(frozen=True)
class Watched:
    """The last look: when it ended (UTC), how many findings it had, and what kept it from seeing all."""

    moment: datetime
    findings: int
    problem: str = ""
    has_baseline: bool = True
    """Whether there was a baseline then: one that is gone since was taken away."""


def read(instance: Instance) -> Watched | None:
    """Return the last look; None when there was none, or when its record cannot be read."""
    try:
        told = json.loads(_path(instance).read_text(encoding="utf-8"))
        return Watched(datetime.fromisoformat(told["moment"]), int(told["findings"]), str(told["problem"]),
                       bool(told["has_baseline"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(instance: Instance, findings: int, problem: str, has_baseline: bool) -> None:
    """Remember a look that ends now."""
    if process.conduct.dry_run:
        return
    told = {"moment": datetime.now(UTC).isoformat(timespec="seconds"), "findings": findings, "problem": problem,
            "has_baseline": has_baseline}
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    MANAGER.write(str(_path(instance)), json.dumps(told).encode(), 0o600)


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.watched.json"
