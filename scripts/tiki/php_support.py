"""Until when a PHP gets security fixes from its makers. Decides only; the table is conf/php-support.csv."""

import csv
import re
from datetime import date
from functools import cache
from pathlib import Path

from scripts.errors import RegistryError

TABLE = Path(__file__).resolve().parents[2] / "conf" / "php-support.csv"
COLUMNS = ["php", "until"]


def ended(php_version: str, today: date) -> date | None:
    """Return the last day on which holes of this PHP were mended, when it is over; None too for one not listed."""
    found = re.match(r"\d+\.\d+", php_version)
    until = _table().get(found[0]) if found else None
    return until if until and until < today else None


@cache
def _table() -> dict[str, date]:
    return read(TABLE)


def read(path: Path) -> dict[str, date]:
    """Return the table; raise RegistryError at file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}") from error
    table: dict[str, date] = {}
    for number, line in enumerate(lines, 1):
        row = next(csv.reader([line]), [])
        if not row or line.startswith("#") or row == COLUMNS:
            continue
        try:
            version, until = row
            if not re.fullmatch(r"\d+\.\d+", version) or version in table:
                raise ValueError(version)
            table[version] = date.fromisoformat(until)
        except ValueError as error:
            raise RegistryError(f"{path}:{number}: expected one line a PHP: {','.join(COLUMNS)} as in 8.2,2026-12-31; "
                                f"found {line!r}") from error
    return table
