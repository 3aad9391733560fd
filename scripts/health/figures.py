"""The same outlook for monitors: as a plugin of Nagios prints it, and as gauges for Prometheus."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from scripts.health import outlook, silence
from scripts.health.outlook import LINES, RANKS, Told
from scripts.health.silence import CRITICAL, WARNING, Alarm
from scripts.present import nagios
from scripts.present.nagios import figure
from scripts.present.prometheus import Metric
from scripts.registry.settings import Settings

HELP = {
    "instance_info": "An instance, with its version and the newest release of its series where that is newer.",
    "backup_timestamp_seconds": "When the last good backup was finished.",
    "backup_size_bytes": "Size of the last good backup.",
    "backup_duration_seconds": "How long the last good backup took.",
    "proof_timestamp_seconds": "When an archive was last proven to restore.",
    "check_timestamp_seconds": "When the site was last checked.",
    "check_findings": "What the last check found.",
    "disk_free_bytes": "Free on the disk of the web root, as seen last.",
    "disk_size_bytes": "Size of the disk of the web root.",
    "certificate_end_timestamp_seconds": "When the certificate of the site ends.",
    "alarms": "Open alarms of an instance; without one, of the lines that run by themselves.",
    "status_timestamp_seconds": "When these figures were taken."}


def plugin(settings: Settings, told: Sequence[Told], of_lines: Sequence[Alarm]) -> tuple[int, str]:
    """Return a plugin's exit code and output; RANKS are the codes too."""
    alarms = outlook.everything(told, of_lines)
    all_of_them = outlook.count(len(told), "instance")
    if not told:
        code, summary = nagios.UNKNOWN, "no instance yet"
    elif not alarms:
        code, summary = nagios.OK, f"{all_of_them}, all is well"
    else:
        code = RANKS[outlook.worst(alarm for _, alarm in alarms)]
        wrong = len({name for name, _ in alarms} - {LINES})
        summary = f"{wrong} of {all_of_them}: " + "; ".join(f"{name}: {alarm.problem}" for name, alarm in alarms)
    details = [outlook.sentence(*one) for one in alarms]
    return code, nagios.told(code, summary, details, _performance(settings, told))


def metrics(told: Sequence[Told], of_lines: Sequence[Alarm]) -> list[Metric]:
    """Return the gauges of these instances, and of the lines."""
    made = {name: Metric(name, text) for name, text in HELP.items()}
    for one in told:
        _measure(made, one)
    _count(made["alarms"], "", of_lines)    # Prometheus drops the whole file when an instance bears the same name
    made["status_timestamp_seconds"].add(int(datetime.now(UTC).timestamp()))
    return list(made.values())


def _performance(settings: Settings, told: Sequence[Told]) -> Mapping[str, str]:
    figures: dict[str, str] = {}
    for one in (one.standing for one in told):
        age = (datetime.now(UTC) - one.last.moment).total_seconds() if one.last else None
        figures[f"{one.name}_backup_age"] = figure(age, "s", critical=str(settings.backup_hours * 3600))
        figures[f"{one.name}_backup_size"] = figure(one.last.size_bytes if one.last else None, "B")
        if one.certificate_days is not None:
            figures[f"{one.name}_certificate_days"] = figure(one.certificate_days, "", f"{silence.CERTIFICATE_SOON}:",
                                                             f"{silence.CERTIFICATE_NOW}:")
    return figures


def _measure(made: Mapping[str, Metric], told: Told) -> None:
    one, values = told.standing, outlook.row(told)
    made["instance_info"].add(1, instance=one.name, version=one.version, newest=one.newest, stage=str(values["stage"]))
    for metric, key in {"backup_timestamp_seconds": "last_backup", "proof_timestamp_seconds": "proven",
                        "check_timestamp_seconds": "check",
                        "certificate_end_timestamp_seconds": "certificate_ends"}.items():
        if values[key]:
            made[metric].add(int(datetime.fromisoformat(str(values[key])).timestamp()), instance=one.name)
    for metric, key in {"backup_size_bytes": "size_bytes", "backup_duration_seconds": "seconds",
                        "check_findings": "check_findings", "disk_free_bytes": "disk_free_bytes",
                        "disk_size_bytes": "disk_size_bytes"}.items():
        made[metric].add(values[key], instance=one.name)
    _count(made["alarms"], one.name, told.alarms)


def _count(metric: Metric, name: str, alarms: Sequence[Alarm]) -> None:
    for level in (CRITICAL, WARNING):
        metric.add(sum(alarm.level == level for alarm in alarms), instance=name, level=level)
