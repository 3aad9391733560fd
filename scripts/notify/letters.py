"""Writes what people are told of a run: subject, message, end of the log, what to do next, facts of this machine."""

import os
import pwd
import re
import shlex
import time
from collections.abc import Iterable
from pathlib import Path

from scripts.notify import causes
from scripts.notify.message import Message, machine
from scripts.notify.told import News, Told
from scripts.registry import runs
from scripts.registry.run_log import PART
from scripts.registry.runs import Run, RunFault
from scripts.registry.settings import Settings

TAIL_LINES = 25         # of a log; shows the last commands and what they said
MOST_TAILS = 8          # a mail about fifty instances stays one that is read
NAMED = 4               # instances in a subject
LINE_LENGTH = 240       # characters of a log's line


def failure(settings: Settings, run: Run, news: News) -> Message:
    """Return what to tell of a run that failed."""
    parts = [
        f"{run.line}\non {machine()}, in {settings.top}: {_ending(run)}.",
        _section("What went wrong", _faults(run.faults)),
        _section("What to do next", _next(settings, run)),
        _section("All instances", table(run)),
        _section("Works again", [f"{_who(one)}: {one.kind} since {_moment(one.since)}" for one in news.recovered]),
        *_tails(run),
        _section("This machine", facts(settings)),
        _closing(settings, run),
    ]
    return Message(f"TRIM {machine()}: {headline(run)}", "\n\n".join(filter(None, parts)) + "\n")


def recovery(settings: Settings, run: Run, recovered: list[Told]) -> Message:
    """Return what to tell of a run that shows that something works again."""
    names = ", ".join(dict.fromkeys(one.instance for one in recovered if one.instance))
    lines = [f"{_who(one)}: failed since {_moment(one.since)}, {one.runs} run{'s' if one.runs > 1 else ''}: {one.kind}"
             for one in recovered]
    body = [f"{run.line}\non {machine()}, in {settings.top}: works again.", _section("What it was", lines),
            _closing(settings, run)]
    return Message(f"TRIM {machine()}: {run.verb} {names}".rstrip() + ": works again",
                   "\n\n".join(filter(None, body)) + "\n", follows=recovered[0].mail_id)


def headline(run: Run) -> str:
    """Return verb, instances and cause, in one line."""
    if len(run.parts) > 1:
        kinds: dict[str, str] = {}
        for fault in run.faults:
            kinds.setdefault(fault.instance, fault.kind)
        whole = f"{kinds.pop('')}; " if "" in kinds else ""
        named = [f"{name} ({kind})" for name, kind in kinds.items()]
        more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
        return (f"{run.verb}: {whole}{len(named)} of {len(run.parts)} instances"
                + (f": {', '.join(named[:NAMED])}{more}" if named else " failed before"))
    names = ", ".join(run.instances) if len(run.instances) <= NAMED else f"{len(run.instances)} instances"
    return f"{run.verb} {names}".rstrip() + f": {run.faults[0].kind}"


def table(run: Run) -> list[str]:
    """Return the table of a run over several instances, in their order; nothing for one."""
    if len(run.parts) < 2:
        return []
    from tabulate import tabulate
    kinds = {fault.instance: fault.kind for fault in run.faults}
    rows = [[part.instance, part.outcome, f"{part.seconds:.1f} s", kinds.get(part.instance, "")] for part in run.parts]
    return tabulate(rows, headers=["instance", "result", "took", "cause"], tablefmt="simple",
                    disable_numparse=True).splitlines()


def tail(log: str, instance: str = "", most: int = TAIL_LINES) -> list[str]:
    """Return the end of a run's log; of one instance alone where the run went through several."""
    try:
        lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    starts = [place for place, line in enumerate(lines) if line.endswith(f" {PART}{instance}")] if instance else []
    if starts:
        following = (place for place in range(starts[-1] + 1, len(lines)) if lines[place][9:].startswith(PART))
        lines = lines[starts[-1]:next(following, len(lines))]
    return [line if len(line) <= LINE_LENGTH else f"{line[:LINE_LENGTH]}..." for line in lines[-most:]]


def facts(settings: Settings) -> list[str]:
    """Return what is known of the manager: its disks, memory and load."""
    import psutil
    places = {"ARCHIVES_DIR": settings.archives, "WORK_DIR": settings.work, "STATE_DIR": settings.state}
    memory, load = psutil.virtual_memory(), os.getloadavg()
    return [*(_disk(key, path) for key, path in places.items()),
            f"memory: {_size(memory.available)} of {_size(memory.total)} free; load: {load[0]:.1f} {load[1]:.1f} "
            f"{load[2]:.1f} on {os.cpu_count()} processors",
            f"up since {_moment(psutil.boot_time())}; account: {_account()}"]


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:    # as in a container
        return str(os.geteuid())


def _disk(key: str, path: Path) -> str:
    try:
        found = os.statvfs(path)
    except OSError as error:
        return f"{key} {path}: {error.strerror}"
    free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    files = "" if not found.f_files or found.f_favail > found.f_files / 100 else ", and hardly a free inode"
    return f"{key} {path}: {_size(free)} of {_size(size)} free{files}"


def _size(count: int) -> str:
    import humanize
    return humanize.naturalsize(count)


def _ending(run: Run) -> str:
    if run.outcome == runs.KILLED:
        return f"was begun at {_moment(run.started)} and never came to its end"
    return f"ended with {run.outcome} (exit code {run.exit_code}) after {run.seconds or 0:.0f} s"


def _faults(faults: Iterable[RunFault]) -> list[str]:
    lines = []
    for fault in faults:
        lines += [f"{fault.instance}: {fault.kind}" if fault.instance else fault.kind,
                  *(f"  {line}" for line in (fault.message, *fault.details.splitlines()))]
    return lines


def _next(settings: Settings, run: Run) -> list[str]:
    make = f"make -C {shlex.quote(str(settings.top))}"
    one = next((fault.instance for fault in run.faults if fault.instance), "")
    first = {fault.kind: causes.advice(fault.kind, fault.instance or "...") for fault in reversed(run.faults)}
    lines = [re.sub(r"\bmake (?=[a-z])", f"{make} ", f"{kind}: {text}" if len(first) > 1 else text)
             for kind, text in first.items() if text]
    which = f" INSTANCE={one}" if one else ""
    return [*lines, f"What it did: {make} logs{which} VERB={run.verb} LAST=1",
            f"Once more: {re.sub('^make ', f'{make} ', run.line)}"]


def _tails(run: Run) -> list[str]:
    told = [(fault, tail(fault.log or run.log, fault.instance if len(run.parts) > 1 else ""))
            for fault in run.faults[:MOST_TAILS]]
    return [_section(f"End of the log {fault.log or run.log}", lines) for fault, lines in told]


def _closing(settings: Settings, run: Run) -> str:
    called = f", called by the crontab line {run.cron_id}" if run.cron_id else ""
    return (f"Begun {_moment(run.started)}, ended {_moment(run.ended)}{called}.\n"
            f"The same failure is told again after {settings.repeat_hours} hours, its end at once. Settings: "
            "conf/settings.env; docs/unattended.md")


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)]) if lines else ""


def _who(told: Told) -> str:
    return f"{told.verb} {told.instance}".rstrip()


def _moment(seconds: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else "-"
