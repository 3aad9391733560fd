"""What nobody would hear of: a backup that was not made, a line that did not run, runs that gave up. Records tell.

Each alarm is critical (something is missing, or is broken now) or a warning.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from scripts.errors import Fault
from scripts.health import archives, copies, mends
from scripts.health.finding import MANAGER, Checked, Wrong, checked, told
from scripts.present import output
from scripts.registry import registry, runs
from scripts.registry.runs import Run
from scripts.registry.settings import Settings
from scripts.schedule import times
from scripts.schedule.lines import Job
from scripts.steps import scheduling
from scripts.steps.standing import Standing

CRITICAL, WARNING = "critical", "warning"
LEAST_PART = 0.9            # of the average size; TRIM's own rule
AVERAGE_OF = 7              # backups before the last one: a week of nights
LEAST_ROW = 2               # fewer make no average
LATE = timedelta(minutes=15)    # from a line's moment until its run is on record
BUSY_RUNS, OF_RUNS = 3, 7       # so many of the last ones found their instance busy
RECENT = timedelta(days=14)     # what failed before that and was not tried again is over
CERTIFICATE_SOON, CERTIFICATE_NOW = 21, 3   # days; those that renew themselves do it a month before
DISK_LOW, DISK_FULL = 0.10, 0.05


class Alarm(NamedTuple):
    """One thing that wants attention: how much, of what, in a sentence, and the command that helps."""

    level: str
    check: str
    problem: str
    next: str


def of_instance(standing: Standing) -> list[Alarm]:
    """Return what is wrong with one instance, worst first."""
    if standing.instance is None:
        return [Alarm(CRITICAL, "env file", standing.problem, "make doctor")]
    found = [*_backup(standing), *_size(standing), *_mirror(standing), *_runs(standing), *_check(standing),
             *_disk(standing), *_certificate(standing)]
    return sorted(found, key=lambda alarm: alarm.level)     # critical comes before warning


def of_jobs(settings: Settings) -> list[Alarm]:
    """Return what is wrong with the lines of the crontab and the timers of this toolkit."""
    mend = mends.make(settings, "crons")
    try:
        jobs, gone, lost = scheduling.jobs(settings), scheduling.gone(settings), scheduling.lost(settings)
    except Fault as fault:
        return [Alarm(WARNING, "cron", told(fault), "crontab -l")]
    found = [Alarm(WARNING, "cron", f"{folder} is not there, and a line runs its make {job.verb}: {_shown(job)}",
                   "crontab -e") for job, folder in gone]
    found += [Alarm(WARNING, "cron", f"{job_id}: make cron wrote it, and it is gone: {text}. If that is meant",
                    mends.make(settings, "cron-remove", ID=job_id)) for job_id, text in lost.items()]
    last = runs.last_of_lines(settings, {one.id for one in jobs})
    found += [Alarm(CRITICAL, "cron", f"{one.id}: {problem}", mend)
              for one in jobs if one.id for problem in _not_done(settings, one, last.get(one.id))]
    return found + [Alarm(WARNING, "cron", f"{one.id or _shown(one)}: {problem}", "crontab -e")
                    for one in jobs if (problem := _selects_nothing(settings, one))]


def _not_done(settings: Settings, job: Job, last: Run | None) -> Iterator[str]:
    """Tell what a line did not do: run when it was due, or come to its end; a site's faults are told of the site."""
    if problem := of_job(job, last, scheduling.written(settings, job.id)):
        yield problem
    if last and not last.instances and last.outcome in (runs.FAULT, runs.KILLED) \
            and not any(run.outcome == runs.OK and not run.is_ahead(time.time())
                        for run in runs.of(settings, verb=last.verb, since=last.started)):
        yield f"make {last.verb} failed: {_why(last, '')}"


def of_job(job: Job, last: Run | None, written: datetime | None, now: datetime | None = None) -> str:
    """Return in words that a line did not run when it was due; nothing when it did.

    Where nobody knows since when it stands, nothing is told either. A moment that is still to come was noted by a clock
    that was wrong, and stands for no run that was due since.
    """
    now = now or datetime.now(UTC)
    due = times.previous(job.at, now - LATE)
    began = datetime.fromtimestamp(last.started, UTC) if last else None
    is_ahead = last is not None and last.is_ahead(now.timestamp())
    known = [moment for moment in (written, began) if moment]
    past = [moment for moment in known if moment <= now + timedelta(seconds=runs.STEP)]
    if due is None or not known or (past and max(past) >= due - timedelta(minutes=1)):
        return ""
    ran = f"ran last at {output.local(began)[:16]}{': a clock was wrong' if is_ahead else ''}" if began else "never ran"
    return f"cron line did not run: it was due at {output.local(due)[:16]}, and {ran}"


def checks(settings: Settings) -> Checked:
    """Return what doctor tells of lines and timers."""
    return checked(MANAGER, "cron", [Wrong(one.problem, one.next) for one in of_jobs(settings)])


# One instance

def _backup(standing: Standing) -> Iterator[Alarm]:
    if not archives.are_owed(standing.instance):
        return
    backups = list(standing.backups)
    for wrong in archives.age(standing.instance, backups):
        yield Alarm(CRITICAL, "backup", *wrong)
    for wrong in archives.proof(standing.instance, backups):
        failed = bool(standing.tried and standing.tried.record.not_proven)
        yield Alarm(CRITICAL if failed else WARNING, "proof", *wrong)


def _size(standing: Standing) -> Iterator[Alarm]:
    last = standing.last
    if last is None or not (row := _sizes_before(standing.backups)):
        return
    average = sum(row) / len(row)
    if last.size_bytes < LEAST_PART * average:
        yield Alarm(WARNING, "size", f"size under {LEAST_PART:.0%} of the average: {last.path.name} has "
                    f"{output.size(last.size_bytes)}, the {len(row)} before it had {output.size(round(average))} each",
                    mends.make(standing.instance.settings, "compare", A=standing.name, B=f"{standing.name}@2"))


def _sizes_before(backups: Sequence) -> list[int]:
    """Return the sizes of the backups before the last one that are packed in the same way; none when they are few."""
    row = [one.size_bytes for one in backups[1:AVERAGE_OF + 1] if one.packed == backups[0].packed]
    return row if len(row) >= LEAST_ROW else []


def _mirror(standing: Standing) -> Iterator[Alarm]:
    for problem, mend in copies.late(standing.instance, standing.copy):
        yield Alarm(WARNING, "mirror", f"mirror drifts: {problem}", mend)


def _runs(standing: Standing) -> Iterator[Alarm]:
    """Look at the last runs of each verb that nobody watched; one that a person repeated with success is over."""
    oldest = (datetime.now(UTC) - RECENT).timestamp()
    by_verb: dict[str, list[Run]] = {}
    for run in standing.runs:
        counts = run.unattended or run.outcome_of(standing.name) == runs.OK
        if counts and run.outcome != runs.RUNNING and run.started >= oldest:
            by_verb.setdefault(run.verb, []).append(run)
    for verb, row in by_verb.items():
        outcomes = [one.outcome_of(standing.name) for one in row[:OF_RUNS]]
        busy = outcomes.count(runs.BUSY)
        log = mends.make(standing.instance.settings, "logs", INSTANCE=standing.name, VERB=verb, LAST="1")
        if outcomes[0] in (runs.FAULT, runs.KILLED):
            yield Alarm(CRITICAL, "run", f"make {verb} failed: {_why(row[0], standing.name)}", log)
        elif busy >= BUSY_RUNS:
            yield Alarm(WARNING, "run", f"make {verb} was skipped too often: {busy} of its last {len(outcomes)} runs "
                        "found the site busy", log)


def _why(run: Run, name: str) -> str:
    if run.outcome == runs.KILLED:
        return "the run was killed"
    fault = next((one for one in run.faults if one.instance in (name, "")), None)
    return f"{fault.kind}: {fault.message.partition('. Next: ')[0]}" if fault else "see its log"


def _check(standing: Standing) -> Iterator[Alarm]:
    seen, mend = standing.check, mends.make(standing.instance.settings, "check", INSTANCE=standing.name)
    if seen and seen.problem:
        yield Alarm(CRITICAL, "check", f"the last check did not come to its end: {seen.problem}", mend)
    elif seen and seen.findings:
        things = "thing" if seen.findings == 1 else "things"
        yield Alarm(CRITICAL, "check", f"the last check found {seen.findings} {things}", mend)


def _disk(standing: Standing) -> Iterator[Alarm]:
    part = standing.disk_free_part
    if standing.look and standing.look.problem:
        yield Alarm(WARNING, "host", standing.look.problem,
                    mends.make(standing.instance.settings, "doctor", INSTANCE=standing.name))
    elif part is not None and part < DISK_LOW:
        yield Alarm(CRITICAL if part < DISK_FULL else WARNING, "disk",
                    f"{output.size(standing.look.disk_free_bytes)} of its disk are free, {part:.0%}",
                    mends.at_host(standing.instance, "df -h"))


def _certificate(standing: Standing) -> Iterator[Alarm]:
    days, look = standing.certificate_days, standing.look
    mend = mends.make(standing.instance.settings, "doctor", INSTANCE=standing.name)
    if look and look.certificate_problem:
        yield Alarm(CRITICAL, "certificate", f"browsers refuse its certificate: {look.certificate_problem}", mend)
    elif days is not None and days < CERTIFICATE_SOON:
        yield Alarm(CRITICAL if days < CERTIFICATE_NOW else WARNING, "certificate",
                    f"its certificate ends in {days} day{'' if days == 1 else 's'}", mend)


# Lines

def _shown(job: Job) -> str:
    """Return what tells a person's line from others; never all: this is mailed, and may hold a password."""
    return f"{job.at} make {job.verb} {job.instances}".rstrip()


def _selects_nothing(settings: Settings, job: Job) -> str:
    """Return in words that a line is about instances that are gone."""
    for name in ("INSTANCE", "TO", "FROM"):
        if job.given.get(name) and not job.given[name].startswith("/"):
            try:
                registry.select(settings, job.given[name])
            except Fault as fault:
                return str(fault).replace("INSTANCE=", f"{name}=", 1)
    return ""
