"""Finds folders of TRIM that lie inside a site: archives and copies would hold archives, `rsync --delete` take them.

A site below a folder of TRIM is none of that: what is done to a site stays within its parts.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from scripts.errors import RefusedError
from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings


@dataclass(frozen=True)
class Inside:
    """A folder of TRIM that lies in a part of a site. key is its setting; TRIM's own folder has none."""

    path: str
    key: str
    part: str

    @property
    def problem(self) -> str:
        called = f"({self.key})" if self.key else "(TRIM itself)"
        return (f"{self.path} {called} lies inside the site, in {self.part}: a backup would hold itself, and a restore "
                "would delete it")

    @property
    def step(self) -> str:
        """Return what to do, in words."""
        if not self.key:
            return f"move it to a folder outside of {self.part}, then there: make setup"
        return f"set {self.key} in conf/settings.env to a folder outside of {self.part}, and move there what is in it"


def inside(instance: Instance, parts: Iterable[str]) -> Inside | None:
    """Return the first folder of TRIM in one of these folders of an instance's host; only this machine has any."""
    if instance.host.is_remote:
        return None
    parts = tuple(dict.fromkeys(parts))
    tops = instance.host.real_paths(*parts)
    for key, path in _ours(instance.settings):
        real = MANAGER.real_path(path)
        for part, top in zip(parts, tops):
            if real == top or real.startswith(f"{top.rstrip('/')}/"):
                return Inside(path, key, part)
    return None


def refuse(instance: Instance, parts: Iterable[str]) -> None:
    """Raise RefusedError when a folder of TRIM lies in one of these folders, which are to be packed or replaced."""
    if found := inside(instance, parts):
        raise RefusedError(f"{instance.name}: {found.problem}. Nothing was changed. Next: {found.step}")


def _ours(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return TRIM's own folder, which has the others unless the settings say otherwise, and the others."""
    return (("", str(settings.top)), ("ARCHIVES_DIR", str(settings.archives)), ("WORK_DIR", str(settings.work)),
            ("STATE_DIR", str(settings.state)))
