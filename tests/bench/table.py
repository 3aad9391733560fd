"""The rows as a table: for the terminal, or ready for docs/performance.md."""

from tabulate import tabulate

from tests.bench import machine
from tests.bench.measuring import Report, Row

HEADS = ("what", "way", "seconds", "least to most", "of classic", "limit", "of floor", "limit", "disk MB", "of it",
         "limit", "wire MB", "peak MB", "largest")
PLAIN, MARKDOWN = "simple", "github"


def shown(report: Report, facts: dict[str, object], is_markdown: bool = False) -> str:
    """Return the table, the notes, what was missed, and the machine."""
    rows = [_cells(row, is_markdown) for row in report.rows]
    used = [column for column in range(len(HEADS)) if any(row[column] for row in rows)]
    text = tabulate([[row[column] for column in used] for row in rows], [HEADS[column] for column in used],
                    tablefmt=MARKDOWN if is_markdown else PLAIN, disable_numparse=True)
    missed = [f"MISSED: {row.what}, {row.way}: {line}" for row in report.rows for line in row.missed]
    parts = [text, "\n".join([*report.notes, *missed]), machine.line(facts), machine.warning(facts["load_at_start"])]
    return "\n\n".join(part for part in parts if part)


def _cells(row: Row, is_markdown: bool) -> list[str]:
    limit = row.limit
    spread = f"{min(row.rounds):.2f} to {max(row.rounds):.2f}" if len(row.rounds) > 1 else ""
    to_classic, to_floor = _ratio(row.to_classic, row.way, "classic"), _ratio(row.to_floor, row.way, "floor")
    way = f"**{row.way}**" if is_markdown and row.missed else row.way
    return [row.what, way, "failed" if row.failed else _number(row.seconds), spread,
            to_classic, _number(limit.classic), to_floor, _number(limit.floor),
            _number(row.disk_bytes, 1e6), _number(row.disk_ratio), _number(limit.disk),
            _number(row.wire_bytes, 1e6), f"{row.peak_mb:.0f}" if row.peak_name else "", row.peak_name]


def _ratio(value: float | None, way: str, of: str) -> str:
    """Return a ratio; that of a way to itself says nothing."""
    return "" if value is None or way.startswith(of) and value == 1 else _number(value)


def _number(value: float | None, unit: float = 1.0) -> str:
    """Return a number with the digits that tell something: a ratio of 0.032 is not 0.03."""
    if value is None:
        return ""
    scaled = value / unit
    return f"{scaled:.1f}" if abs(scaled) >= 100 else f"{scaled:.2f}" if abs(scaled) >= 0.1 else f"{scaled:.3f}"
