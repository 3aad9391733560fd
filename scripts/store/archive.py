"""Archives on disk: their names, what stands beside them, how one is chosen and removed.

archives/NAME/NAME_2026-11-21_02-08-57.tar.bz2 has three companions: `.sha256`, which sha256sum -c reads,
`.record.json`: what we know of it without opening it, and `.index`: where in it things lie (index.py). The name holds
the local time it was begun. When an instance is forgotten its folder becomes archives/NAME.forgotten-MOMENT, so that
another one of that name never takes them for its own.
"""

import json
import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.errors import ArchiveError
from scripts.hosts.local import MANAGER
from scripts.registry.settings import Settings

STAMP = "%Y-%m-%d_%H-%M-%S"
NAME_FORM = r"(?P<name>{name})_(?P<stamp>\d{{4}}-\d\d-\d\d_\d\d-\d\d-\d\d)\.tar\.(?P<packed>bz2|zst)"
PARTIAL = ".partial"
COMPANIONS = (".sha256", ".record.json", ".index")
FORGOTTEN = ".forgotten-"  # no instance's name has a dot
BACKUP, SAFETY = "backup", "safety"
STEP = timedelta(hours=1)   # by which a clock may be set back: less makes nobody take an archive for one to come


@dataclass(frozen=True)
class Record:
    """What is known of one archive. Moments are ISO texts in UTC; seconds are durations."""

    kind: str
    finished: str
    version: str
    verified: str = ""
    proven: str = ""
    proven_seconds: float | None = None
    not_proven: str = ""
    content_bytes: int = 0
    warnings: int = 0
    dumped: str = ""
    read_whole: str = ""    # when everything was read and unpacked for the last time, in this archive or one before it


@dataclass(frozen=True)
class Archive:
    """One archive file; record is None when it did not come from this TRIM."""

    path: Path
    instance: str
    stamp: str
    packed: str
    record: Record | None

    @property
    def moment(self) -> datetime:
        """Return when it was finished; by its name when nothing better is known."""
        if self.record:
            return datetime.fromisoformat(self.record.finished)
        return datetime.strptime(self.stamp, STAMP).astimezone(UTC)

    @property
    def shows(self) -> datetime:
        """Return the moment of its content: of its dump; where that is not on record, a later one."""
        return datetime.fromisoformat(self.record.dumped) if self.record and self.record.dumped else self.moment

    def is_ahead(self, now: datetime) -> bool:
        """Whether its moment is still to come: a clock was wrong then, and nobody knows how old it is."""
        return self.moment > now + STEP

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size

    @property
    def checksum_path(self) -> Path:
        return companion(self.path, ".sha256")

    @property
    def is_safety(self) -> bool:
        return self.record is not None and self.record.kind == SAFETY


def companion(path: Path, ending: str) -> Path:
    """Return the path of what stands beside an archive."""
    return path.with_name(path.name + ending)


def now() -> str:
    """Return this moment as records tell it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def folder(settings: Settings, instance: str) -> Path:
    """Return the folder of an instance's archives."""
    return settings.archives / instance


def of_instance(settings: Settings, instance: str) -> list[Archive]:
    """Return the archives of an instance, newest first; what else lies there is not touched or shown.

    Those that are ahead of this machine's clock come last. instance may be the name of a forgotten one's folder.
    """
    place, name = folder(settings, instance), instance.partition(FORGOTTEN)[0]
    found = [read(path) for path in place.glob("*.tar.*") if _parsed(path, name)] if place.is_dir() else []
    now = datetime.now(UTC)
    return sorted(found, key=lambda one: (not one.is_ahead(now), one.moment, one.path.name), reverse=True)


def read(path: Path) -> Archive:
    """Return the archive at path by its name and its companions; the file itself is not opened."""
    parsed = _parsed(path, r"[A-Za-z0-9._-]+")
    if not parsed:
        raise ArchiveError(f"{path.name}: not an archive's name; it reads NAME_YYYY-MM-DD_HH-MM-SS.tar.bz2 or .tar.zst")
    return Archive(path, parsed["name"], parsed["stamp"], parsed["packed"], _record(path))


def choose(settings: Settings, instance: str, wanted: str) -> Archive:
    """Return the archive that ARCHIVE= means: latest, a number of `make archives`, or a file's name or path.

    latest is the newest backup; an archive that a restore took for safety has to be named.
    """
    if "/" in wanted:
        path = Path(wanted)
        if not path.is_file():
            raise ArchiveError(f"{wanted}: there is no such file")
        return read(path)
    archives = of_instance(settings, instance)
    if not archives:
        earlier = forgotten(settings, instance)
        raise ArchiveError(f"{instance}: has no archive yet. Next: make backup INSTANCE={instance}"
                           + (f"; those of an earlier {instance} are taken by their path: ARCHIVE={earlier[-1]}/..."
                              if earlier else ""))
    if wanted in ("", "latest"):
        backups = [archive for archive in archives if not archive.is_safety]
        return (backups or archives)[0]
    if wanted.isdecimal():
        if not 1 <= int(wanted) <= len(archives):
            raise ArchiveError(f"{instance}: there is no archive number {wanted}; there are {len(archives)}. "
                               f"Next: make archives INSTANCE={instance}")
        return archives[int(wanted) - 1]
    for archive in archives:
        if wanted == archive.path.name:
            return archive
    raise ArchiveError(f"{instance}: there is no archive {wanted}. Next: make archives INSTANCE={instance}")


def write_record(path: Path, record: Record) -> None:
    """Put what is known beside an archive."""
    MANAGER.write(str(companion(path, ".record.json")), (json.dumps(asdict(record)) + "\n").encode(), 0o600)


def update_record(archive: Archive, **changes: object) -> None:
    """Change some of what is known; a foreign archive gets no record."""
    if archive.record:
        write_record(archive.path, replace(archive.record, **changes))


def remove(archive: Archive) -> None:
    """Remove an archive and its companions, the archive first: companions alone claim nothing."""
    MANAGER.remove(str(archive.path), *(str(companion(archive.path, ending)) for ending in COMPANIONS))


def forget(settings: Settings, instance: str) -> Path | None:
    """Move the archives of an instance to where no other one of its name finds them; return that folder, if any."""
    place = folder(settings, instance)
    if not place.is_dir() or not any(place.iterdir()):
        return None
    target = place.with_name(f"{instance}{FORGOTTEN}{datetime.now().strftime(STAMP)}")
    if target.exists():
        raise ArchiveError(f"{target}: is there already. Wait a second, and try again")
    MANAGER.rename(str(place), str(target))
    return target


def forgotten(settings: Settings, instance: str) -> list[Path]:
    """Return the folders of archives that forgotten instances of this name have left, oldest first."""
    return sorted(path for path in settings.archives.glob(f"{instance}{FORGOTTEN}*") if path.is_dir())


def _parsed(path: Path, name: str) -> re.Match | None:
    found = re.fullmatch(NAME_FORM.format(name=name), path.name)
    try:
        return found if found and datetime.strptime(found["stamp"], STAMP) else None
    except ValueError:
        return None  # digits that are no date


def _record(path: Path) -> Record | None:
    try:
        record = Record(**json.loads(companion(path, ".record.json").read_text()))
        moments = [datetime.fromisoformat(text) for text in (record.finished, record.dumped or record.finished)]
        return record if all(moment.tzinfo for moment in moments) else None
    except (OSError, ValueError, TypeError):
        return None
