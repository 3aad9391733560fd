"""Runs the SQL of mods on a site's database, with the tables that it may touch kept before.

MySQL ends a transaction at every CREATE, ALTER or DROP: the way back is the dump, and dropping what is new.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.database import statement
from scripts.database.client import Client, quote_name
from scripts.database.faults import SqlError
from scripts.errors import DatabaseError
from scripts.steps import keeping_tables, mods_answers, mods_sql
from scripts.steps.site import Site

# Mods are written for servers that take what is nearly right; and only so every server reads quotes and backslashes as
# mods_sql does.
MODE = "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'"
LINE = re.compile(r"at line (\d+)")
LINES_BEFORE = 3        # of what is sent: two that set the session, and lines count from 1
BYTE_SAFE = ("utf8mb4", "utf8", "utf8mb3", "latin1", "ascii")   # in which no other character holds a quote's byte
# What lets a statement change a table that it does not name.
HIDDEN_WAYS = """
SELECT event_object_table FROM information_schema.triggers WHERE trigger_schema = DATABASE()
UNION SELECT table_name FROM information_schema.key_column_usage
 WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL
UNION SELECT referenced_table_name FROM information_schema.key_column_usage
 WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL
UNION SELECT table_name FROM information_schema.tables
 WHERE table_schema = DATABASE() AND (table_type <> 'BASE TABLE' OR engine = 'MRG_MYISAM')
"""


@dataclass(frozen=True)
class Line:
    """One line of SQL of a mod: as it was written, and as it is run, with the answers in it."""

    mod: str
    written: str
    run: str = field(repr=False)
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Script:
    """All SQL of one change, read: lines in the order in which they run."""

    lines: tuple[Line, ...] = ()

    @property
    def statements(self) -> list[tuple[Line, mods_sql.Statement]]:
        return [(line, one) for line in self.lines for one in mods_sql.statements(line.run)]

    @property
    def names(self) -> set[str]:
        """Return all names in it that may be tables."""
        return {name for _, one in self.statements for name in one.names}


def require_confined(script: Script, client: Client) -> None:
    """Raise RefusedError for SQL that no mod may run."""
    if not script.lines:
        return
    others = {name.lower() for (name,) in client.query("SELECT schema_name FROM information_schema.schemata")}
    others -= {client.database.lower()}
    for _, one in script.statements:
        mods_sql.refuse_unconfined(one, {*others, "mysql", "information_schema", "performance_schema", "sys"})


def touched(script: Script, site: Site) -> set[str]:
    """Return the tables that the SQL may change; all of them, where it may reach further than its words."""
    named = mods_sql.touched((one for _, one in script.statements), site.table_names)
    if named & {name for (name,) in site.client.query(HIDDEN_WAYS)}:
        return set(site.table_names)
    return named


def keep(script: Script, site: Site, path: Path) -> set[str]:
    """Dump what the SQL may change into a file of the manager, and return the names."""
    names = touched(script, site)
    keeping_tables.keep(site, path, names)
    return names


def run(script: Script, site: Site, marked: Sequence[str] = ()) -> None:
    """Run the SQL; raise DatabaseError that names the line which failed, without the answers that are secret.

    marked are words before the call of the client program.
    """
    told = script.statements
    if not told:
        return
    charset = site.account.charset if site.account.charset in BYTE_SAFE else "utf8mb4"
    # As the site itself connects: only so its texts come to stand as it would have written them.
    client = replace(site.client, charset=charset)
    text = "\n".join([f"{MODE};", *(f"{one.text};" for _, one in told)])
    try:
        statement.carry_out(client, text, marked)
    except SqlError as error:
        found = LINE.search(str(error))
        place = int(found[1]) - LINES_BEFORE if found else -1
        line = told[place][0] if 0 <= place < len(told) else None
        what = f"{line.mod}: its statement {mods_sql.shown(line.written)!r} failed" if line else "SQL of a mod failed"
        raise DatabaseError(f"{what}: {_without_secrets(str(error), script.lines)}") from None


def put_back(site: Site, path: Path, names: Collection[str], before: Collection[str]) -> None:
    """Make the tables of a dump what they were, and drop those of these names that were not there before."""
    known = {name.lower() for name in names}
    new = [table for table in site.client.tables() if table.name not in before and table.name.lower() in known]
    if new:
        listed = ", ".join(quote_name(table.name) for table in new)
        site.client.execute(f"SET SESSION foreign_key_checks = 0; DROP TABLE IF EXISTS {listed}")
    fresh = replace(site, tables=tuple(site.client.tables()))
    keeping_tables.load_again(fresh, path)


def _without_secrets(text: str, lines: Iterable[Line]) -> str:
    for line in lines:
        text = mods_answers.hidden(text, line.answers)
    return text
