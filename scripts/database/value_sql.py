"""How the values of a row become text and sums inside a server, alike on every server and in every character set.

Text counts as UTF-8, so that equal text in latin1 and in utf8mb4 is equal; times count as UTC; a FLOAT counts by the
six digits that a server prints, because a dump carries no more of it.
"""

import re
from collections.abc import Sequence

from scripts.database.client import quote_name, quote_text
from scripts.database.table_shape import BINARY, INTEGERS, SPATIAL, Field

LONGEST = 200_000  # characters of one value that are fetched: a server gives no answer beyond max_allowed_packet
SUM_DIGITS = 15    # hexadecimal: 60 bits of a row, which a BIGINT holds; servers add them up without loss
HASH_DIGITS = 32   # hexadecimal; two different rows share a hash with a chance of 2**-128
SETTING = "SET SESSION time_zone = '+00:00', sql_mode = ''"
NUMBER = re.compile(r"-?\d+(\.\d+)?")
# No UTF-8 has these bytes, so nothing in a row looks like them. Without the cast the server makes UTF-8 of them.
END_OF_VALUE, NULL = "CAST(x'FF' AS BINARY)", "CAST(x'FE' AS BINARY)"
NUMBERS = {*INTEGERS, "decimal", "bit", "year"}


def text(field: Field, expression: str | None = None) -> str:
    """Return the expression of a value's text, or bytes; expression stands for the column when it is given."""
    name = expression or quote_name(field.column.name)
    if field.column.data_type == "bit":
        return f"({name} + 0)"
    if field.column.data_type in SPATIAL:
        return f"UNHEX(HEX({name}))"
    return f"CONVERT({name} USING utf8mb4)" if _is_text(field) else name


def row_hash(fields: Sequence[Field]) -> str:
    """Return the expression of a row's hash, 64 hexadecimal digits.

    Long values go in as their own hashes: all of them together could be longer than the server's max_allowed_packet,
    and the answer NULL. SHA2, because servers reckon it faster than MD5, and the newest have no MD5.
    """
    return f"SHA2(CONCAT_WS({END_OF_VALUE}, {', '.join(map(_part, fields)) or '0'}), 256)"


def row_sum(fields: Sequence[Field]) -> str:
    """Return the expression of the sum of rows: whatever their order, and with duplicates counted."""
    number = f"CAST(CONV(LEFT({row_hash(fields)}, {SUM_DIGITS}), 16, 10) AS UNSIGNED)"
    return f"COALESCE(SUM({number}), 0)"


def fetched(field: Field, expression: str | None = None) -> str:
    """Return the expression that brings a value; `shown` reads it. HEX, because answers lose NUL bytes."""
    return f"HEX(LEFT(CONCAT({text(field, expression)}), {LONGEST}))"


def fetched_all(fields: Sequence[Field]) -> str:
    """Return the expressions that bring all values of a row; `shown_all` reads them."""
    return ", ".join(["NULL", *(f"{fetched(field)}, {_rest(field)}" for field in fields)])


def shown(field: Field, digits: str | None, left_out: str | None = None) -> str | None:
    """Return a value that was fetched, as an operator reads it."""
    if digits is None:
        return None
    value = f"0x{digits}" if field.is_binary else bytes.fromhex(digits).decode("utf-8", "surrogateescape")
    return f"{value}… ({left_out})" if left_out else value


def shown_all(fields: Sequence[Field], answer: Sequence[str | None]) -> dict[str, str | None]:
    """Return the values of a row by the names of their columns."""
    values, rests = answer[1::2], answer[2::2]
    return {field.name: shown(field, *both) for field, *both in zip(fields, values, rests)}


def literal(field: Field, value: str) -> str:
    """Return a shown value of a key as a statement compares the column with it.

    A text gets the column's own character set and collation: the server could not use the index otherwise, and
    refuses to compare latin1 with what it cannot hold.
    """
    column = field.column
    if column.data_type in NUMBERS and NUMBER.fullmatch(value):
        return value
    digits = value[2:] if field.is_binary else value.encode("utf-8", "surrogateescape").hex()
    if _is_text(field):
        return f"CONVERT(_utf8mb4 x'{digits}' USING {column.charset}) COLLATE {column.collation}"
    return f"x'{digits}'" if column.data_type in BINARY else quote_text(value)


def _rest(field: Field) -> str:
    """Return the expression that says what of a long value `fetched` leaves out; NULL when it is all there."""
    value = text(field)
    told = f"CONCAT(LENGTH({value}), ' bytes, SHA-256 ', SHA2({value}, 256))"
    return f"IF(CHAR_LENGTH({value}) > {LONGEST}, {told}, NULL)" if field.is_long else "NULL"


def _part(field: Field) -> str:
    value = text(field)
    if field.is_long or field.is_binary:
        value = f"SHA2({value}, 256)" if field.is_long else f"HEX({value})"
    return f"COALESCE({value}, {NULL})" if field.column.is_nullable else value


def _is_text(field: Field) -> bool:
    return field.column.charset is not None or field.column.data_type == "json"
