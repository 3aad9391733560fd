"""What is told of rows that differ."""

from dataclasses import dataclass

Values = dict[str, str | None]


@dataclass(frozen=True)
class RowChange:
    """One row that differs, from a to b: added is in b alone, removed in a alone, else it is changed.

    columns holds (value in a, value in b) by name: those that differ, or all of them for a row that one side lacks.
    Text is text, what is binary is 0x and hexadecimal digits, NULL is None, times are UTC. In a table without a key,
    key is empty, and count says how many more copies of the row the one side has.
    """

    key: tuple[str, ...]
    kind: str
    columns: dict[str, tuple[str | None, str | None]]
    count: int = 1


@dataclass(frozen=True)
class TableDiff:
    """What differs in the rows of a table; by_key tells whether rows could be told apart by a key.

    When there are more changes than were asked for, ranges_left counts the parts that differ and were not looked into.
    """

    table: str
    rows_a: int
    rows_b: int
    changes: tuple[RowChange, ...]
    by_key: bool
    ranges_left: int = 0


def change(key: tuple[str, ...], in_a: Values | None, in_b: Values | None, count: int = 1) -> RowChange | None:
    """Return the change between two states of a row, None for one that is not there; None when they are equal."""
    if in_a is None or in_b is None:
        kind = "added" if in_a is None else "removed"
        columns = {name: ((in_a or {}).get(name), (in_b or {}).get(name)) for name in in_a or in_b or {}}
        return RowChange(key, kind, columns, count) if in_a is not in_b else None
    columns = {name: (value, in_b[name]) for name, value in in_a.items() if value != in_b[name]}
    return RowChange(key, "changed", columns) if columns else None
