"""Which PHP and which database server a Tiki needs. Decides only; the table is conf/requirements.csv."""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scripts.errors import RegistryError
from scripts.tiki.version import Version

TABLE = Path(__file__).resolve().parents[2] / "conf" / "requirements.csv"
COLUMNS = ["tiki", "php_min", "php_max", "mariadb_min", "mysql_min"]
NEWEST_NAMES = ("trunk", "master", "main", "head")  # what the branch of the next Tiki was ever called
# A MariaDB that plays an old MySQL for old clients: 5.5.5-10.11.6-MariaDB
DISGUISE = re.compile(r"^5\.5\.5-(?=\d)")

Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Requirement:
    """What one series of Tiki runs on; versions are texts as in 8.1, empty where nothing is known."""

    series: str
    php_min: str
    php_max: str
    mariadb_min: str = ""
    mysql_min: str = ""

    @property
    def php_range(self) -> str:
        return self.php_min if self.php_min == self.php_max else f"{self.php_min} to {self.php_max}"

    def php_suits(self, php_version: str) -> bool:
        """Whether this PHP runs it; 7.4 as maximum takes every 7.4.x in."""
        found, highest = _numbers(php_version), _numbers(self.php_max)
        return bool(found) and _numbers(self.php_min) <= found and found[:len(highest)] <= highest

    def php_problem(self, php_version: str) -> str:
        """Return the sentence that tells why this PHP cannot run it; empty when it can."""
        if self.php_suits(php_version):
            return ""
        return f"Tiki {self.series} needs PHP {self.php_range}, and this is PHP {php_version or 'of no known version'}"

    def database_problem(self, server_version: str) -> str:
        """Return the sentence that tells why this server is too old; empty when it is not, or nothing is known.

        server_version is the server's own, as in `10.11.19-MariaDB-0+deb12u1` or `8.0.36`.
        """
        kind = "MariaDB" if "mariadb" in server_version.lower() else "MySQL"
        lowest = self.mariadb_min if kind == "MariaDB" else self.mysql_min
        found = _numbers(DISGUISE.sub("", server_version))
        if not lowest or not found or found >= _numbers(lowest):
            return ""
        return f"Tiki {self.series} needs {kind} {lowest} or newer, and the server is {server_version}"


def of(version_text: str) -> Requirement | None:
    """Return what a version needs (24.4, 27.x, 29.0vcs, trunk); None for one that the table does not know."""
    table = _table()
    if version_text.strip().lower() in NEWEST_NAMES:
        return table[max(table)]
    base = Version(version_text).base
    return table.get(base[0]) if base else None


@cache
def _table() -> dict[int, Requirement]:
    return read(TABLE)


def read(path: Path) -> dict[int, Requirement]:
    """Return the table by the first number of a Tiki's version; raise RegistryError at file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}") from error
    table: dict[int, Requirement] = {}
    rows = ((number, row) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")
            for row in csv.reader([line]))
    for number, row in rows:
        if row == COLUMNS:
            continue
        if len(row) != len(COLUMNS) or not row[0].isdecimal() or not (_numbers(row[1]) and _numbers(row[2])) \
                or int(row[0]) in table:
            raise RegistryError(f"{path}:{number}: expected one line a Tiki: {','.join(COLUMNS)}; found "
                                f"{','.join(row)!r}")
        table[int(row[0])] = Requirement(f"{row[0]}.x", *row[1:])
    if not table:
        raise RegistryError(f"{path}: holds no line")
    return table


def _numbers(text: str) -> Numbers:
    found = re.match(r"\d+(?:\.\d+)*", text.strip())
    return tuple(map(int, found[0].split("."))) if found else ()
