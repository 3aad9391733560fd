"""Figures as Prometheus reads them, for the textfile collector of its node exporter.

Source: Prometheus documentation, "Exposition formats", text-based format 0.0.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PREFIX = "trim_"


@dataclass
class Metric:
    """One gauge with its samples: labels and value. A value that is not known has no sample."""

    name: str
    help: str
    samples: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def add(self, value: float | None, **labels: str) -> None:
        if value is not None:
            self.samples.append((labels, value))


def text(metrics: Sequence[Metric]) -> str:
    """Return what the collector reads; a gauge without samples is left out."""
    lines: list[str] = []
    for metric in metrics:
        if metric.samples:
            name = PREFIX + metric.name
            lines += [f"# HELP {name} {_escaped(metric.help)}", f"# TYPE {name} gauge"]
            lines += [f"{name}{_labels(labels)} {_number(value)}" for labels, value in metric.samples]
    return "\n".join([*lines, ""])


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_in_quotes(value)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _in_quotes(text_: str) -> str:
    return _escaped(text_).replace('"', '\\"')


def _escaped(text_: str) -> str:
    plain = text_.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return plain.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
