"""Compares the databases of two sides: schema, rows, and in words what administrators ask for: preferences, people.

Tables that differ by nature (sessions, caches, logs) are only summed, not looked into.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from scripts.database import row_diff, schema_diff
from scripts.database.client import Client, quote_text
from scripts.database.row_diff import MOST, RowChange, TableDiff
from scripts.database.schema_diff import SchemaDifference
from scripts.hosts import process
from scripts.steps.comparing_sides import Side, pairs
from scripts.steps.differences import ADDED, CHANGED, PEOPLE, PREFERENCES, REMOVED, ROWS, SCHEMA, Difference
from scripts.tiki import data_folders, expected
from scripts.tiki.expected import INDEX, INDEX_TABLE, MUTED, OWN_PLACE, Expected

PREFERENCE_TABLE = "tiki_preferences"
HIDDEN = "(not shown)"
DEFAULT = "the default, no row"
NAMED_AT_MOST = 10  # people in one line
# Whose rows are told in words: what they are, and the columns that say which.
PEOPLE_TABLES = {"users_users": ("users", ("login",)), "users_groups": ("groups", ("groupName",)),
                 "users_usergroups": ("memberships", ("userId", "groupName")),
                 "users_grouppermissions": ("permissions of groups", ("groupName", "permName")),
                 "users_objectpermissions": ("permissions on objects", ("groupName", "permName", "objectType"))}
# Where a row's number stands for a name: table, number, name.
NUMBERED = {"users_users": ("users_users", "userId", "login"), "users_usergroups": ("users_users", "userId", "login"),
            "users_groups": ("users_groups", "id", "groupName")}
LEFT_OUT = "left out of the archive"


@dataclass
class Compared:
    """What was compared: differences, and the tables whose rows differ with the changes that were located."""

    differences: list[Difference] = field(default_factory=list)
    tables: list[TableDiff] = field(default_factory=list)
    equal: int = 0


def compare(a: Side, b: Side, rules: Expected, wanted: Collection[str] = (), most: int = MOST) -> Compared:
    """Compare two databases.

    wanted are tables to be looked into though they differ by nature; most is how many changes of a table are listed.
    """
    found = Compared()
    schemas = process.side_by_side(lambda: schema_diff.read(a.client), lambda: schema_diff.read(b.client))
    found.differences += [_of_schema(one, (a, b)) for one in schema_diff.differences(*schemas)]
    tables = sorted(_table_names(a.client) & _table_names(b.client))
    by_nature = [name for name in tables if (rules.of_table(name) or _left_out(name, a, b)) and name not in wanted]
    unequal = set(by_nature) - row_diff.equal_tables(a.client, b.client, by_nature) if by_nature else set()
    found.differences += [Difference(ROWS, "table", name, "", "", rules.of_table(name) or LEFT_OUT)
                          for name in sorted(unequal)]
    looked_into = [name for name in tables if name not in by_nature]
    found.tables = [_paired(table) for table in row_diff.differing(a.client, b.client, looked_into, most)]
    found.equal = len(tables) - len(unequal) - len(found.tables)
    places = _Places.of(a, b)
    for table in found.tables:
        found.differences += _of_rows(table, rules, places, (a, b))
    return found


def _of_schema(one: SchemaDifference, sides: tuple[Side, Side]) -> Difference:
    how = ADDED if one.a is None else REMOVED if one.b is None else CHANGED
    reason = INDEX if INDEX_TABLE.fullmatch(one.table) else LEFT_OUT if _left_out(one.table, *sides) else ""
    name = " ".join(filter(None, (one.table, one.name))) or "the database"
    return Difference(SCHEMA, f"{one.what} {how}", name, one.a, one.b, reason)


def _left_out(table: str, *sides: Side) -> bool:
    return any(table in side.tables_left_out for side in sides)


def _table_names(client: Client) -> set[str]:
    return {table.name for table in client.tables() if table.kind not in ("VIEW", "SEQUENCE")}


@dataclass(frozen=True)
class _Places:
    """Where the folders of side A are on side B: values that name the one here and the other there are no news."""

    web_root: str
    moves: dict[str, str]

    @staticmethod
    def of(a: Side, b: Side) -> "_Places":
        moves = {one.path: other.path for one, other in pairs(a, b) if one and other}
        for path, uses in a.missing.items():
            partner = next((other for other, others in b.missing.items() if set(uses) & set(others)), None)
            moves.update({path: partner} if partner else {})
        for name, real in a.links.items():
            if outer := max((one for one in moves if data_folders.is_within(real, one)), key=len, default=""):
                moves[name] = f"{moves[outer]}{real.removeprefix(outer)}"
        return _Places(a.web_root, {one: other for one, other in moves.items() if one != other})

    def is_own(self, table: str, column: str, values: tuple[str | None, str | None]) -> bool:
        """Tell whether a value names on each side the folder that this side has for the same use."""
        key = next((key for key, one in data_folders.SOURCES.items() if (one.table, one.column) == (table, column)), "")
        a, b = values
        if not key or not a or not b:
            return False
        moved = data_folders.rewrites({key: [("", a)]}, self.web_root, self.moves)
        return bool(moved) and moved[0].new.rstrip("/") == b.rstrip("/")


def _of_rows(table: TableDiff, rules: Expected, places: _Places, sides: tuple[Side, Side]) -> Iterator[Difference]:
    """Yield what differs in the rows of a table; preferences and people in words."""
    reason = rules.of_table(table.table)
    if table.table == PREFERENCE_TABLE:
        yield from (_of_preference(change, rules, places) for change in table.changes)
    elif table.table in PEOPLE_TABLES:
        yield from _of_people(table, reason, sides)
    else:
        yield from (_of_row(table.table, change, rules, places) for change in table.changes)
    if table.ranges_left:
        yield Difference(ROWS, "part not looked into", table.table, f"{table.rows_a} rows",
                         f"{table.rows_b} rows, {table.ranges_left} parts differ beyond the first "
                         f"{len(table.changes)} changes", reason)


def _of_row(table: str, change: RowChange, rules: Expected, places: _Places) -> Difference:
    reason = rules.of_table(table)
    if not reason and change.kind == CHANGED:
        reasons = {_of_value(table, change, column, rules, places) for column in change.columns}
        reason = next(iter(sorted(reasons))) if reasons and "" not in reasons else ""
    if not reason and change.kind != CHANGED and "cookie" in change.key and table == "tiki_user_preferences" \
            and rules.of_table("tiki_mail_queue"):
        reason = MUTED
    name = f"{table} {', '.join(change.key)}" if change.key else table
    copies = f" ({change.count} times)" if change.count > 1 else ""
    return Difference(ROWS, change.kind, name + copies, *_present(change.kind), reason, _columns(change))


def _of_value(table: str, change: RowChange, column: str, rules: Expected, places: _Places) -> str:
    values = change.columns[column]
    if not rules.same_site and places.is_own(table, column, values):
        return OWN_PLACE
    there = (change.kind != ADDED, change.kind != REMOVED)
    return rules.of_value(table, change.key, column, tuple(zip(there, values)))


def _present(kind: str, a: str = "", b: str = "") -> tuple[str | None, str | None]:
    return (None if kind == ADDED else a, None if kind == REMOVED else b)


def _columns(change: RowChange) -> tuple[str, ...]:
    return tuple(change.columns) if change.kind == CHANGED else ()


def _paired(table: TableDiff) -> TableDiff:
    """Return the preferences with a value on either side as changed.

    Tiki's key holds the first 191 characters of a name only, so its rows come as of a table without one.
    """
    if table.table != PREFERENCE_TABLE or table.by_key:
        return table
    rows: dict[str, list[RowChange]] = {}
    for change in table.changes:
        rows.setdefault(change.columns["name"][change.kind == ADDED] or "", []).append(change)
    changes = []
    for name, both in sorted(rows.items()):
        kinds = {change.kind: change for change in both}
        if len(both) == 2 and len(kinds) == 2:
            values = {column: (one, kinds[ADDED].columns[column][1])
                      for column, (one, _) in kinds[REMOVED].columns.items()}
            changed = {column: value for column, value in values.items() if value[0] != value[1]}
            changes.append(RowChange((name,), CHANGED, changed))
        else:
            changes += [replace(change, key=(name,)) for change in both]
    return replace(table, changes=tuple(changes), by_key=True)


def _of_preference(change: RowChange, rules: Expected, places: _Places) -> Difference:
    """Return a preference in words; a secret one is told to differ, and no more."""
    name = change.key[0] if change.key else ""
    a, b = change.columns.get("value", (None, None))
    reason = rules.of_preference(name) or ("value" in change.columns and _of_value(
        PREFERENCE_TABLE, change, "value", rules, places)) or ""
    if expected.is_secret_preference(name):
        a, b = (HIDDEN if value is not None else None for value in (a, b))
    return Difference(PREFERENCES, change.kind, name, *_present(change.kind, a or "", b or ""), reason)


def _of_people(table: TableDiff, reason: str, sides: tuple[Side, Side]) -> Iterator[Difference]:
    """Yield one difference for each user, group, membership or permission, by its name."""
    called, columns = PEOPLE_TABLES[table.table]
    names = _names(table, sides)
    for change in table.changes:
        told = [change.columns[column][change.kind == ADDED] or "" for column in columns if column in change.columns]
        words = told if change.kind != CHANGED and told else [*change.key]
        name = " ".join(names.get(word, word) if place == 0 else word for place, word in enumerate(words))
        yield Difference(PEOPLE, change.kind, f"{called}: {name}", *_present(change.kind), reason, _columns(change))


def _names(table: TableDiff, sides: tuple[Side, Side]) -> dict[str, str]:
    """Return the names of those of whom a row says only the number."""
    if table.table not in NUMBERED:
        return {}
    source, number, name = NUMBERED[table.table]
    wanted = {word for change in table.changes for word in (*change.key[:1], *change.columns.get(number, ())) if word}
    if not wanted:
        return {}
    sql = (f"SELECT `{number}`, `{name}` FROM `{source}` WHERE `{number}` IN "
           f"({', '.join(map(quote_text, sorted(wanted)))})")
    return {one: called or one for side in sides for one, called in side.client.query(sql)}


def people_line(differences: list[Difference]) -> str:
    """Return who differs, in one line."""
    kinds: dict[str, Counter] = {}
    for one in differences:
        if one.section == PEOPLE and not one.expected:
            called, _, name = one.name.partition(": ")
            kinds.setdefault(f"{called} {one.what}", Counter())[name] += 1
    return "; ".join(f"{sum(names.values())} {called} ({_some(list(names))})" for called, names in kinds.items())


def _some(names: list[str]) -> str:
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {len(names) - NAMED_AT_MOST} more"
                                               if len(names) > NAMED_AT_MOST else "")


def hidden(table: TableDiff) -> TableDiff:
    """Return the changes of a table without what no report may show."""
    return replace(table, changes=tuple(replace(change, columns={
        column: _hidden(table.table, change, column, values) for column, values in change.columns.items()})
        for change in table.changes))


def _hidden(table: str, change: RowChange, column: str, values: tuple) -> tuple[str | None, str | None]:
    name = change.key[0] if change.key else ""
    is_secret = expected.is_secret_column(column) or (
        table == PREFERENCE_TABLE and column == "value" and expected.is_secret_preference(name))
    return tuple(HIDDEN if is_secret and value else value for value in values)
