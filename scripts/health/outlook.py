"""How every instance stands and what is wrong with it, worst first: what status, the page and the digest tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from scripts.health import silence
from scripts.health.silence import CRITICAL, WARNING, Alarm
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import looking, standing
from scripts.steps.standing import Standing

WELL = "ok"
RANKS = {WELL: 0, WARNING: 1, CRITICAL: 2}
LINES = "manager"       # whom alarms about lines of the crontab are told of


@dataclass(frozen=True)
class Told:
    """How one instance stands, and what is wrong with it."""

    standing: Standing
    alarms: tuple[Alarm, ...]

    @property
    def name(self) -> str:
        return self.standing.name

    @property
    def state(self) -> str:
        return worst(self.alarms)


def of(settings: Settings, names: Sequence[str], asks_hosts: bool = False) -> list[Told]:
    """Return how these instances stand, what is wrong first; without asking a host unless that is wanted."""
    if asks_hosts:
        looking.look(one.instance for one in standing.of(settings, names) if one.instance)
    told = [Told(one, tuple(silence.of_instance(one))) for one in standing.of(settings, names)]
    return sorted(told, key=lambda one: (-RANKS[one.state], one.name))


def worst(alarms: Iterable[Alarm]) -> str:
    return max((alarm.level for alarm in alarms), key=RANKS.__getitem__, default=WELL)


def everything(told: Iterable[Told], of_lines: Iterable[Alarm]) -> list[tuple[str, Alarm]]:
    """Return all alarms with the instance they are about, the critical ones first."""
    found = [(one.name, alarm) for one in told for alarm in one.alarms]
    return sorted([*found, *((LINES, alarm) for alarm in of_lines)], key=lambda one: -RANKS[one[1].level])


def sentence(name: str, alarm: Alarm) -> str:
    return f"{alarm.level:8} {name}: {alarm.check}: {alarm.problem}. Next: {alarm.next}"


def count(number: int, what: str) -> str:
    """Return a number with its noun: 1 instance, 2 instances."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def row(told: Told) -> dict[str, object]:
    """Return what is told of one instance: texts for people, and figures for programs."""
    one, seen, last = told.standing, told.standing.look, told.standing.last
    free, days = one.disk_free_part, one.certificate_days
    return {
        "name": one.name, "state": told.state, "stage": one.instance.stage if one.instance else "",
        "backup": f"{output.age(last.moment)} ago" if last else "",
        "size": output.size(last.size_bytes) if last else "", "proof": _proof(one), "checked": _checked(one),
        "code": f"{one.version} ({one.newest} is out)" if one.newest else one.version,
        "disk": "" if free is None else f"{free:.0%} free",
        "certificate": "" if days is None else count(days, "day"),
        "version": one.version, "newest": one.newest, "problem": one.problem,
        "last_backup": _iso(last.moment) if last else "", "last_archive": last.path.name if last else "",
        "size_bytes": last.size_bytes if last else None, "seconds": standing.seconds(last) if last else None,
        "proven": _iso(one.proven), "check": _iso(one.check.moment) if one.check else "",
        "check_findings": one.check.findings if one.check else None,
        "disk_free_bytes": seen.disk_free_bytes if seen else None,
        "disk_size_bytes": seen.disk_size_bytes if seen else None,
        "certificate_ends": seen.certificate_ends if seen else "", "looked": seen.moment if seen else "",
        "alarms": [alarm._asdict() for alarm in told.alarms]}


def _proof(one: Standing) -> str:
    if one.tried and one.tried.record.not_proven:
        return "not proven"
    return f"{output.age(one.proven)} ago" if one.proven else ("never" if one.backups else "")


def _checked(one: Standing) -> str:
    if one.check is None:
        return ""
    result = "failed" if one.check.problem else f"{one.check.findings} found" if one.check.findings else "clean"
    return f"{result}, {output.age(one.check.moment)} ago"


def _iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
