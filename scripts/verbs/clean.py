"""make clean: old logs, leftovers of killed runs and of older versions, and on request caches, the copies that clones
make on their way through the manager, and unsent messages.

Never archives, env files, or what is known of sites and runs. What a run uses at this moment stays.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.code import history, mirror, trees
from scripts.database import credentials
from scripts.errors import BusyError, UsageError
from scripts.health import leftovers
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.notify import outbox
from scripts.present import output
from scripts.registry import locks, registry, rotation
from scripts.registry.env_file import nearest
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
from scripts.steps import scratch

USUAL = ("logs", "leftovers")
ALL = (*USUAL, "cache", "work")     # an unsent message is lost only when somebody says so
KINDS = (*ALL, "outbox", "all")
COLUMNS = {"what": "WHAT", "place": "PLACE", "size": "SIZE"}


@dataclass(frozen=True)
class Rubbish:
    """One thing to remove; lock is held meanwhile, where another run could be using it."""

    what: str
    path: Path
    remove: Callable[[], None]
    lock: str = ""


def clean(settings: Settings, kinds: tuple[str, ...]) -> list[dict[str, object]]:
    """Remove what these kinds mean and return what it was; in a dry run, show it."""
    rows = []
    for one in _rubbish(settings, kinds):
        size = MANAGER.used_bytes(str(one.path))
        try:
            with locks.hold(settings, [Lock(one.lock, exclusive=True)] if one.lock else [], "clean"):
                one.remove()
        except BusyError as fault:
            output.warn(f"{one.path} stays: {fault}")
            continue
        rows.append({"what": one.what, "place": str(one.path), "size": output.size(size), "size_bytes": size})
    if "logs" in kinds and not process.conduct.dry_run:
        rotation.turn_over(settings.state / "logs" / rotation.CRON_LOG)
    output.show(rows, COLUMNS, "Nothing to clean")
    if rows and not output.manner.is_json:
        total = output.size(sum(row["size_bytes"] for row in rows))
        output.say(f"{total} would be freed" if process.conduct.dry_run else f"{total} freed")
    return rows


def wanted(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the kinds that WHAT= names; without it, what is never missed."""
    for word in words:
        if word not in KINDS:
            raise UsageError(f"WHAT={word}: expected {', '.join(KINDS)}{nearest(word, KINDS)}")
    return ALL if "all" in words else words or USUAL


def _rubbish(settings: Settings, kinds: tuple[str, ...]) -> Iterator[Rubbish]:
    finders = {"logs": _logs, "leftovers": _leftovers, "cache": _cache, "work": _work, "outbox": _outbox}
    for kind in kinds:
        yield from finders[kind](settings)


def _logs(settings: Settings) -> Iterator[Rubbish]:
    for path in rotation.due(settings):
        yield _file("logs", path)


def _leftovers(settings: Settings) -> Iterator[Rubbish]:
    for path in leftovers.work_copies(settings):
        yield _folder("leftovers", path, lock=f"{path.name}.store")
    for path in scratch.leftovers(settings):
        yield _folder("leftovers", path)
    for path in (*leftovers.unfinished(settings), *map(Path, credentials.leftovers(MANAGER))):
        yield _file("leftovers", path)


def _cache(settings: Settings) -> Iterator[Rubbish]:
    """What was fetched and built. The records of shows' bases lie there too and stay: their trees are in use."""
    for tree in trees.all_trees(settings):
        yield Rubbish("cache", tree.path, lambda tree=tree: trees.forget(settings, tree, "clean"))
    for path in (mirror.folder(settings), history.folder(settings)):
        if path.exists():
            yield _folder("cache", path, lock=path.name)
    if (settings.cache / "downloads").exists():
        yield _folder("cache", settings.cache / "downloads")


def _work(settings: Settings) -> Iterator[Rubbish]:
    for name in registry.names(settings):
        path = settings.work / f"{name}.clone"
        if path.is_dir():
            yield _folder("work", path, lock=f"{name}.store")


def _outbox(settings: Settings) -> Iterator[Rubbish]:
    for path, waiting in outbox.waiting(settings):
        output.say(f"never sent: {waiting.subject}")
        yield _file("outbox", path)


def _file(what: str, path: Path) -> Rubbish:
    return Rubbish(what, path, lambda: MANAGER.remove(str(path)))


def _folder(what: str, path: Path, lock: str = "") -> Rubbish:
    return Rubbish(what, path, lambda: MANAGER.remove_tree(str(path)), lock)
