"""Keeps var/logs from growing for ever: logs of runs go after LOG_DAYS, cron's own log is turned over when long."""

import gzip
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.registry import runs
from scripts.registry.settings import Settings

DAY = 86_400
CRON_LOG = "cron.log"
MOST_BYTES = 1_000_000  # of cron.log
KEPT = 5                # older cron logs
ROTATED = ".rotated"    # its time is when it was done last


def rotate(settings: Settings) -> None:
    """Turn over and remove what is due; once a day."""
    folder = settings.state / "logs"
    done = runs.folder(settings) / ROTATED
    # A moment that is still to come was noted by a clock that was wrong.
    if not done.parent.is_dir() or (done.exists() and 0 <= time.time() - done.stat().st_mtime < DAY):
        return
    done.touch(0o600)
    for path in due(settings):
        MANAGER.remove(str(path))
    turn_over(folder / CRON_LOG)


def due(settings: Settings) -> list[Path]:
    """Return the logs and records that nobody needs any more."""
    oldest = time.time() - settings.log_days * DAY
    return [*(path for path in _logs(settings) if path.stat().st_mtime < oldest), *runs.drop_old(settings)]


def _logs(settings: Settings) -> Iterator[Path]:
    with suppress(FileNotFoundError):  # one that went meanwhile
        yield from sorted((settings.state / "logs").glob("????-??-??_*.log"))


def turn_over(log: Path) -> None:
    """Give a log that is too long a number; the newest of those stays unpacked: somebody may still write into it."""
    if not log.exists() or log.stat().st_size < MOST_BYTES:
        return
    numbered = [log.with_name(f"{log.name}.{number}{'' if number == 1 else '.gz'}") for number in range(1, KEPT + 1)]
    for older, old in zip(reversed(numbered[1:]), reversed(numbered[:-1])):
        if old.suffix == ".gz" and old.exists():
            MANAGER.rename(str(old), str(older))
        elif old.exists():
            _pack(old, older)
    MANAGER.rename(str(log), str(numbered[0]))


def _pack(log: Path, packed: Path) -> None:
    target = open(os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
    with log.open("rb") as source, target, gzip.open(target, "wb") as sink:
        shutil.copyfileobj(source, sink)
    MANAGER.remove(str(log))
