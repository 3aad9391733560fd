"""Sums of what tables hold, made by their servers, reading only: what differs has another sum.

A row's sum is the CRC-32 of its values as a dump would print them, mixed and added up with all others; the count of
rows stands beside. So the order of rows does not matter, equal rows do not cancel out, NULL is not '', and a text
that moved to the next column is seen: CHECKSUM TABLE runs its columns together and misses that, and is hardly
faster. Tables that were made alike compare, on whatever servers. A table that changed keeps its sum by chance once in
2**32 times; nothing here withstands somebody who wants it to.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from scripts.database.client import Client, quote_name, quote_text
from scripts.hosts import process
from scripts.hosts.dialogue import LONGEST_QUESTION

BATCH_BYTES = LONGEST_QUESTION - 1000  # of one call, which a session takes with what the client adds
FEW = 50                               # tables whose names are told rather than all columns read
# Neither byte is in UTF-8, so nothing in such a text looks like the end of a column or like NULL. The CAST keeps the
# server from turning all columns, and these two, into one character set.
END_OF_COLUMN, NULL = "CAST(X'FF' AS BINARY)", "CAST(X'FE' AS BINARY)"
# CRC-32 is linear: two rows that swap a value can leave the sum of their CRCs as it was. The remainder of a large
# prime is not.
ADDED = f"4611686018427387847 % (CRC32(CONCAT_WS({END_OF_COLUMN}, {{values}})) + 4294967296)"
COLUMNS = """
SELECT table_name, column_name, data_type, COALESCE(character_set_name, ''), is_nullable = 'YES'
FROM information_schema.columns
WHERE table_schema = DATABASE() AND COALESCE(extra, '') NOT REGEXP 'VIRTUAL|STORED|PERSISTENT'{only}
ORDER BY table_name, ordinal_position
"""
PLAIN = {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "date", "time", "datetime",
         "timestamp", "year"}
SHORT_TEXT = {"char", "varchar", "enum", "set"}
LONG = {"tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob", "binary",
        "varbinary", "char", "varchar", "enum", "set"}
WITHOUT_OUR_BYTES = {"utf8mb4", "utf8mb3", "utf8", "ascii"}

Column = tuple[str, str, str, bool]  # name, type, character set, whether NULL is possible


def of(client: Client, tables: Iterable[str]) -> dict[str, str]:
    """Return the sum of each of these tables; all of them must be there, and no view among them."""
    wanted = sorted(tables)
    columns: dict[str, list[Column]] = {name: [] for name in wanted}
    only = f" AND table_name IN ({', '.join(map(quote_text, wanted))})" if len(wanted) <= FEW else ""
    for table, name, kind, charset, is_nullable in client.query(COLUMNS.format(only=only)) if wanted else []:
        if table in columns:
            columns[table].append((name, kind, charset, is_nullable == "1"))
    sums: dict[str, str] = {}
    for batch in _batches([question(name, columns[name]) for name in wanted]):
        # A TIMESTAMP is shown in the session's time zone, which need not be the other server's.
        rows = client.query(";\n".join(["SET time_zone = '+00:00'", *batch]))
        sums.update({name: f"{count} rows, {total}" for name, count, total in rows})
    return sums


def of_both(one: Client, other: Client, tables: Iterable[str], known: Mapping[str, str],
            others: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the sums of tables of two databases, asked at the same time; known and others are some of each."""
    names = sorted(tables)
    first, second = process.side_by_side(lambda: of(one, [name for name in names if name not in known]),
                                         lambda: of(other, [name for name in names if name not in others]))
    return {**known, **first}, {**others, **second}


def question(table: str, columns: Sequence[Column]) -> str:
    """Return the statement that answers with a table's name, its count of rows and its sum.

    Generated columns are not among columns: they follow from the others.
    """
    values = [value for column in columns for value in _values(*column)]
    added = ADDED.format(values=", ".join(values)) if values else "0"
    return f"SELECT {quote_text(table)}, COUNT(*), COALESCE(SUM({added}), 0) FROM {quote_name(table)}"


def _values(name: str, kind: str, charset: str, is_nullable: bool) -> list[str]:
    """Return what stands for a column: itself where it can be told from its neighbours, else its CRC and length."""
    column = quote_name(name)
    if kind in PLAIN or (kind in SHORT_TEXT and charset in WITHOUT_OUR_BYTES):
        values = [column]
    elif kind == "bit":
        values = [f"{column} + 0"]
    else:
        # Not a part of the row's text: CONCAT_WS answers NULL to what is longer than max_allowed_packet.
        content = column if kind in LONG else f"HEX({column})"
        values = [f"CRC32({content})", f"LENGTH({content})"]
    return [f"IFNULL({value}, {NULL})" for value in values] if is_nullable else values


def _batches(questions: Sequence[str]) -> Iterator[list[str]]:
    batch, size = [], 0
    for one in questions:
        size_bytes = len(one.encode("utf-8", "surrogateescape")) + 2
        if batch and size + size_bytes > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += size_bytes
    if batch:
        yield batch
