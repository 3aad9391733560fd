"""make cron: lets a verb run by itself, by a line of the crontab or a systemd timer.

The line is a plain call of make. All that can be wrong with it is said now: at night nobody would read it.
"""

import hashlib
import re
import shlex
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.errors import Fault, RefusedError, UsageError
from scripts.hosts import process, systemd
from scripts.present import output, prompts
from scripts.registry import registry
from scripts.registry.env_file import nearest
from scripts.registry.settings import Settings
from scripts.schedule import rules, times, units, wording
from scripts.schedule.lines import SYSTEMD, Job
from scripts.schedule.rules import Rule
from scripts.steps import scheduling

LONGEST_ID = 64
ID = rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST_ID - 1}}}"
USUAL_TIME = "30 2 * * *"
SELECTING = ("INSTANCE", "TO")      # variables that say whom it is about
# What makes an id besides the verb, the first that is given.
NAMING = ("INSTANCE", "TO", "FROM", "ID", "WHAT", "VERSION", "NAME")
BY_CRON = ("UNATTENDED", "CRON", "DRY")
ASKS_FOR_NAME = ("clone", "mirror", "refresh", "reinstall", "restore", "update", "cloneandupdate", "cloneandupgrade")
NOT_ALONE = {"access": "it opens a shell", "edit": "it opens an editor", "copysshkey": "it asks for a password",
             "completion": "it shows a line for a shell", "show-gate": "sshd runs it", "cron": "it makes lines itself",
             "crons": "it shows a table", "cron-remove": "it is said once", "instance": "it is said once",
             "blank": "it is said once", "takeover": "a person decides that", "delete": "a person decides that"}


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for, as it was typed."""

    verb: str = ""
    instance: str = ""
    at: str = ""
    args: str = ""
    id: str = ""
    by_systemd: bool = False


def cron(settings: Settings, wishes: Wishes) -> dict[str, object]:
    """Put a job in place and return what is to be told of it."""
    known = rules.of(settings.top)
    rule = _rule(known, wishes.verb or _asked_verb())
    _refuse(rule, wishes)
    given = _given(settings, rule, wishes)
    at = times.check(wishes.at or _asked_at())
    job = _job(settings, rule, given, at, wishes)
    replaced = _put(settings, job) if wishes.by_systemd else scheduling.put_line(settings, job)
    _warn(settings, job)
    following = times.following(at, datetime.now(UTC))
    would = "would be: " if process.conduct.dry_run else ""
    output.say(f"{would}{job.id}: {'in place of the one before, ' if replaced else ''}"
               + (f"next at {output.local(following)[:16]}" if following else "when this machine starts")
               + f": {job.text}")
    return {"id": job.id, "at": at, "verb": job.verb, "given": given, "line": job.text, "place": job.place,
            "next": following.isoformat() if following else "", "replaced": [one.text for one in replaced]}


# What is meant

def _asked_verb() -> str:
    if not prompts.can_ask():
        raise UsageError("VERB= is missing: what shall run by itself? As in VERB=backup INSTANCE=all AT='30 2 * * *'")
    return prompts.ask("VERB (what shall run by itself)", "backup")


def _asked_at() -> str:
    if not prompts.can_ask():
        raise UsageError(f"AT= is missing: when? {times.EXAMPLE}")

    def is_moment(answer: str) -> None:
        times.check(answer)

    return prompts.ask("AT (minute hour day month weekday)", USUAL_TIME, is_moment)


def _rule(known: Mapping[str, Rule], verb: str) -> Rule:
    if verb not in known:
        raise UsageError(f"VERB={verb} is no verb{nearest(verb, known)}. They are in: make help")
    return known[verb]


def _refuse(rule: Rule, wishes: Wishes) -> None:
    """Raise RefusedError for what makes no sense each night."""
    if rule.verb == "upgrade":
        call = shlex.join(["make", "cron", "VERB=cloneandupgrade", f"AT={wishes.at or USUAL_TIME}",
                           f"ARGS=FROM={wishes.instance or 'NAME'} TO=COPY VERSION=27.x"])
        raise RefusedError("VERB=upgrade: after its first run the site has that version, and every later run would "
                           f"fail. To try the upgrade on a copy each night: {call}")
    if rule.verb in NOT_ALONE:
        raise RefusedError(f"VERB={rule.verb}: cannot run by itself: {NOT_ALONE[rule.verb]}")


def _given(settings: Settings, rule: Rule, wishes: Wishes) -> dict[str, str]:
    """Return the variables of the call; raise UsageError for one that the verb does not take."""
    given = {"INSTANCE": wishes.instance} if wishes.instance else {}
    for word in _words(wishes.args):
        name, is_given, value = word.partition("=")
        if not is_given or not name:
            raise UsageError(f"ARGS: expected NAME=value, with quotes around values that have blanks; found {word!r}")
        if name in given:
            raise UsageError(f"ARGS: {name}= stands there twice")
        given[name] = value
    takes = rule.variables | rule.common - set(BY_CRON)
    for name in given:
        if name in BY_CRON:
            raise UsageError(f"ARGS: {name}= is no matter of yours in a line that runs by itself")
        if name not in takes:
            raise UsageError(f"{name}= is not a variable of make {rule.verb}{nearest(name.upper(), takes)}. It takes: "
                             f"{', '.join(sorted(takes))}")
    for name in SELECTING:
        if rule.wants(name) and not given.get(name):
            raise UsageError(f"{name}= is missing: make {rule.verb} wants it, and at night nobody can be asked. "
                             f"{name}=all takes them all; {registry.known_names(settings)}")
        if given.get(name) and name in rule.variables:
            _require_known(settings, name, given[name])
    return given


def _require_known(settings: Settings, name: str, wanted: str) -> None:
    try:
        registry.select(settings, wanted)
    except UsageError as fault:
        raise UsageError(str(fault).replace("INSTANCE=", f"{name}=", 1)) from fault


def _words(args: str) -> list[str]:
    try:
        return shlex.split(args)
    except ValueError as error:
        raise UsageError(f"ARGS={args}: {str(error).lower()}: quotes must come in pairs") from error


def _job(settings: Settings, rule: Rule, given: dict[str, str], at: str, wishes: Wishes) -> Job:
    """Return the job with the line or the timer's name that it becomes."""
    job_id = wishes.id or _id(rule.verb, given)
    if not re.fullmatch(ID, job_id):
        raise UsageError(f"ID={job_id}: small letters, digits, dots, dashes and underscores, a letter or digit first, "
                         f"{LONGEST_ID} at most")
    if wishes.by_systemd:
        return Job(job_id, at, rule.verb, given, f"{units.name(job_id)}.timer", place=SYSTEMD)
    call = wording.call(str(settings.top), rule.verb, given, job_id)
    return Job(job_id, at, rule.verb, given, wording.line(job_id, at, call, str(scheduling.log_of(settings))))


def _id(verb: str, given: Mapping[str, str]) -> str:
    """Return a name for a job that is the same on the next call for the same, as backup-all or mirror-weekago."""
    about = next((given[name] for name in NAMING if given.get(name)), "")
    # No instance's name has a _, so that the lines of a,b and of a-b have two ids.
    made = "-".join(filter(None, (verb, re.sub(r"[^a-z0-9._-]+", "_", about.lower()))))
    if len(made) <= LONGEST_ID:
        return made
    return f"{made[:LONGEST_ID - 9]}-{hashlib.sha256(about.encode()).hexdigest()[:8]}"


# How it is put in place

def _put(settings: Settings, job: Job) -> list[Job]:
    call = wording.call(str(settings.top), job.verb, job.given, job.id)
    for word in call:
        wording.quoted(word)    # what no unit can hold either
    service = units.service(job, shutil.which("make") or "/usr/bin/make", call, str(scheduling.log_of(settings)),
                            _uses_sudo(settings))
    replaced = scheduling.put_timer(settings, job, (service, units.timer(job)))
    if not systemd.runs_without_login():
        output.warn(f"{job.id}: timers of this account run only while somebody is logged in. Next: loginctl "
                    "enable-linger")
    return replaced


def _uses_sudo(settings: Settings) -> bool:
    for name in registry.names(settings):
        try:
            instance = registry.load(settings, name)
        except Fault:
            return True
        if instance.run_as and instance.access == "local":
            return True
    return False


# What wants attention though it is done

def _warn(settings: Settings, job: Job) -> None:
    others = [one for one in scheduling.jobs(settings) if not scheduling.is_same(one, job)]
    for one in others:
        if (one.verb, one.instances, one.at) == (job.verb, job.instances, job.at) or one.id == job.id:
            output.warn(f"{job.id}: another line is like it, and stays: {one.text.strip()}")
    if guarded := _unconfirmed(settings, job):
        names = ",".join(guarded)
        output.warn(f"{job.id}: {names}: guarded (STAGE=production or PROTECTED=yes): make {job.verb} may refuse. If "
                    f"it is meant each time: ARGS='CONFIRM={names} ...'")
    if job.verb == "update" and (bare := _without_backup(settings, job, others)):
        output.warn(f"{job.id}: no line makes a backup of {', '.join(bare)} (an update makes one before it begins, and "
                    f"none in between). Next: make cron VERB=backup INSTANCE={','.join(bare)} AT='0 1 * * *'")
    if job.place != SYSTEMD and not process.conduct.dry_run and not scheduling.cron_runs():
        output.warn(f"{job.id}: no cron runs on this machine: nothing will start this line. Next: service cron start, "
                    "or SYSTEMD=1")


def _unconfirmed(settings: Settings, job: Job) -> list[str]:
    """Return the guarded instances that a job changes without their names in CONFIRM=."""
    if job.verb not in ASKS_FOR_NAME or job.given.get("CONFIRM") or not job.instances:
        return []
    guarded = []
    for name in registry.select(settings, job.instances):
        with suppress(Fault):   # an env file that cannot be read: make status and make doctor tell
            guarded += [name] if registry.load(settings, name).guarded else []
    return guarded


def _without_backup(settings: Settings, job: Job, others: list[Job]) -> list[str]:
    """Return the instances of an update that no job backs up."""
    backed: set[str] = set()
    for one in others:
        if one.verb == "backup":
            try:
                backed.update(registry.select(settings, one.instances))
            except Fault:
                continue    # a line of instances that are gone
    return [name for name in registry.select(settings, job.instances) if name not in backed]
