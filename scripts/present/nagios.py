"""What Nagios, Icinga and their like read from a plugin: one line that counts, details below it, figures, an exit code.

Source: Monitoring Plugins Development Guidelines, "Plugin Output for Nagios".
"""

from collections.abc import Mapping, Sequence

from scripts.present import output

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
MOST_FIRST = 200    # characters of the first line that a pager shows


def told(code: int, summary: str, details: Sequence[str], figures: Mapping[str, str]) -> str:
    """Return a plugin's output; figures are texts like 3600s;93600 by their label."""
    first = _plain(f"TRIM {WORDS[code]} - {summary}")
    if len(first) > MOST_FIRST:
        first = f"{first[:MOST_FIRST - 3]}..."
    measured = " ".join(f"'{_label(name)}'={value}" for name, value in figures.items())
    return "\n".join([f"{first} | {measured}" if measured else first, *map(_plain, details)])


def figure(value: float | None, unit: str = "", warning: str = "", critical: str = "") -> str:
    """Return one figure with the ranges outside of which it is an alarm; U where it is not known."""
    return "U" if value is None else f"{value:.0f}{unit};{warning};{critical}".rstrip(";")


def _plain(text: str) -> str:
    # A | would begin the figures; what a host said may hold signs that a terminal obeys, or that no text can hold.
    return output.plain(" ".join(text.split())).replace("|", "/")


def _label(name: str) -> str:
    return name.replace("'", "").replace("=", "_")
