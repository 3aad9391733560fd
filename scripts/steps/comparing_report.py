"""Tells a comparison: the summary, lists of what differs, rows, and the HTML page."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.present import output, report
from scripts.registry.settings import Settings
from scripts.steps import comparing_database, differences
from scripts.steps.comparing import Comparison
from scripts.steps.comparing_database import hidden
from scripts.steps.comparing_texts import ALL, TextDiff
from scripts.steps.differences import (
    ADDED,
    CHANGED,
    FILES,
    HEADINGS,
    PEOPLE,
    PREFERENCES,
    REMOVED,
    ROWS,
    Difference,
    visible,
)

__all__ = ["hidden", "in_short", "listed", "listed_expected", "rows", "summary", "write"]

MOST_LISTED = 40        # lines of one section at a terminal; JSON=1 and HTML=1 have all
VALUE_LENGTH = 100      # characters of a value in one line
STAMP = "%Y-%m-%d_%H-%M-%S"


def summary(found: Comparison) -> list[str]:
    """Return the figures, a line each kind."""
    a, b = found.labels
    table_count = found.database.equal + len(found.database.tables)
    lines = [f"{a} (A) and {b} (B): {found.files.files} files and {table_count} tables compared, in "
             f"{output.duration(found.seconds)}; added is only in B, removed only in A"]
    lines += [f"folder {visible(pair.told)}" for pair in found.files.pairs[1:]]
    lines += [f"{HEADINGS[section]}: {differences.summary(found.differences, section)}" for section in HEADINGS]
    reasons = differences.reasons(found.differences)
    if reasons:
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        lines.append(f"expected: {sum(reasons.values())} ({told}); EXPECTED=1 lists them")
    if found.files.moving:
        lines.append(f"changed while it was looked at, and not judged: {len(found.files.moving)} files, as in "
                     f"{visible(found.files.moving[0])}")
    return lines


def in_short(found: Sequence[Difference]) -> str:
    """Return how many differences of each kind there are, on one line."""
    told = {section: sum(one.section == section for one in differences.found(found)) for section in HEADINGS}
    return ", ".join(f"{HEADINGS[section]} {count}" for section, count in told.items() if count)


def listed(found: Sequence[Difference]) -> Iterator[str]:
    """Yield what differs, a line each, under a heading for each section; long lists are cut."""
    for section, called in HEADINGS.items():
        chosen = [one for one in found if one.section == section and not one.expected]
        if section == FILES:
            chosen = list(_without_inner(chosen))
        if chosen:
            yield f"{called}, not the same:"
            yield from (f"  {line(one)}" for one in chosen[:MOST_LISTED])
        if len(chosen) > MOST_LISTED:
            yield f"  and {len(chosen) - MOST_LISTED} more: HTML=1 or JSON=1 has all"
        if section == PEOPLE and chosen:
            yield f"  in short: {comparing_database.people_line(chosen)}"


def listed_expected(found: Sequence[Difference]) -> Iterator[str]:
    """Yield what differs by nature, with the reason."""
    if chosen := [one for one in found if one.expected]:
        yield "expected:"
        yield from (f"  {line(one)}: {one.expected}" for one in chosen)


def line(one: Difference) -> str:
    """Return one difference as a line."""
    if one.section == PREFERENCES:
        a, b = (_quoted(value) for value in (one.a, one.b))
        return f"preference {visible(one.name)}: {a} in A, {b} in B"
    if one.section == FILES and one.what in (ADDED, REMOVED):
        return f"{one.what}: {visible(one.name)}: {_cut(one.b if one.a is None else one.a)}"
    name = f"{one.what}: {visible(one.name)}"
    if one.section in (ROWS, PEOPLE):
        return name + (f": {', '.join(one.columns)}" if one.columns else "")
    if one.how != CHANGED:
        return name + (f": {told}" if (told := _cut(one.a if one.b is None else one.b)) else "")
    return name + (f": {_cut(one.a)} -> {_cut(one.b)}" if one.a or one.b else "")


def rows(found: Comparison, wanted: str) -> Iterator[str]:
    """Yield the changed rows of one table, or of all, a line for each value."""
    for table in found.database.tables:
        if wanted not in (ALL, table.table):
            continue
        yield (f"table {table.table}: {table.rows_a} rows in A, {table.rows_b} in B"
               + ("" if table.by_key else "; it has no key: its rows are told apart by what is in them"))
        for change in hidden(table).changes:
            copies = f" ({change.count} times)" if change.count > 1 else ""
            yield f"  {change.kind}: {visible(', '.join(change.key))}{copies}"
            for column, (a, b) in change.columns.items():
                values = (b,) if change.kind == ADDED else (a,) if change.kind == REMOVED else (a, b)
                yield f"    {column}: " + " -> ".join(_cut("NULL" if value is None else value) for value in values)
        if table.ranges_left:
            yield f"  {table.ranges_left} more parts of it differ"


def write(settings: Settings, found: Comparison, texts: list[TextDiff], wanted: Path) -> Path:
    """Write the HTML page to a file (into the folder of reports for an empty path) and return its path.

    It holds content of the sites, so nobody else may read it.
    """
    path = wanted
    if not wanted.name:
        folder = settings.state / "reports"
        MANAGER.make_folder(str(folder), 0o700)
        names = "_".join(label.split("@")[0] + ("-archive" if "@" in label else "") for label in found.labels)
        path = folder / f"compare_{names}_{datetime.now().strftime(STAMP)}.html"
    MANAGER.write(str(path), page(found, texts).encode("utf-8"), 0o600)
    return path


def page(found: Comparison, texts: list[TextDiff]) -> str:
    """Return the page: summary, all differences, texts side by side, rows."""
    parts = [report.lines(summary(found))]
    for section, called in HEADINGS.items():
        if chosen := [one for one in found.differences if one.section == section and not one.expected]:
            parts += [report.heading(called), report.table(("", "what", found.labels[0], found.labels[1]), (
                (one.what, visible(one.name), _or_none(one.a), _or_none(one.b)) for one in chosen))]
    if texts:
        parts.append(report.heading("contents of files"))
    for one in texts:
        parts += [report.heading(visible(one.name), 3),
                  report.lines([one.note]) if one.note else report.side_by_side(found.labels, one.a or [], one.b or [])]
    if found.database.tables:
        parts.append(report.heading(HEADINGS[ROWS]))
    for table in found.database.tables:
        parts += [report.heading(f"{table.table}: {table.rows_a} and {table.rows_b} rows", 3),
                  report.table(("", "key", "column", *found.labels), _cells(table))]
    if chosen := [one for one in found.differences if one.expected]:
        parts += [report.heading("expected"), report.table(("", "what", "why", *found.labels), (
            (one.what, visible(one.name), one.expected, _or_none(one.a), _or_none(one.b)) for one in chosen))]
    return report.page(f"{found.labels[0]} and {found.labels[1]}", parts)


def _cells(table) -> Iterator[tuple[str | None, ...]]:
    for change in hidden(table).changes:
        for column, (a, b) in change.columns.items():
            a, b = (None if value is None else visible(value) for value in (a, b))
            yield (change.kind, visible(", ".join(change.key)), column, None if change.kind == ADDED else a or "NULL",
                   None if change.kind == REMOVED else b or "NULL")


def _without_inner(found: Sequence[Difference]) -> Iterator[Difference]:
    """Yield the differences without what lies in a folder that is told to be added or removed as a whole."""
    folders: dict[str, str] = {}
    inside: dict[str, int] = {}
    chosen = []
    for one in sorted(found, key=lambda one: one.name.split("/")):
        above = next((folder for folder in _above(one.name) if folders.get(folder) == one.what), None)
        if above:
            inside[above] = inside.get(above, 0) + 1
            folders[one.name] = one.what if one.what in (ADDED, REMOVED) else ""
            continue
        if one.what in (ADDED, REMOVED) and "folder" in (one.a, one.b):
            folders[one.name] = one.what
        chosen.append(one)
    for one in chosen:
        count = sum(number for folder, number in inside.items() if folder == one.name
                    or folder.startswith(f"{one.name}/"))
        told = f"folder, with {count} in it" if count else None
        yield Difference(one.section, one.what, one.name, one.a and (told or one.a), one.b and (told or one.b)) \
            if told and one.what in (ADDED, REMOVED) else one


def _above(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _quoted(value: str | None) -> str:
    return comparing_database.DEFAULT if value is None else value if value == comparing_database.HIDDEN \
        else f"'{_cut(value)}'"


def _or_none(value: str | None) -> str | None:
    return None if value is None else visible(value)


def _cut(value: str | None) -> str:
    text = visible(value or "")
    return text if len(text) <= VALUE_LENGTH else f"{text[:VALUE_LENGTH]}... ({len(text)} characters)"
