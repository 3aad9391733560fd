"""Compares tables in which no range of a key leads to a row: there is no key, or the two sides sort it differently.

Rows are grouped by the hash of their keys; without a key by that of all they hold, each with the count of its copies.
Nothing leads to a group but reading all rows, so this takes three passes: the sums of groups, the hashes of rows in
those that differ, the values of rows that differ.
"""

from collections import defaultdict
from collections.abc import Sequence

from scripts.database import value_sql
from scripts.database.client import quote_name, quote_text
from scripts.database.key_ranges import ask
from scripts.database.row_change import RowChange, TableDiff, Values, change
from scripts.database.table_shape import Side
from scripts.database.value_sql import HASH_DIGITS
from scripts.hosts import process

DIGITS = 3               # of the hash: 4096 groups
HASHES_AT_ONCE = 50_000  # that are held in memory; further groups are counted as left

Sides = tuple[Side, Side]
Copies = dict[str, dict[str, int]]  # how many rows of which hash, by the hash of what tells rows apart


def compare(sides: Sides, most: int) -> TableDiff:
    """Return how the rows of a table differ."""
    first, second = process.side_by_side(*(lambda side=side: _groups(side) for side in sides))
    groups = [group for group in {**first, **second} if first.get(group) != second.get(group)]
    some = _some(groups, first, second)
    one, other = process.side_by_side(*(lambda side=side: _copies(side, some) for side in sides)) if some else ({}, {})
    suspects = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    left = len(groups) - len(some) + len({name[:DIGITS] for name in suspects[most:]})
    changes = _changes(sides, suspects[:most], one, other) if suspects else ()
    rows_a, rows_b = (sum(rows for rows, _ in found.values()) for found in (first, second))
    return TableDiff(sides[0].table, rows_a, rows_b, changes, bool(sides[0].key), left)


def _some(groups: Sequence[str], *sides: dict[str, tuple[int, str]]) -> list[str]:
    """Return as many groups as memory may hold, but at least one."""
    some, rows = [], 0
    for group in groups:
        rows += sum(found[group][0] for found in sides if group in found)
        if some and rows > HASHES_AT_ONCE:
            break
        some.append(group)
    return some


def _groups(side: Side) -> dict[str, tuple[int, str]]:
    """Return count and sum of the rows whose hashes begin alike."""
    rows = ask(side, f"SELECT {_name(side, DIGITS)} AS trim_group, COUNT(*), {value_sql.row_sum(side.fields)} "
                     f"FROM {quote_name(side.table)} GROUP BY trim_group")
    return {group: (int(count), total) for group, count, total in rows}


def _copies(side: Side, groups: Sequence[str]) -> Copies:
    """Return the hashes of the rows of these groups."""
    rows = ask(side, f"SELECT {_name(side, HASH_DIGITS)} AS trim_name, LEFT({value_sql.row_hash(side.fields)}, "
                     f"{HASH_DIGITS}) AS trim_row, COUNT(*) FROM {quote_name(side.table)} "
                     f"WHERE {_name(side, DIGITS)} IN ({_listed(groups)}) GROUP BY trim_name, trim_row")
    copies: Copies = defaultdict(dict)
    for name, row, count in rows:
        copies[name][row] = int(count)
    return copies


def _changes(sides: Sides, names: Sequence[str], one: Copies, other: Copies) -> tuple[RowChange, ...]:
    in_a, in_b = process.side_by_side(*(lambda side=side: _values(side, names) for side in sides))
    if sides[0].key:
        columns = [field.name for field in sides[0].key]
        found = [change(_key({**in_b.get(name, {}), **in_a.get(name, {})}, columns), in_a.get(name), in_b.get(name))
                 for name in names]
    else:
        more = {name: sum(other.get(name, {}).values()) - sum(one.get(name, {}).values()) for name in names}
        found = [change((), in_a.get(name) if count < 0 else None, in_b.get(name) if count > 0 else None, abs(count))
                 for name, count in more.items()]
    return tuple(change for change in found if change)


def _key(values: Values, columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(values.get(name) or "" for name in columns)


def _values(side: Side, names: Sequence[str]) -> dict[str, Values]:
    """Return the values of one row of each hash: without a key, the others are its copies."""
    rows = ask(side, f"SELECT {_name(side, HASH_DIGITS)} AS trim_name, {value_sql.fetched_all(side.fields)} "
                     f"FROM {quote_name(side.table)} WHERE {_name(side, HASH_DIGITS)} IN ({_listed(names)}) "
                     "GROUP BY trim_name")
    return {name: value_sql.shown_all(side.fields, digits) for name, *digits in rows}


def _name(side: Side, digits: int) -> str:
    """Return the expression of the hash of what tells rows apart."""
    return f"LEFT({value_sql.row_hash(side.key or side.fields)}, {digits})"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quote_text, names))
