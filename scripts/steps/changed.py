"""Knows what a clone was when it was finished, and so what has been changed on it since.

Two files on the manager: sums of its tables, preferences and entrances, and a list of all files with size and times,
in order. What Tiki itself writes while it runs (sessions, caches, logs, the search index) is set apart.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from scripts.database import sums
from scripts.errors import CommandError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.local import MANAGER
from scripts.hosts.streams import Sink, Source
from scripts.registry.instance import Instance
from scripts.steps.site import Site
from scripts.tiki import data_folders, expected, guard, layout, maintenance, quiet

PREFERENCES = "tiki_preferences"
RULES = expected.Expected()
END = b"\xffend"            # told of the root, which is asked for last, and the last in order: it proves the rest
VANISHED = (0, 1)            # find's code when something went away while it looked
KEPT_NAMES = 1000            # names that are remembered of what changed; more are only counted
SHOWN = 10                   # of them, in a message
SORT_MEMORY = "32M"          # of the program that brings the list into order
OUR_OWN = {*quiet.TABLES, *(source.table for source in data_folders.SOURCES.values())}
"""Tables that a clone itself may write into once they are equal: what was summed before does not hold for them."""


@dataclass(frozen=True)
class Record:
    """What a clone was. sums, preferences and entrances are digests by name, roots the folders that were listed."""

    roots: list[str]
    sums: dict[str, str]
    preferences: dict[str, str]
    entrances: dict[str, str]


@dataclass
class Changes:
    """What is not as it was: files by whole path, tables and preferences by name. sums are those of now.

    is_known is False where there is nothing to compare with: then everything may have been changed.
    """

    files: list[str] = field(default_factory=list)
    more_files: int = 0
    tables: list[str] = field(default_factory=list)
    preferences: list[str] = field(default_factory=list)
    sums: dict[str, str] = field(default_factory=dict)
    is_known: bool = True

    def __bool__(self) -> bool:
        return not self.is_known or bool(self.files or self.tables or self.preferences)

    def lines(self) -> list[str]:
        """Return what was changed, in words."""
        if not self.is_known:
            return ["what was changed here since cannot be told: nothing was recorded"]
        kinds = {"files": (self.files, len(self.files) + self.more_files), "tables": (self.tables, len(self.tables)),
                 "preferences": (self.preferences, len(self.preferences))}
        return [f"{count} {kind if count > 1 else kind[:-1]} changed here since the last clone: "
                + ", ".join(names[:SHOWN]) + (f" and {count - SHOWN} more" if count > SHOWN else "")
                for kind, (names, count) in kinds.items() if count]


def since(target: Site) -> Changes:
    """Return what was changed on a clone since it was finished. In a dry run files are not looked at."""
    record = _read(target.instance)
    if record is None or not _path(target.instance, "files").exists():
        return Changes(is_known=False)
    found = Changes()

    def ask_database() -> None:
        found.sums = sums.of(target.client, summed_tables(target))
        found.tables = _differing(record.sums, found.sums)
        found.preferences = _differing(record.preferences, _preferences(target))

    def look_at_files() -> None:
        for name in _differing(record.entrances, _entrances(target)):
            found.files.append(f"{target.instance.web_root}/{name}")
        if not process.conduct.dry_run:
            _compare_files(target, record.roots, found)

    process.side_by_side(ask_database, look_at_files)
    return found


def remember(target: Site, folders: Collection[str], unchanged: Collection[str], known: Mapping[str, str],
             *, keeps_files: bool = False) -> None:
    """Record what a clone is now, the page still on.

    folders are its data folders outside the web root; known are sums from before this clone, which hold for those that
    stayed unchanged. keeps_files: no file is another one than the earlier record says.
    """
    earlier = _read(target.instance)
    tables = summed_tables(target)
    trusted = tables & set(unchanged) & set(known) - OUR_OWN
    found = sums.of(target.client, tables - trusted) | {name: known[name] for name in trusted}
    roots = [target.instance.web_root, *sorted(folders)]
    record = Record(roots, found, _preferences(target), _entrances(target))
    place, files = _path(target.instance, "json"), _path(target.instance, "files")
    MANAGER.make_folder(str(place.parent), 0o700)
    if not (keeps_files and earlier and earlier.roots == roots and files.exists()):
        _list_files(target.instance, roots, place, files)
    MANAGER.write(str(place), json.dumps(asdict(record)).encode(), 0o600)


def _list_files(instance: Instance, roots: list[str], record: Path, files: Path) -> None:
    """Write the list of files anew. Its record is gone meanwhile: a list without its record is no list."""
    beside = files.with_suffix(".partial")
    try:
        with open(beside, "wb") as file:
            process.pipe(_listing(instance, roots), _in_order(), _whole, into=file, ok=VANISHED)
    except BaseException:
        MANAGER.remove(str(beside))
        raise
    MANAGER.remove(str(record))
    MANAGER.rename(str(beside), str(files))


def forget(instance: Instance) -> None:
    """Remove the record: the site is no clone any more."""
    MANAGER.remove(*(str(_path(instance, ending)) for ending in ("json", "files")))


def _read(instance: Instance) -> Record | None:
    try:
        told = json.loads(_path(instance, "json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    told.pop("is_quiet", None)  # of older versions
    return Record(**told)


def _path(instance: Instance, ending: str) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.cloned.{ending}"


def summed_tables(found: Site) -> set[str]:
    """Return the tables whose sums tell whether a site was changed: not what Tiki writes while it runs."""
    return {table.name for table in found.tables if not table.is_view and table.name != PREFERENCES
            and not RULES.of_table(table.name)}


def _preferences(target: Site) -> dict[str, str]:
    rows = target.client.query(f"SELECT name, COALESCE(value, '') FROM {PREFERENCES}")
    return {name: _digest(value.encode("utf-8", "surrogateescape")) for name, value in rows
            if name not in expected.MOVING_PREFERENCES}


def _entrances(target: Site) -> dict[str, str]:
    """Return the digests of the files that the page goes into, as they are without it."""
    files = maintenance.read(target.instance.host, target.instance.web_root)
    own = {name: guard.unguarded(file) if guard.is_guarded(file) else file for name, file in files.items()
           if name in guard.ENTRANCES}
    return {name: _digest(file.content) for name, file in own.items()}


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


# The list of files

def _listing(instance: Instance, roots: list[str]) -> Command:
    """Return the call that lists files and links with size and times, without what comes and goes by itself."""
    aside = ("temp", *layout.CACHES, layout.HTACCESS, *layout.OWN_RULES, *maintenance.OWN_NAMES, *guard.ENTRANCES)
    # One expression: a test for each of them, of every path, would cost more than all the rest of the look.
    names = "|".join([*map(_literal, aside), *("[^/]*".join(map(_literal, pattern.split("*")))
                                               for pattern in layout.ALL_ACCOUNTS)])
    passed = ("-regex", f"{_literal(instance.web_root)}/({names})", "-prune", "-o")
    proof = ("-path", "/", "-prune", "-printf", "\\377end\\0", "-o")
    return instance.host.command("find", "-H", *roots, "/", "-regextype", "posix-extended", *proof, *passed,
                                 "(", "-type", "f", "-o", "-type", "l", ")", "-printf", "%p\\t%s\\t%T@\\t%C@\\0")


def _literal(text: str) -> str:
    """Return a text as POSIX's extended expressions have it; they know other backslashes than Python's re.escape."""
    return re.sub(r"([][.*+?(){}^$|\\])", r"\\\1", text)


def _in_order() -> Command:
    return MANAGER.command("sort", "-z", "-S", SORT_MEMORY)


def _whole(source: Source, sink: Sink) -> None:
    """As a stage of a pipe: pass the list on without its last record, which must be the one we know."""
    held = b""
    for chunk in source.chunks():
        held += chunk
        ready, held = held[:-len(END) - 1], held[-len(END) - 1:]
        sink.write(ready)
    if held != END + b"\0":
        raise CommandError("find: the list of a clone's files is cut off")


def _compare_files(target: Site, roots: list[str], found: Changes) -> None:
    """Merge the list of now with the recorded one; only what differs is remembered."""
    differing: dict[bytes, None] = {}
    count, last = 0, b""

    def merge(source: Source, sink: Sink) -> None:
        nonlocal count, last
        with open(_path(target.instance, "files"), "rb") as file:
            before, now = _records(iter(lambda: file.read(1 << 16), b"")), _records(source.chunks())
            one, other = next(before, None), next(now, None)
            while one is not None or other is not None:
                if one == other:
                    one, other = next(before, None), next(now, None)
                    continue
                is_gone = other is None or (one is not None and one < other)
                path = (one if is_gone else other).rsplit(b"\t", 3)[0]
                count += path != last and path not in differing  # its old and its new record
                last = path
                if len(differing) < KEPT_NAMES:
                    differing[path] = None
                if is_gone:
                    one = next(before, None)
                else:
                    other = next(now, None)

    process.pipe(_listing(target.instance, roots), _in_order(), _whole, merge, ok=VANISHED)
    found.files += sorted(path.decode("utf-8", "surrogateescape") for path in differing)
    found.more_files = count - len(differing)


def _records(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the NUL-ended records of a stream."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
