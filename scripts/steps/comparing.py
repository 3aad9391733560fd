"""Compares two sites, or a site and an archive, as a whole: trees and database at the same time."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from scripts.hosts import process
from scripts.steps import comparing_database, comparing_files
from scripts.steps.comparing_sides import Side
from scripts.steps.differences import CHANGED, FILES, Difference
from scripts.tiki.expected import Expected


@dataclass(frozen=True)
class Comparison:
    """What two sides have different, and what was looked at to find it."""

    a: Side
    b: Side
    files: comparing_files.Compared
    database: comparing_database.Compared
    seconds: float

    @property
    def labels(self) -> tuple[str, str]:
        return (self.a.label, self.b.label)

    @property
    def differences(self) -> list[Difference]:
        return [*self.files.differences, *self.database.differences]

    @property
    def changed_files(self) -> list[str]:
        """Return the names of the files whose content differs and nobody expects it."""
        return [one.name for one in self.differences
                if one.section == FILES and one.what == CHANGED and not one.expected]


def compare(a: Side, b: Side, rules: Expected, tables: Collection[str] = (), most: int | None = None) -> Comparison:
    """Compare two sides; tables are looked into though they differ by nature, most changes of each are listed."""
    started = time.monotonic()
    limit = {"most": most} if most else {}
    files, database = process.side_by_side(lambda: comparing_files.compare(a, b, rules),
                                           lambda: comparing_database.compare(a, b, rules, tables, **limit))
    return Comparison(a, b, files, database, round(time.monotonic() - started, 1))
