"""Cuts the rows of a table into ranges of its key, reading as few rows as can be.

Integer keys are cut by reckoning: the server's optimizer estimates from the index alone what a range holds, reading
no row, and what holds too much is cut again; so gaps and lumps cost nothing. Other keys have no middle that could be
reckoned: one side walks along its index and tells every n-th key, which reads each entry of that range once.

Any boundaries are right, also where two servers sort a few texts differently: ranges that follow one another leave no
row out, and one that is found twice is told once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from scripts.database import value_sql
from scripts.database.client import Row, quote_name
from scripts.database.table_shape import Field, Side

FAN_OUT = 64       # pieces that a range is cut into at a time
MOST_PARTS = 4096  # ranges in one pass: each costs the server a statement
MOST_WALKS = 3     # two are enough for a billion rows; more show that the servers sort differently
LEAST_PIECES = 16  # of a range whose rows may lie in a lump
MOST_ROUNDS = 16   # 16**16 is as many values as a BIGINT has
ROWS_IN_EXPLAIN = {10: 8, 12: 9}  # place by columns: the short form, and that with partitions and filtered

Key = tuple[str, ...]


@dataclass(frozen=True)
class Range:
    """The rows from low on and below high; None is open, and a key may be there with its first columns alone.

    rows is about how many they are. lowest and highest bound the first column where that is an integer. walks counts
    how often it was cut by walking.
    """

    rows: int
    low: Key | None = None
    high: Key | None = None
    lowest: int | None = None
    highest: int | None = None
    walks: int = 0

    @property
    def width(self) -> int:
        """Return how many values the first column can be told apart by; 0 where it cannot be reckoned with."""
        is_plain = self.lowest is not None and len(self.low or ()) < 2 and len(self.high or ()) < 2
        return self.highest - self.lowest + 1 if is_plain else 0


def whole(side: Side) -> Range:
    """Return the range of all rows."""
    everything = Range(0)
    if not side.is_numbered:
        return replace(everything, rows=_estimates(side, [everything])[0] or 0)
    name = quote_name(side.key[0].column.name)
    [(lowest, highest)] = ask(side, f"SELECT MIN({name}), MAX({name}) FROM {quote_name(side.table)}")
    if lowest is None:
        return everything
    return Range(_estimates(side, [everything])[0] or 0, None, None, int(lowest), int(highest))


def cut(side: Side, ranges: Sequence[Range], size: int) -> list[Range]:
    """Return ranges of about size rows on this side that together are the given ones."""
    pieces = list(ranges)
    for _ in range(MOST_ROUNDS):
        if len(pieces) >= MOST_PARTS or not any(_is_big(one, size) and one.width > 1 for one in pieces):
            break
        pieces = _cut_by_reckoning(side, pieces, size)
    return _cut_by_walking(side, pieces, size)


def merged(ranges: Sequence[Range], size: int) -> list[Range]:
    """Return the ranges, those that follow one another joined as long as they hold little."""
    joined: list[Range] = []
    for one in ranges:
        last = joined[-1] if joined else None
        if last and last.high is not None and last.high == one.low and last.rows + one.rows <= size:
            joined[-1] = replace(last, rows=last.rows + one.rows, high=one.high, highest=one.highest)
        else:
            joined.append(one)
    return joined


def condition(side: Side, ranged: Range) -> str:
    """Return what a statement says of the rows of a range."""
    return _condition(side.key, _literals(side.key, ranged.low), _literals(side.key, ranged.high))


def is_row(side: Side, key: Key) -> str:
    """Return what a statement says of the row of a whole key."""
    values = _literals(side.key, key)
    return " AND ".join(f"{quote_name(field.column.name)} = {value}" for field, value in zip(side.key, values))


def indexed(side: Side) -> str:
    """Return the table, to be read through its key."""
    return f"{quote_name(side.table)} FORCE INDEX ({quote_name(side.index)})"


def ask(side: Side, sql: str) -> list[Row]:
    """Return what one side answers, its times in UTC."""
    return replace(side.client, charset="utf8mb4").query(f"{value_sql.SETTING};\n{sql}") if sql else []


def _is_big(ranged: Range, size: int) -> bool:
    return ranged.rows > 2 * size


def _cut_by_reckoning(side: Side, ranges: Sequence[Range], size: int) -> list[Range]:
    pieces = [_pieces(one, size) if _is_big(one, size) and one.width > 1 else [one] for one in ranges]
    new = [piece for several in pieces if len(several) > 1 for piece in several]
    # A server that explains in another form leaves the shares as they are: more is read then, and nothing missed.
    rows = iter([piece.rows if found is None else found for piece, found in zip(new, _estimates(side, new))])
    return [replace(piece, rows=next(rows)) if len(several) > 1 else piece for several in pieces for piece in several]


def _pieces(ranged: Range, size: int) -> list[Range]:
    count = min(FAN_OUT, max(LEAST_PIECES, -(-ranged.rows // size)), ranged.width)
    starts = [ranged.lowest + ranged.width * number // count for number in range(count)] + [ranged.highest + 1]
    lows = [ranged.low, *((str(start),) for start in starts[1:-1]), ranged.high]
    return [Range(ranged.rows // count, lows[number], lows[number + 1], starts[number], starts[number + 1] - 1)
            for number in range(count)]


def _estimates(side: Side, ranges: Sequence[Range]) -> list[int | None]:
    """Return what the optimizer estimates each range to hold; None where it does not say it in a known form."""
    names = ", ".join(quote_name(field.column.name) for field in side.key)
    rows = ask(side, ";\n".join(f"EXPLAIN SELECT {names} FROM {indexed(side)} WHERE {condition(side, one)}"
                                for one in ranges))
    if len(rows) != len(ranges) or not all(len(row) in ROWS_IN_EXPLAIN for row in rows):
        return [None] * len(ranges)
    return [int(row[ROWS_IN_EXPLAIN[len(row)]] or 0) for row in rows]


def _cut_by_walking(side: Side, ranges: Sequence[Range], size: int) -> list[Range]:
    walks, steps = {}, 0
    for place, one in enumerate(ranges):
        if _is_big(one, size) and one.width <= 1 and one.walks < MOST_WALKS and steps < 2 * MOST_PARTS:
            walks[place] = _walk(side, one, size, str(place))
            steps += one.rows // size
    found: dict[int, list[Key]] = {place: [] for place in walks}
    for place, *digits in ask(side, ";\n".join(walks.values())):
        if None not in digits:
            key = tuple(value_sql.shown(field, one) for field, one in zip(side.key, digits))
            found[int(place)].append(key)
    return [piece for place, one in enumerate(ranges) for piece in _between(one, found.get(place, []), size)]


def _walk(side: Side, ranged: Range, size: int, place: str) -> str:
    """Return statements that answer with every size-th key of a range.

    Each goes on from where the last one ended; past the end the variable is NULL, which no row is compared equal to.
    """
    names = ", ".join(quote_name(field.column.name) for field in side.key)
    here, before = ([f"@{letter}{number}" for number in range(len(side.key))] for letter in "kb")
    high = _literals(side.key, ranged.high)
    forget = ", ".join([f"{old} = {new}" for old, new in zip(before, here)] + [f"{new} = NULL" for new in here])
    tell = ", ".join(value_sql.fetched(field, new) for field, new in zip(side.key, here))

    def step(low: Sequence[str] | None) -> str:
        return (f"SET {forget};\nSELECT {names} INTO {', '.join(here)} FROM {indexed(side)} "
                f"WHERE {_condition(side.key, low, high)} ORDER BY {names} LIMIT 1 OFFSET {size};\n"
                f"SELECT {place}, {tell}")

    steps = min(ranged.rows // size, 2 * MOST_PARTS)
    return ";\n".join([step(_literals(side.key, ranged.low)), *[step(before)] * (steps - 1)])


def _between(ranged: Range, keys: Sequence[Key], size: int) -> list[Range]:
    """Return a range cut at these keys."""
    if not keys:
        return [ranged]
    lows = [ranged.low, *keys, ranged.high]
    return [Range(size, low, high, walks=ranged.walks + 1) for low, high in pairwise(lows)]


def _literals(key: Sequence[Field], values: Key | None) -> list[str] | None:
    return None if values is None else [value_sql.literal(field, value) for field, value in zip(key, values)]


def _condition(key: Sequence[Field], low: Sequence[str] | None, high: Sequence[str] | None) -> str:
    names = [quote_name(field.column.name) for field in key]
    told = [_beyond(">", ">=", names, low)] if low is not None else []
    told += [_beyond("<", "<", names, high)] if high is not None else []
    return " AND ".join(told) or "1"


def _beyond(sign: str, last_sign: str, names: Sequence[str], values: Sequence[str]) -> str:
    """Return a comparison of several columns. MySQL uses no index for one of rows, (a, b) >= (1, 2)."""
    name, value = names[0], values[0]
    if len(values) == 1:
        return f"{name} {last_sign} {value}"
    further = _beyond(sign, last_sign, names[1:], values[1:])
    return f"({name} {sign} {value} OR ({name} = {value} AND {further}))"
