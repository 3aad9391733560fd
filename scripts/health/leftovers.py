"""What killed runs left on the manager. Every later run clears its own; here is what waits for none."""

import json
from collections.abc import Iterator
from pathlib import Path

from scripts.database import credentials
from scripts.health import mends
from scripts.health.finding import MANAGER, Checked, Wrong, look
from scripts.hosts.local import MANAGER as HERE
from scripts.registry import process_mark, registry
from scripts.registry.settings import Settings
from scripts.steps import half_created, scratch
from scripts.store.archive import COMPANIONS, PARTIAL


def checks(settings: Settings) -> Iterator[Checked]:
    """Look for what dead runs left in the folders of this toolkit and where option files lie."""
    yield look(MANAGER, "leftovers", lambda: _leftovers(settings), mends.words("ls", "-la", "--", settings.work))


def is_running(settings: Settings, lock: str) -> bool:
    """Tell whether a run holds this lock. Asks its note: trying the lock would stop a run that begins just now."""
    try:
        note = json.loads((settings.state / "locks" / f"{lock}.lock").read_text())
        return not process_mark.is_gone(note["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _leftovers(settings: Settings) -> Iterator[Wrong]:
    kinds = {"scratch folders": scratch.leftovers(settings), "unfinished archives": list(unfinished(settings)),
             "files with database passwords": credentials.leftovers(HERE)}
    for what, paths in kinds.items():
        if paths:
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            yield Wrong(f"a killed run left {what}, which take room and are of no use: {paths[0]}{more}",
                        mends.words("rm", "-rf", "--", *paths))
    if copies := list(work_copies(settings)):
        more = f" and {len(copies) - 1} more" if len(copies) > 1 else ""
        yield Wrong(f"an older version of TRIM left work copies of sites behind ssh, which take room and are of no use "
                    f"now: {copies[0]}{more}", mends.make(settings, "clean"))
    yield from _half_created(settings)


def _half_created(settings: Settings) -> Iterator[Wrong]:
    for name, note in half_created.killed(settings):
        host, _, web_root, _ = note.place
        yield Wrong(f"a killed run left a half created Tiki in {web_root} ({host}). To take it back and create it "
                    f"anew, repeat your make instance NAME={name} ... VERSION=... line. To forget it",
                    mends.words("rm", "-f", "--", settings.state / "status" / f"{name}{half_created.ENDING}"))


def work_copies(settings: Settings) -> Iterator[Path]:
    """Yield the copies of ssh sites from which older versions packed archives."""
    yield from (path for name in registry.names(settings) if (path := settings.work / name).is_dir())


def unfinished(settings: Settings) -> Iterator[Path]:
    """Yield what lies in archive folders that no run writes to now, and is neither an archive nor beside one."""
    for folder in sorted(settings.archives.glob("*")):
        if folder.is_dir() and not is_running(settings, f"{folder.name}.store"):
            yield from sorted({*folder.glob(f"*{PARTIAL}"), *folder.glob(".trim-new-*")})
            for ending in COMPANIONS:
                yield from (path for path in sorted(folder.glob(f"*.tar.*{ending}"))
                            if not path.with_name(path.name.removesuffix(ending)).exists())
