"""What the page of all sites and the page of each one show: the outlook in the order and words of a page."""

import os
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scripts.health import outlook
from scripts.health.outlook import RANKS, WELL, Told
from scripts.health.silence import CRITICAL, WARNING, Alarm
from scripts.hosts.local import MANAGER
from scripts.present import charts, output
from scripts.present.charts import Chart
from scripts.registry import runs
from scripts.registry.runs import Run
from scripts.registry.settings import Settings
from scripts.steps import standing
from scripts.store.archive import Archive

LOGIN = re.compile(r"(?<=://)[^/?#]*@")
MOST_BARS = 30          # backups in a chart: a month of nights
MOST_ROWS = 20          # archives and runs in a table
STATES = {runs.OK: WELL, runs.RUNNING: WELL, runs.FINDINGS: WARNING, runs.BUSY: WARNING, runs.FAULT: CRITICAL,
          runs.KILLED: CRITICAL}


@dataclass(frozen=True)
class Sheet:
    """One instance as pages show it."""

    name: str
    state: str
    page: str
    about: str
    url: str
    row: dict[str, object]
    disk: str
    found: list[tuple[str, Alarm]]
    facts: list[tuple[str, str]]
    no_backup: str
    sizes: list[int]
    durations: list[float]
    size_chart: Chart
    duration_chart: Chart
    archives: list[dict[str, object]]
    runs: list[dict[str, object]]


def sheet(told: Told) -> Sheet:
    """Return one instance's sheet."""
    one, row = told.standing, outlook.row(told)
    oldest_first = list(reversed(one.backups[:MOST_BARS]))
    sizes = [made.size_bytes for made in oldest_first]
    durations = [took for made in oldest_first if (took := standing.seconds(made)) is not None]
    return Sheet(one.name, told.state, page(one.name), _about(told), _address(told), row,
                 _disk(told), [(one.name, alarm) for alarm in told.alarms], _facts(told, row), _no_backup(told),
                 sizes, durations,
                 charts.bars(sizes, [f"{output.local(made.moment)[:16]}: {output.size(made.size_bytes)}"
                                     for made in oldest_first], _in_words("Size", sizes, output.size)),
                 charts.line(durations, _in_words("Duration", durations, output.duration)),
                 [_archive(made) for made in one.backups[:MOST_ROWS]],
                 [run_row(run, one.name) for run in one.runs[:MOST_ROWS]])


def page(name: str) -> str:
    """Return the file name of an instance's page; a name has no _, so that no page is another one's."""
    return f"{name}.html" if name != "index" else "index_.html"


def tiles(settings: Settings, told: Sequence[Told]) -> list[dict[str, str]]:
    """Return the figures at the head of the page."""
    late = timedelta(hours=settings.backup_hours)
    owing = [one.standing for one in told if one.standing.last or any(a.check == "backup" for a in one.alarms)]
    young = [one for one in owing if one.last and datetime.now(UTC) - one.last.moment <= late]
    proven = [one for one in owing if one.proven]
    total = sum(made.size_bytes for one in owing for made in one.backups)
    archives = str(settings.archives)
    free = f"{output.size(MANAGER.free_bytes(archives))}" if os.path.isdir(archives) else "-"
    return [{"name": "Sites", "value": str(len(told)), "more": ""},
            {"name": f"Backups under {settings.backup_hours} h", "value": str(len(young)), "more": f"of {len(owing)}"},
            {"name": "Proven to restore", "value": str(len(proven)), "more": f"of {len(owing)}"},
            {"name": "Archives", "value": output.size(total), "more": f"in {sum(len(one.backups) for one in owing)}"},
            {"name": "Free for archives", "value": free, "more": ""}]


def headline(told: Sequence[Told], found: Sequence[tuple[str, Alarm]]) -> str:
    """Return how all stands, in a few words. Nobody says that all is well where instances.d is lost."""
    if not found:
        return "All is well" if told else "No site is registered"
    return "1 thing wants attention" if len(found) == 1 else f"{len(found)} things want attention"


def summary(told: Sequence[Told]) -> str:
    """Return in a sentence how many sites are well."""
    wrong = sum(one.state != WELL for one in told)
    if not told:
        return "There is no site yet."
    if not wrong:
        return f"{outlook.count(len(told), 'site')}, and nothing is wrong with {'it' if len(told) == 1 else 'them'}."
    return f"{len(told) - wrong} of {outlook.count(len(told), 'site')} are well."


def run_row(run: Run, name: str = "") -> dict[str, object]:
    """Return a run as a table shows it; with a name, how that instance fared in it."""
    outcome = run.outcome_of(name) if name else run.outcome
    took = next((part.seconds for part in run.parts if part.instance == name), run.seconds)
    faults = [one for one in run.faults if not name or one.instance in (name, "")]
    others = "" if name else ", ".join(run.instances[:4]) + (f" and {len(run.instances) - 4} more"
                                                             if len(run.instances) > 4 else "")
    return {"moment": datetime.fromtimestamp(run.started, UTC), "verb": run.verb, "instances": others,
            "outcome": outcome, "state": STATES.get(outcome, WARNING), "seconds": took,
            "why": "; ".join(f"{one.instance}: {one.message}" if one.instance and not name else one.message
                             for one in faults[:3]),
            "by": run.cron_id or ("unattended" if run.unattended else "a person")}


def tree(rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Return the rows of make stages as nodes with children; without sites that have to do with no other."""
    rows = [row for row in rows if "parent" in row]     # without those whose env file cannot be read
    nodes = {row["name"]: {"name": row["name"], "page": page(str(row["name"])), "about": _relation(row), "children": [],
                           "problem": row.get("problem", "")} for row in rows}
    roots, depths = [], {}
    for row in rows:
        depth = (len(str(row["tree"])) - len(str(row["name"]))) // 3    # how present/tree.py draws it
        depths[depth] = nodes[row["name"]]
        (depths[depth - 1]["children"] if depth else roots).append(nodes[row["name"]])
    return [node for node in roots if node["children"] or node["problem"]]


def machine() -> str:
    return socket.gethostname()


def _relation(row: dict[str, object]) -> str:
    data = f"data of {row['data_of']}, {row['age']} old" if row.get("data_of") else ""
    return ", ".join(filter(None, map(str, (row.get("stage", ""), row.get("kind", ""), row.get("version", ""), data))))


def _about(told: Told) -> str:
    one = told.standing
    if one.instance is None:
        return "its env file cannot be read"
    copy = f"copy of {one.copy.source}" if one.copy else ""
    version = f"Tiki {one.version}" if one.version else ""
    newest = f"{one.newest} is out" if one.newest else ""
    return " · ".join(filter(None, (one.instance.stage, version, newest, copy))) or one.instance.access


def _address(told: Told) -> str:
    """Return where visitors find it, without a login that its address may hold."""
    return LOGIN.sub("", told.standing.instance.web_url) if told.standing.instance else ""


def _no_backup(told: Told) -> str:
    """Return why an instance has no backup of its own; nothing when it has one."""
    instance = told.standing.instance
    if told.standing.backups or instance is None:
        return ""
    return f"Made from the archives of {instance.mirror_of}." if instance.mirror_of else "No good backup yet."


def _disk(told: Told) -> str:
    seen = told.standing.look
    if seen is None or seen.disk_free_bytes is None:
        return ""
    return f"{output.size(seen.disk_free_bytes)} free, {told.standing.disk_free_part:.0%}"


def _facts(told: Told, row: dict[str, object]) -> list[tuple[str, str]]:
    one, instance = told.standing, told.standing.instance
    if instance is None:
        return [("Env file", one.problem)]
    place = instance.web_root if instance.access == "local" else f"{instance.ssh_host}:{instance.web_root}"
    looked = f"{output.age(datetime.fromisoformat(one.look.moment))} ago" if one.look else ""
    known = {
        "Place": place, "Stage": instance.stage, "Derived from": instance.parent, "Mirror of": instance.mirror_of,
        "Kind": instance.kind, "Tags": ", ".join(instance.tags), "Version": str(row["code"]),
        "Backup": f"{row['last_archive']}, {row['backup']}" if one.last else "none", "Proof": str(row["proof"]),
        "Check": str(row["checked"]) or "not yet", "Disk": _disk(told), "Certificate": str(row["certificate"]),
        "Host was looked at": looked, "Contact": instance.contact}
    return [(name, value) for name, value in known.items() if value]


def _archive(made: Archive) -> dict[str, object]:
    record = made.record
    proof = "" if record is None else f"failed: {record.not_proven}" if record.not_proven else \
        output.local_text(record.proven)[:10]
    return {"name": made.path.name, "moment": made.moment, "size": made.size_bytes, "seconds": standing.seconds(made),
            "version": record.version if record else "foreign", "proof": proof or "-"}


def _in_words(what: str, values: Sequence[float], told) -> str:
    """Return what a chart shows, for those who cannot see it."""
    if not values:
        return f"{what}: not on record"
    return (f"{what} of the last {outlook.count(len(values), 'backup')}: from {told(min(values))} to "
            f"{told(max(values))}, the last one {told(values[-1])}")


__all__ = ["RANKS", "Sheet", "headline", "machine", "page", "run_row", "sheet", "summary", "tiles", "tree"]
