"""A job as a user's systemd timer and service: their texts, and what a pair that is there says.

The service may do less than a shell of its account: what sites need (sudo for RUN_AS, setgid modes, PHP's compiler)
decides what is left out. Source: systemd.exec(5), systemd.timer(5) and systemd.time(7) of systemd 252.
"""

import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from scripts.schedule import times
from scripts.schedule.lines import GIVEN, SYSTEMD, Job, Word, is_ours, verb_of

PREFIX = "trim-"
SECTION = "X-Trim"          # systemd passes over sections that begin with X-
WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
HARDENING = ("LockPersonality=yes", "RestrictRealtime=yes", "RestrictNamespaces=yes", "SystemCallArchitectures=native",
             "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "KeyringMode=private")


def name(job_id: str) -> str:
    """Return the name of a job's units, without what follows the dot."""
    return f"{PREFIX}{job_id}"


def timer(job: Job) -> str:
    """Return the text of the timer that starts the service of the same name."""
    moments = [f"OnCalendar={moment}" for moment in calendar(job.at)] or ["OnStartupSec=1min"]
    return "\n".join([
        "[Unit]", f"Description=TRIM: make {job.verb} {_escaped(job.instances)}".rstrip(), "", "[Timer]", *moments,
        "AccuracySec=1s", "# What was missed while the machine was off is made up for.", "Persistent=yes", "",
        "[Install]", "WantedBy=timers.target", "", "# How make crons shows it; written with the lines above.",
        f"[{SECTION}]", f"At={job.at}", f"Moments={';'.join(moments)}", ""])


def service(job: Job, make: str, call: Sequence[str], log: str, uses_sudo: bool) -> str:
    """Return the text of the service; uses_sudo: some site is of another account, and sudo must work."""
    # Each of the others implies NoNewPrivileges in a user's service.
    limits = [] if uses_sudo else ["NoNewPrivileges=yes", *HARDENING]
    return "\n".join([
        "[Unit]", f"Description=TRIM: make {job.verb} {_escaped(job.instances)}".rstrip(), "", "[Service]",
        "Type=oneshot", f"ExecStart={' '.join(map(_quoted, [make, *call[1:]]))}",
        f"StandardOutput=append:{_escaped(log)}", f"StandardError=append:{_escaped(log)}", *limits, ""])


def read(unit: str, timer_text: str, service_text: str, top: str) -> Job | None:
    """Return the job of a timer and its service; None when they are not of the toolkit in top.

    at is what systemd does where somebody changed that.
    """
    start = re.search(r"^ExecStart=(.*)$", service_text, re.MULTILINE)
    if not start:
        return None
    words = [Word(shlex.quote(word), 0) for word in _split(start[1])]
    if not is_ours(words, "", top):
        return None
    given = dict(found.groups() for word in words if (found := GIVEN.fullmatch(word.plain)))
    moments = re.findall(r"^On\w+=.*$", timer_text, re.MULTILINE)
    noted = dict(re.findall(r"^(At|Moments)=(.*)$", timer_text, re.MULTILINE))
    at = noted.get("At", "") if ";".join(moments) == noted.get("Moments") else "; ".join(moments)
    return Job(given.pop("CRON", ""), at, verb_of(words), given, f"{unit}.timer", place=SYSTEMD)


def calendar(at: str) -> list[str]:
    """Return a moment of cron's as systemd writes it: two where day of the month or day of the week is enough."""
    from cronsim import CronSim
    if at == times.REBOOT:
        return []
    text = times.NAMED.get(at, at)
    parsed, fields = CronSim(text, datetime.now(UTC)), text.split()
    clock = f"{_numbers(parsed.hours, fields[1])}:{_numbers(parsed.minutes, fields[0])}:00"
    month, day = _numbers(parsed.months, fields[3]), _numbers(parsed.days, fields[2])
    weekdays = ",".join(WEEKDAYS[number] for number in sorted({number % 7 for number in parsed.weekdays}))
    on_weekday = f"{weekdays} " if fields[4] != "*" else ""
    if parsed.day_and:
        return [f"{on_weekday}*-{month}-{day} {clock}"]
    return [f"*-{month}-{day} {clock}", f"{on_weekday}*-{month}-* {clock}"]


def _numbers(numbers: set[int], field: str) -> str:
    return "*" if field == "*" else ",".join(f"{number:02}" for number in sorted(numbers))


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    """Return a word of ExecStart=: systemd expands % and $, and reads C's escapes in quotes."""
    text = _escaped(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return text if re.fullmatch(r"[\w@%+=:,./$-]+", text, re.ASCII) else f'"{text}"'


def _split(command: str) -> list[str]:
    """Return the words of an ExecStart= that _quoted wrote, or a person in its manner."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', command)
    words = [re.sub(r"\\(.)", r"\1", quoted) if quoted else plain for quoted, plain in found]
    return [word.replace("%%", "%").replace("$$", "$") for word in words]
