"""The record of runs: who called what and when, how it ended, and which runs never came to their end.

var/runs/now/ID.json is a run that goes on; var/runs/2026-11.jsonl has a line for each that ended. A run whose process
is gone while its file is still in now/ was killed. Dry runs and runs that only show tables are not on record.
"""

import errno
import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.registry import process_mark
from scripts.registry.settings import Settings

OK, FINDINGS, FAULT, BUSY, KILLED, RUNNING = "ok", "findings", "fault", "busy", "killed", "running"
KEPT_DAYS = 400     # a year and some: what happened last year at this time
DAY = 86_400
STEP = 3600     # seconds by which a clock may be set back: less makes nobody take a run for one to come
CRON_ID = re.compile(r'"cron_id": "([^"]*)"')   # of a line; quotes in what runs said are escaped there


@dataclass(frozen=True)
class RunFault:
    """What went wrong with one instance, or with the run as a whole (instance is empty).

    kind is the cause in a few words, as in the subject of the mail: "disk full on the manager", "ssh refused".
    """

    instance: str
    kind: str
    message: str
    details: str = ""
    log: str = ""


@dataclass(frozen=True)
class Part:
    """How one instance of several fared: "ok", or the outcome that its fault gives; seconds it took."""

    instance: str
    outcome: str
    seconds: float


@dataclass(frozen=True)
class Run:
    """One run of one verb. Moments are seconds since 1970; line is the make call, without secrets; log a path.

    parent is the run that this one is a part of (INSTANCE=all JOBS=8), which tells of it.
    """

    id: str
    verb: str
    instances: tuple[str, ...] = ()
    line: str = ""
    unattended: bool = False
    cron_id: str = ""
    started: float = 0
    ended: float | None = None
    exit_code: int | None = None
    outcome: str = RUNNING
    faults: tuple[RunFault, ...] = ()
    log: str = ""
    parent: str = ""
    parts: tuple[Part, ...] = ()
    mail_to: tuple[str, ...] = ()

    @property
    def seconds(self) -> float | None:
        """Return how long it took; None while it runs and when it was killed."""
        return None if self.ended is None or self.outcome == KILLED else self.ended - self.started

    def is_ahead(self, now: float) -> bool:
        """Whether its moment is still to come: a clock was wrong then, and nobody knows when it was."""
        return self.started > now + STEP

    def outcome_of(self, instance: str) -> str:
        """Return how one of its instances fared: the run's own outcome, unless it went on to others."""
        return next((part.outcome for part in self.parts if part.instance == instance), self.outcome)


def folder(settings: Settings) -> Path:
    return settings.state / "runs"


def new_id() -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


# Writing

def begin(settings: Settings, run: Run) -> None:
    """Put a run on record; once more when more is known of it."""
    path = _marker(settings, run.id)
    MANAGER.make_folder(str(path.parent), 0o700)
    # On the disk before it counts: a machine that goes down would leave an empty one, and the run would be forgotten.
    marker = {"run": asdict(run), "process": process_mark.of(os.getpid())}
    MANAGER.write(str(path), json.dumps(marker).encode(), 0o600)


def end(settings: Settings, run: Run) -> None:
    """Put the end of a run on record."""
    MANAGER.make_folder(str(folder(settings)), 0o700)
    month, marker = folder(settings) / f"{time.strftime('%Y-%m')}.jsonl", _marker(settings, run.id)
    try:
        _append(month, run)
    except OSError:
        # On a full disk the room of the one may do for the other. What was told must not be told by every later run.
        marker.unlink(missing_ok=True)
        _append(month, run)
    marker.unlink(missing_ok=True)


def close_killed(settings: Settings, tell: Callable[[Run], None]) -> None:
    """Give each run that was killed to `tell`, and put its end on record after that; one process at a time does so.

    One that was killed only while it told of its end is given with that end.

    A run that is killed while it tells leaves the others to the next one: rather told twice than never.
    """
    if not _markers(settings):
        return
    failed = None
    with suppress(BlockingIOError), alone(settings, "killed", waits=False):     # else another run is at it
        for path, run in _markers(settings):
            if is_alive(path):
                continue
            # One that has an end was killed while it told of that.
            killed = replace(run, outcome=KILLED, ended=time.time()) if run.ended is None else run
            try:
                tell(killed)
            except Exception as error:  # noqa: BLE001 - it stays for the next run, and keeps no other one back
                failed = error
            else:
                end(settings, killed)
    if failed:
        raise failed


@contextmanager
def alone(settings: Settings, what: str, waits: bool = True) -> Iterator[None]:
    """Let one process at a time into the block; others wait, or get BlockingIOError."""
    MANAGER.make_folder(str(folder(settings)), 0o700)
    descriptor = os.open(folder(settings) / f"{what}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def drop_old(settings: Settings) -> list[Path]:
    """Return the files of months that nobody needs any more."""
    oldest = time.strftime("%Y-%m", time.localtime(time.time() - KEPT_DAYS * DAY))
    return [path for path in _months(settings) if path.stem < oldest]


# Reading

def of(settings: Settings, instance: str = "", verb: str = "", cron_id: str = "", parent: str = "",
       limit: int | None = None, since: float = 0) -> list[Run]:
    """Return runs, newest first: of an instance, a verb, a crontab line, or all. Parts of a run only by parent.

    since leaves out those that started before.
    """
    found: list[Run] = []
    mark = instance or verb or cron_id or parent
    for run in _all(settings, lambda line: mark in line, since):
        if run.started < since:
            continue    # one that took long stands before shorter ones
        if run.parent == parent and (not instance or instance in run.instances) and verb in ("", run.verb) \
                and cron_id in ("", run.cron_id):
            found.append(run)
            if len(found) == limit:
                break
    return found


def last(settings: Settings, instance: str = "", verb: str = "", cron_id: str = "") -> Run | None:
    """Return the newest run of an instance, a verb, a crontab line; None when there is none on record."""
    return next(iter(of(settings, instance, verb, cron_id, limit=1)), None)


def last_of_lines(settings: Settings, cron_ids: set[str]) -> dict[str, Run]:
    """Return the newest run of each of these crontab lines; the record is read once, as far back as need be."""
    missing, found = cron_ids - {""}, {}

    def is_wanted(line: str) -> bool:
        told = CRON_ID.search(line)
        return told is not None and told[1] in missing

    for run in _all(settings, is_wanted):
        if run.cron_id in missing and not run.parent:
            found[run.cron_id] = run
            missing.discard(run.cron_id)
        if not missing:
            break
    return found


def _all(settings: Settings, is_wanted: Callable[[str], object], since: float = 0) -> Iterator[Run]:
    """Yield the runs that go on, and those whose lines are wanted; newest first, none of months before since.

    Those of a time to come are last: they would hide all that came after them until that time.
    """
    now, ahead = time.time(), []
    for found in _each_month(settings, is_wanted, since):
        ahead += [run for run in found if run.is_ahead(now)]
        yield from sorted((run for run in found if not run.is_ahead(now)), key=lambda run: run.started, reverse=True)
    yield from sorted(ahead, key=lambda run: run.started, reverse=True)


def _each_month(settings: Settings, is_wanted: Callable[[str], object], since: float) -> Iterator[list[Run]]:
    """Yield the runs that go on, then the wanted ones of each month, the newest month first."""
    yield [run for _, run in _markers(settings)]
    oldest = time.strftime("%Y-%m", time.localtime(since))
    for path in reversed([path for path in _months(settings) if path.stem >= oldest]):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        yield [run for line in lines if is_wanted(line) and (run := _read(line))]


def _read(line: str) -> Run | None:
    """Return a run from its text; None for a line that a full disk or a crash left cut off."""
    try:
        return _made(json.loads(line))
    except (ValueError, TypeError):
        return None


def _made(values: dict) -> Run:
    values["faults"] = tuple(RunFault(**fault) for fault in values["faults"])
    values["parts"] = tuple(Part(**part) for part in values["parts"])
    return Run(**values | {"instances": tuple(values["instances"]), "mail_to": tuple(values["mail_to"])})


def _months(settings: Settings) -> list[Path]:
    return sorted(folder(settings).glob("????-??.jsonl"))


# Runs that go on

def is_alive(path: Path) -> bool:
    """Whether the process of a run's file in now/ is there, and is that one still."""
    try:
        process = json.loads(path.read_text())["process"]
    except FileNotFoundError:
        return True     # it has just ended
    # Looked for again: one that ends well takes its file away before its process goes.
    return process == process_mark.of(process["pid"]) or not path.exists()


def machine_went_down(settings: Settings, run: Run) -> bool:
    """Whether the machine was started anew since a killed run began."""
    try:
        process = json.loads(_marker(settings, run.id).read_text())["process"]
    except (OSError, ValueError, KeyError):
        return False
    return process["boot"] != process_mark.boot()


def _markers(settings: Settings) -> list[tuple[Path, Run]]:
    found = []
    for path in sorted((folder(settings) / "now").glob("*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError):  # one that has just ended
            found.append((path, _made(json.loads(path.read_text())["run"])))
    return found


def _marker(settings: Settings, run_id: str) -> Path:
    return folder(settings) / "now" / f"{run_id}.json"


def _append(path: Path, run: Run) -> None:
    """Add a line in one write; a line that an earlier run could not finish is ended first."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        gap = b"\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else b""
        line = json.dumps(asdict(run)).encode("utf-8", "backslashreplace")
        whole = gap + line + b"\n"
        if os.write(descriptor, whole) < len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)
