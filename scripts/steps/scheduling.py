"""The jobs of this toolkit, lines of the crontab and systemd timers alike: read, put in place, taken away.

What is not ours is not touched: other lines stay byte for byte, and lines of ours that a person made another job of.
What `make cron` wrote, and when, is noted in var/crons/ID.json, so that a job which never ran, or is gone, is noticed.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from scripts.errors import CommandError, HostError, RefusedError, UsageError
from scripts.hosts import crontab, process, systemd
from scripts.hosts.local import MANAGER
from scripts.registry import locks
from scripts.registry.env_file import nearest
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
from scripts.schedule import lines, rules, units
from scripts.schedule.lines import CRONTAB, Job

LOCK = Lock(".crontab", exclusive=True)  # no instance's name begins with a dot
NOT_ALLOWED = "not allowed to use this program"     # what crontab says to who is in cron.deny
DAEMONS = ("cron", "crond", "anacron", "fcron", "bcron-sched", "busybox")


def jobs(settings: Settings) -> list[Job]:
    """Return all jobs of this toolkit; raise CommandError when the crontab may not be read."""
    return [*_of_text(settings, _read()), *timers(settings)]


def timers(settings: Settings) -> list[Job]:
    """Return the jobs that are systemd timers."""
    found = []
    for path in sorted(systemd.folder().glob(f"{units.PREFIX}*.timer")):
        service = path.with_suffix(".service")
        if service.exists():
            job = units.read(path.stem, path.read_text(errors="replace"), service.read_text(errors="replace"),
                             str(settings.top))
            found += [job] if job else []
    return found


def gone(settings: Settings) -> list[tuple[Job, str]]:
    """Return the lines of toolkits in folders where none is, each with its folder."""
    found = lines.elsewhere(_read(), str(settings.top), rules.of(settings.top))
    return [(job, folder) for job, folder in found if not (Path(folder) / "Makefile").exists()]


def lost(settings: Settings) -> dict[str, str]:
    """Return by its id what make cron wrote and is neither in the crontab nor a timer any more."""
    there = {one.id for one in jobs(settings)}
    noted = {path.stem: _noted(path) for path in sorted(_notes(settings).glob("*.json"))}
    return {job_id: note.get("text", "") for job_id, note in noted.items() if job_id not in there}


def forget(settings: Settings, text: str) -> None:
    """Let lines be gone that another verb took out of the crontab on purpose."""
    for one in _of_text(settings, text):
        MANAGER.remove(str(_note_path(settings, one.id)))


def log_of(settings: Settings) -> Path:
    """Return where lines append what their runs say."""
    return settings.state / "logs" / "cron.log"


def is_same(one: Job, other: Job) -> bool:
    """Whether two jobs of one id are the same call, whatever its time and its other words."""
    return (one.id, one.verb, one.instances) == (other.id, other.verb, other.instances)


def put_line(settings: Settings, job: Job) -> list[Job]:
    """Write a line into the crontab in place of the same job's, wherever that was; return what it replaced."""
    if not shutil.which("crontab"):
        raise HostError(f"{job.id}: there is no program crontab here. Next: make setup, or SYSTEMD=1 for a timer")
    with locks.hold(settings, [LOCK], "cron"):
        text = _read(is_written=True)
        old = [one for one in _single(settings, text) if is_same(one, job)]
        MANAGER.make_folder(str(log_of(settings).parent), 0o700)
        _write(text, _replaced(text, old, job.text))
        old += remove_timers(settings, lambda one: is_same(one, job))
        _note(settings, job)
    return old


def put_timer(settings: Settings, job: Job, texts: tuple[str, str]) -> list[Job]:
    """Write a timer and its service and let it run; return what it replaced. What cannot run is taken back."""
    systemd.require()
    folder, unit = systemd.folder(), units.name(job.id)
    own = next((one for one in timers(settings) if one.id == job.id), None)
    if own is None and (folder / f"{unit}.timer").exists():
        raise RefusedError(f"{job.id}: {folder / unit}.timer is there and is not this toolkit's. Nothing was changed. "
                           "Give another ID=")
    with locks.hold(settings, [LOCK], "cron"):
        text, before = _read(), [(folder / name).read_text() for name in _units(unit)] if own else []
        MANAGER.make_folder(str(log_of(settings).parent), 0o700)
        MANAGER.make_folder(str(folder))
        _write_units(unit, texts)
        try:
            systemd.reload()
            systemd.enable(f"{unit}.timer")
        except CommandError as fault:
            _write_units(unit, before) if before else _remove_units(unit)
            raise HostError(f"{job.id}: systemd does not take the timer, and it was taken back: {fault}") from fault
        old = [one for one in _single(settings, text) if is_same(one, job)]
        if old:
            _write(text, _replaced(text, old, None))
        _note(settings, job)
    return [*([own] if own else []), *old]


def remove(settings: Settings, job_id: str) -> list[Job]:
    """Take a job away and return what it was, nothing where it was gone already.

    Raises RefusedError when several different ones bear the id.
    """
    with locks.hold(settings, [LOCK], "cron-remove"):
        text = _read()
        known = [*_of_text(settings, text), *timers(settings)]
        found = [one for one in known if one.id == job_id]
        if not found and job_id in lost(settings):
            MANAGER.remove(str(_note_path(settings, job_id)))
            return []
        if not found:
            ids = sorted({one.id for one in known if one.id})
            raise UsageError(f"ID={job_id}: no line or timer of this toolkit bears it{nearest(job_id, ids)}; known: "
                             f"{', '.join(ids) or 'none'}. Lines that bear none: crontab -e")
        single = _single(settings, text)
        if any(one.place == CRONTAB and one not in single for one in found) \
                or any(not is_same(one, found[0]) for one in found):
            raise RefusedError(f"ID={job_id}: {len(found)} different jobs bear it, or its line does more than that: "
                               "which one is meant? Nothing was changed. Give the copy a CRON= of its own, or take the "
                               f"line out: crontab -e. They are: {' | '.join(one.text.strip() for one in found)}")
        if old := [one for one in found if one.place == CRONTAB]:
            _write(text, _replaced(text, old, None))
        remove_timers(settings, lambda one: one.id == job_id)
        MANAGER.remove(str(_note_path(settings, job_id)))
    return found


def written(settings: Settings, job_id: str) -> datetime | None:
    """Return when make cron wrote a job last; None for what a person wrote."""
    note = _noted(_note_path(settings, job_id))
    return datetime.fromisoformat(note["written"]) if "written" in note else None


def cron_runs() -> bool:
    """Whether a daemon runs on this machine that would run the crontab's lines."""
    return any(one.info["name"] in DAEMONS for one in psutil.process_iter(["name"]))


# The crontab

def _read(is_written: bool = False) -> str:
    """Return the crontab; nothing for an account that may have none, unless it is to be written."""
    try:
        return crontab.read()
    except CommandError as error:
        if NOT_ALLOWED in error.stderr and not is_written:
            return ""
        raise CommandError(f"the crontab cannot be read, and so nothing was written: {error}. Next: crontab -l",
                           code=error.code, stderr=error.stderr) from error


def _of_text(settings: Settings, text: str) -> list[Job]:
    return lines.jobs(text, str(settings.top), rules.of(settings.top))


def _single(settings: Settings, text: str) -> list[Job]:
    """Return the jobs whose line does nothing else."""
    return [one for one in _of_text(settings, text)
            if len(list(lines.commands(one.text, lines.starts_at(one.text)))) == 1]


def _replaced(text: str, old: Iterable[Job], line: str | None) -> str:
    """Return a crontab with one line in place of the first of some, without the others; None: without all of them."""
    kept, numbers = [], [one.number for one in old]
    for number, one in enumerate(text.split("\n"), 1):
        if number in numbers:
            if line is not None and number == numbers[0]:
                kept.append(line)
        else:
            kept.append(one)
    whole = "\n".join(kept)
    if line is None or numbers:
        return whole
    return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"


def _write(before: str, after: str) -> None:
    """Put the crontab in place unless somebody else has changed it since it was read."""
    if crontab.read() != before:
        raise CommandError("the crontab was changed by somebody else just now. Nothing was written. Next: try again")
    if after != before:
        crontab.write(after)


# Timers

def remove_timers(settings: Settings, is_meant: Callable[[Job], bool]) -> list[Job]:
    """Take those timers away that is_meant tells; return them."""
    meant = [one for one in timers(settings) if is_meant(one)]
    for one in meant:
        systemd.disable(one.text)
        _remove_units(one.text.removesuffix(".timer"))
    if meant:
        systemd.reload()
    return meant


def _units(unit: str) -> tuple[str, str]:
    return f"{unit}.service", f"{unit}.timer"


def _write_units(unit: str, texts: Sequence[str]) -> None:
    for name, text in zip(_units(unit), texts):
        MANAGER.write(str(systemd.folder() / name), text.encode(), 0o644)


def _remove_units(unit: str) -> None:
    MANAGER.remove(*(str(systemd.folder() / name) for name in _units(unit)))


# Notes

def _note(settings: Settings, job: Job) -> None:
    if process.conduct.dry_run:
        return
    text = json.dumps({"written": datetime.now(UTC).isoformat(timespec="seconds"), "text": job.text})
    MANAGER.make_folder(str(_notes(settings)), 0o700)
    MANAGER.write(str(_note_path(settings, job.id)), text.encode("utf-8", "surrogateescape"), 0o600)


def _noted(path: Path) -> dict[str, str]:
    """Return a note; nothing when there is none, or it cannot be read."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _note_path(settings: Settings, job_id: str) -> Path:
    return _notes(settings) / f"{job_id}.json"


def _notes(settings: Settings) -> Path:
    return settings.state / "crons"
