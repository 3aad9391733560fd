"""The registry: can every env file be read, is its secret ours alone, do two names mean one site."""

import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterator

from scripts.errors import Fault
from scripts.health import mends
from scripts.health.finding import MANAGER, Checked, Wrong, checked, look
from scripts.registry import registry
from scripts.registry.instance import NAME_PATTERN, Instance
from scripts.registry.settings import Settings
from scripts.store import archive


def checks(settings: Settings, names: list[str]) -> Iterator[Checked]:
    """Look at the env files of these names, and at all files for twins of theirs."""
    for name in names:
        yield look(name, "env file", lambda name=name: registry.load(settings, name) and (),
                   lambda fault, name=name: _mend(settings, name))
    yield checked(MANAGER, "twins", _twins(settings, names))


def readable(settings: Settings, names: list[str]) -> list[Instance]:
    """Return the instances whose env files can be read."""
    found = []
    for name in names:
        try:
            found.append(registry.load(settings, name))
        except Fault:
            continue  # a finding of its own above
    return found


def _mend(settings: Settings, name: str) -> str:
    """Return what mends an env file that cannot be read."""
    path = mends.env_path(settings, name)
    if not re.fullmatch(NAME_PATTERN, name):
        proper = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "site"
        return mends.words("mv", "-n", "--", path, mends.env_path(settings, proper))
    if not os.access(path, os.R_OK) or _has_open_secret(path):
        return mends.words("chmod", "600", "--", path)
    return mends.edit(path)


def _has_open_secret(path) -> bool:
    mode = stat.S_IMODE(path.stat().st_mode)
    return bool(mode & 0o077) and bool(re.search(rb"^\s*(export\s+)?DB_PASS\s*=", path.read_bytes(), re.MULTILINE))


def _twins(settings: Settings, names: list[str]) -> Iterator[Wrong]:
    places: dict[tuple, list[str]] = defaultdict(list)
    for one in readable(settings, registry.names(settings)):
        places[one.place].append(one.name)
    for same in places.values():
        if len(same) > 1 and set(same) & set(names):
            # The one with most archives is the one in use; of equals, the older file.
            first, *others = sorted(same, key=lambda name: (-len(archive.of_instance(settings, name)),
                                                            mends.env_path(settings, name).stat().st_mtime))
            yield Wrong(f"{' and '.join(sorted(same))} are one site: two runs could change it at the same time, since "
                        f"each has a lock of its own. Keep {first}",
                        mends.words("rm", "--", *(mends.env_path(settings, name) for name in others)))
