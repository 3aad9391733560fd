"""make status: one line a site, from the records on the manager; the same for monitors.

What only hosts can say (disk, certificate) is what was seen last; LOOK=1 asks them now, side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.errors import Findings, UsageError
from scripts.health import figures, outlook, silence
from scripts.health.outlook import LINES, Told
from scripts.health.silence import Alarm
from scripts.hosts.local import MANAGER
from scripts.present import output, prometheus
from scripts.registry.settings import Settings

COLUMNS = {"name": "NAME", "state": "STATE", "backup": "BACKUP", "size": "SIZE", "proof": "PROOF", "checked": "CHECK",
           "code": "VERSION", "disk": "DISK", "certificate": "CERTIFICATE"}
NONE_YET = "No instance yet. Next: make instance NAME=... WEB_ROOT=..."
COLLECTED = ".prom"     # what the textfile collector reads
OPEN_MODE = 0o644       # the collector has an account of its own


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for."""

    looks: bool = False
    for_nagios: bool = False
    prometheus: str = ""


def status(settings: Settings, names: Sequence[str], wishes: Wishes) -> int:
    """Tell how these instances stand and return the exit code, which a plugin has; raise Findings for people."""
    path = wishes.prometheus
    if path and not (path.startswith("/") and path.endswith(COLLECTED)):
        raise UsageError(f"PROMETHEUS={path}: expected a whole path that ends with {COLLECTED}: the textfile collector "
                         f"reads no other; as /var/lib/prometheus/node-exporter/trim{COLLECTED}")
    told, of_lines = outlook.of(settings, names, wishes.looks), silence.of_jobs(settings)
    if path:
        MANAGER.write(path, prometheus.text(figures.metrics(told, of_lines)).encode(), OPEN_MODE)
        output.say(f"{path}: {outlook.count(len(told), 'instance')}")
    if wishes.for_nagios:
        code, text = figures.plugin(settings, told, of_lines)
        output.answer(text)
        return code
    if not path:
        _show(told, of_lines)
    return 0


def _show(told: list[Told], of_lines: list[Alarm]) -> None:
    """Show a line an instance, then what is wrong; raise Findings when that is anything."""
    rows = [outlook.row(one) for one in told]
    if output.manner.is_json and of_lines:
        rows.append({"name": LINES, "state": outlook.worst(of_lines), "alarms": [one._asdict() for one in of_lines]})
    output.show(rows, COLUMNS, NONE_YET)
    alarms = outlook.everything(told, of_lines)
    sentences = [outlook.sentence(*one) for one in alarms]
    for line in sentences:
        (output.warn if output.manner.is_quiet else output.say)(line)
    if alarms:
        places = ", ".join(dict.fromkeys(name for name, _ in alarms))
        raise Findings(f"{outlook.count(len(alarms), 'finding')}: {places}", details="\n".join(sentences))
