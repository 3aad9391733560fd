"""Remembers which failures have been told, so that the same one is not told every time and its end is.

var/runs/told.json has an entry for each crontab line (or verb) and instance that fails at present.
"""

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.notify import causes
from scripts.registry import runs
from scripts.registry.runs import Run, RunFault
from scripts.registry.settings import Settings

HOUR = 3600


@dataclass(frozen=True)
class Told:
    """A failure that was told. Moments are seconds since 1970; runs is how many have failed so."""

    verb: str
    instance: str
    kind: str
    digest: str
    since: float
    at: float
    runs: int = 1
    mail_id: str = ""


@dataclass(frozen=True)
class News:
    """What a run brings: failures that are to be told, those told a short while ago, and what works again."""

    fresh: list[RunFault] = field(default_factory=list)
    repeated: list[RunFault] = field(default_factory=list)
    recovered: list[Told] = field(default_factory=list)


def news(settings: Settings, run: Run) -> News:
    """Return what is to be told of a run that has ended."""
    known, fresh, repeated = _read(settings), [], []
    for fault in run.faults:
        before = known.get(_key(run, fault.instance))
        is_same = before and (before.kind, before.digest) == (fault.kind, _digest(fault))
        # A moment that is still to come was noted by a clock that was wrong.
        is_recent = before and 0 <= time.time() - before.at < settings.repeat_hours * HOUR
        (repeated if is_same and is_recent else fresh).append(fault)
    return News(fresh, repeated, [known[key] for key in _well(run) if key in known])


def note(settings: Settings, run: Run, found: News, mail_id: str) -> None:
    """Remember that the news of a run have been told."""
    now = time.time()
    known = {key: one for key, one in _read(settings).items() if now - one.at < runs.KEPT_DAYS * runs.DAY}
    for key in _well(run):
        known.pop(key, None)
    for fault in (*found.fresh, *found.repeated):
        key = _key(run, fault.instance)
        before = known.get(key)
        fresh = Told(run.verb, fault.instance, fault.kind, _digest(fault), now, now, mail_id=mail_id)
        if before:
            fresh = replace(fresh, since=before.since, runs=before.runs + 1)
        known[key] = replace(fresh, at=before.at, mail_id=before.mail_id) if fault in found.repeated else fresh
    path = _path(settings)
    MANAGER.make_folder(str(path.parent), 0o700)
    MANAGER.write(str(path), json.dumps({key: asdict(one) for key, one in known.items()}, indent=1).encode(), 0o600)


def failing(settings: Settings) -> list[Told]:
    """Return what fails at present, as far as it was told."""
    return list(_read(settings).values())


def _well(run: Run) -> list[str]:
    """Return the keys of what a run shows to work."""
    if run.outcome == runs.OK:
        return [_key(run, name) for name in ("", *run.instances)]
    # One that got through all its instances does not fail as a whole.
    return [_key(run, name) for name in ("", *(part.instance for part in run.parts if part.outcome == runs.OK))
            if run.parts]


def _key(run: Run, instance: str) -> str:
    # Without an instance it is the call that fails: that another one works is no news of it.
    return f"{run.cron_id or (run.verb if instance else run.line)} {instance}"


def _digest(fault: RunFault) -> str:
    text = "" if causes.is_the_same(fault.kind) else f"{fault.message}\n{fault.details}"
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _path(settings: Settings) -> Path:
    return runs.folder(settings) / "told.json"


def _read(settings: Settings) -> dict[str, Told]:
    try:
        return {key: Told(**values) for key, values in json.loads(_path(settings).read_text("utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}   # rather told once more than not at all
