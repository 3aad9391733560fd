"""What rows are compared by: the columns that both sides have, and the key that tells rows apart on both."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.database.client import Client, quote_text

INTEGERS = {"tinyint", "smallint", "mediumint", "int", "bigint"}
SPATIAL = {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
           "geometrycollection", "geomcollection", "vector"}
BINARY = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", *SPATIAL}
LONG = {"text", "mediumtext", "longtext", "blob", "mediumblob", "longblob", "json", *SPATIAL}
NO_KEY = {"float", "double", "json", *SPATIAL}  # no literal stands for exactly one of their values
PRIMARY = "PRIMARY"
OLD_UTF8 = re.compile(r"^utf8_")

COLUMNS = """SELECT 'column', table_name, column_name, data_type, column_type, character_set_name, collation_name,
    is_nullable FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name IN ({tables}) ORDER BY table_name, ordinal_position"""
KEYS = """SELECT 'key', table_name, index_name, column_name, sub_part, index_type FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name IN ({tables}) AND non_unique = 0
    ORDER BY table_name, index_name, seq_in_index"""


@dataclass(frozen=True)
class Column:
    """A column of one side; collation is None for what is no text."""

    name: str
    data_type: str
    full_type: str
    charset: str | None
    collation: str | None
    is_nullable: bool


@dataclass(frozen=True)
class Field:
    """A column of one side, and what was agreed for both: the name it is told by, how values are shown and summed."""

    name: str
    column: Column
    is_binary: bool
    is_long: bool


@dataclass(frozen=True)
class Shape:
    """A table of one side: its columns in their order, and the unique indexes that leave no row out."""

    table: str
    columns: tuple[Column, ...]
    keys: dict[str, tuple[str, ...]]

    def column(self, name: str) -> Column:
        """Return a column by name; MySQL takes no notice of the case of column names."""
        return next(column for column in self.columns if column.name.lower() == name.lower())


@dataclass(frozen=True)
class Side:
    """One side of a comparison. Fields and key have the same names in the same order on both; key may be empty."""

    client: Client
    table: str
    fields: tuple[Field, ...]
    key: tuple[Field, ...]
    index: str
    is_numbered: bool
    """Whether the first column of the key is an integer on both sides, so that ranges can be reckoned."""
    is_sorted_alike: bool
    """Whether both sides take the key's values in the same order, and so in the same ranges."""


def read(client: Client, tables: Sequence[str]) -> dict[str, Shape]:
    """Return the shapes of those of these tables that there are."""
    if not tables:
        return {}
    names = ", ".join(map(quote_text, tables))
    columns, keys = defaultdict(list), defaultdict(lambda: defaultdict(list))
    for kind, table, *row in client.query(f"{COLUMNS.format(tables=names)};\n{KEYS.format(tables=names)}"):
        if kind == "column":
            name, data_type, full_type, charset, collation, nullable = row
            columns[table].append(Column(name, data_type.lower(), full_type, charset, collation, nullable == "YES"))
        else:
            keys[table][row[0]].append(row[1:])
    return {table: Shape(table, tuple(found), _usable(found, keys[table])) for table, found in columns.items()}


def sides(a: Client, b: Client, shape_a: Shape, shape_b: Shape) -> tuple[Side, Side]:
    """Return both sides of a table."""
    there = {column.name.lower() for column in shape_b.columns}
    # By name, because columns may stand in another order.
    names = sorted(column.name for column in shape_a.columns if column.name.lower() in there)
    index_a, index_b, key = _common_key(shape_a, shape_b)
    numbered = bool(key) and all(shape.column(key[0]).data_type in INTEGERS for shape in (shape_a, shape_b))
    alike = all(_is_sorted_alike(shape_a.column(name), shape_b.column(name)) for name in key)
    return tuple(Side(client, shape.table, tuple(_field(name, shape, other) for name in names),
                      tuple(_field(name, shape, other) for name in key), index, numbered, alike)
                 for client, shape, other, index in ((a, shape_a, shape_b, index_a), (b, shape_b, shape_a, index_b)))


def _field(name: str, shape: Shape, other: Shape) -> Field:
    column, types = shape.column(name), {shape.column(name).data_type, other.column(name).data_type}
    return Field(name, column, bool(types & BINARY), bool(types & LONG))


def _is_sorted_alike(one: Column, other: Column) -> bool:
    """Tell whether two columns sort and compare alike; the words of a list are sorted by their places in it."""
    collations = {OLD_UTF8.sub("utf8mb3_", column.collation or "") for column in (one, other)}
    return len(collations) == 1 and not {one.data_type, other.data_type} & {"enum", "set"}


def _usable(columns: list[Column], keys: dict[str, list[list]]) -> dict[str, tuple[str, ...]]:
    """Return the indexes that hold every row once, in whole columns, and in order."""
    good = {column.name for column in columns if not column.is_nullable and column.data_type not in NO_KEY}
    return {index: tuple(name for name, _, _ in parts) for index, parts in keys.items()
            if all(name in good and sub_part is None and kind == "BTREE" for name, sub_part, kind in parts)}


def _common_key(one: Shape, other: Shape) -> tuple[str, str, tuple[str, ...]]:
    """Return the name of an index on either side, and its columns, which are the same; the primary key before all."""
    lowered = {tuple(name.lower() for name in names): index for index, names in sorted(other.keys.items())}
    found = [(index != PRIMARY, len(names), index, names) for index, names in one.keys.items()
             if tuple(name.lower() for name in names) in lowered]
    if not found:
        return "", "", ()
    _, _, index, names = min(found)
    return index, lowered[tuple(name.lower() for name in names)], names
