"""Finds which rows of a table differ between two databases on whatever servers; only sums and few rows travel.

A table with a key is cut into some thousand ranges, and both servers sum up each of them: one pass over all rows, the
one that any checksum needs. Only ranges whose sums differ are cut again, until few rows are left, which are fetched.
So ten changed rows in ten millions cost that pass, and less than a hundredth of a further one, as the servers'
Handler_read counters show. A key that is no integer costs a walk along its index more (see key_ranges); a table
without a key, or with one that the sides sort differently, costs three passes (see row_bag).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from scripts.database import key_ranges, row_bag, table_shape, value_sql
from scripts.database.client import Client, Row, quote_name, quote_text
from scripts.database.key_ranges import Key, Range, ask
from scripts.database.row_change import RowChange, TableDiff, Values, change
from scripts.database.table_shape import Shape, Side
from scripts.errors import DatabaseError
from scripts.hosts import process

__all__ = ["MOST", "RowChange", "TableDiff", "compare", "differing", "equal_tables"]

MOST = 100             # changes of one table that are listed, unless more are asked for
PART_ROWS = 512        # rows that are told one by one rather than summed up again
PIECE_ROWS = 32        # what a range that differs is cut into
AT_ONCE = 32           # ranges that are looked into at the same time
UNITED = 32            # sums in one statement: each is a walk to the server and back
ROWS_AT_ONCE = 20      # rows fetched at a time with all their values, which may be long
SMALL_TABLE = 100_000  # rows; above, the sums of its ranges come first: rows of a large table are not read twice

Sides = tuple[Side, Side]


@dataclass(frozen=True)
class Part:
    """A range, and what both sides hold in it."""

    ranged: Range
    rows_a: int
    rows_b: int
    is_equal: bool
    is_last: bool = False
    """Whether it cannot be cut any further."""

    @property
    def is_small(self) -> bool:
        return self.is_last or max(self.rows_a, self.rows_b) <= PART_ROWS


def differing(a: Client, b: Client, tables: Sequence[str], most: int = MOST) -> Iterator[TableDiff]:
    """Yield a TableDiff for each of these tables that both sides have and whose rows differ: what a verb wants.

    Small tables are summed up first, many in a call; large ones go to compare at once, whose first pass is such a
    sum already.
    """
    sizes_a, sizes_b = _both((a, b), lambda client: {table.name: table.rows_estimate for table in client.tables()})
    wanted = [table for table in tables if table in sizes_a and table in sizes_b]
    equal = equal_tables(a, b, [one for one in wanted if max(sizes_a[one], sizes_b[one]) <= SMALL_TABLE])
    for table in wanted:
        if table not in equal:
            found = compare(a, b, table, most)
            if found.changes or found.ranges_left:
                yield found


def equal_tables(a: Client, b: Client, tables: Sequence[str]) -> set[str]:
    """Return those of these tables that hold the same rows on both sides, by the sums of whole tables.

    Not by CHECKSUM TABLE: that runs columns together, takes bytes for text whatever their character set, and differs
    from server to server.
    """
    shapes_a, shapes_b = _shapes(a, b, tables)
    both = [table for table in tables if table in shapes_a and table in shapes_b]
    sides = [table_shape.sides(a, b, shapes_a[table], shapes_b[table]) for table in both]
    sums_a, sums_b = _both((0, 1), lambda place: _table_sums([pair[place] for pair in sides]))
    return {table for table, in_a, in_b in zip(both, sums_a, sums_b) if in_a == in_b}


def compare(a: Client, b: Client, table: str, most: int = MOST) -> TableDiff:
    """Return how the rows of a table differ; it has no changes when they do not.

    Rows are told apart by the primary key, or by a unique one without NULL; its text counts letter by letter, whatever
    the collation. Columns that only one side has are left out. About most changes are listed, and not many more.
    """
    shapes_a, shapes_b = _shapes(a, b, [table])
    for client, shapes in ((a, shapes_a), (b, shapes_b)):
        if table not in shapes:
            raise DatabaseError(f"{client.place}: there is no table {table} to compare")
    sides = table_shape.sides(a, b, shapes_a[table], shapes_b[table])
    if not sides[0].key or not sides[0].is_sorted_alike:
        return row_bag.compare(sides, most)
    parts = _first_pass(sides)
    changes, ranges_left = _look_into([part for part in parts if not part.is_equal], sides, most)
    return TableDiff(table, sum(part.rows_a for part in parts), sum(part.rows_b for part in parts), changes, True,
                     ranges_left)


def _first_pass(sides: Sides) -> list[Part]:
    wholes = _both(sides, key_ranges.whole)
    bigger = sides[0] if wholes[0].rows >= wholes[1].rows else sides[1]
    rows = max(one.rows for one in wholes)
    ends = [one for one in wholes if one.lowest is not None]
    everything = Range(rows, None, None, min((one.lowest for one in ends), default=None),
                       max((one.highest for one in ends), default=None))
    size = _piece_size(rows, PART_ROWS)
    return _summed(sides, key_ranges.merged(key_ranges.cut(bigger, [everything], size), size))


def _look_into(parts: Sequence[Part], sides: Sides, most: int) -> tuple[tuple[RowChange, ...], int]:
    """Return the changes in parts that differ, and how many parts were not looked into."""
    waiting, changes, left = deque(parts), {}, 0
    while waiting and len(changes) < most:
        if waiting[0].is_small:
            batch = _taken(waiting, lambda part: part.is_small)
            suspects = _suspects(sides, [part.ranged for part in batch])
            while suspects and len(changes) < most:
                some, suspects = suspects[:ROWS_AT_ONCE], suspects[ROWS_AT_ONCE:]
                changes |= _changes(sides, [key for _, key in some])
            left = len({place for place, _ in suspects})
        else:
            closer = _closer(sides, _taken(waiting, lambda part: not part.is_small))
            waiting.extendleft(part for part in reversed(closer) if not part.is_equal)
    return tuple(changes.values()), left + len(waiting)


def _taken(waiting: deque[Part], is_wanted: Callable[[Part], bool]) -> list[Part]:
    """Take the next parts of one sort, as many as may be looked into at the same time."""
    taken, pieces = [], 0
    while waiting and is_wanted(waiting[0]) and len(taken) < AT_ONCE and pieces < key_ranges.MOST_PARTS:
        taken.append(waiting.popleft())
        rows = max(taken[-1].rows_a, taken[-1].rows_b)
        pieces += rows // _piece_size(rows, PIECE_ROWS)
    return taken


def _closer(sides: Sides, parts: Sequence[Part]) -> list[Part]:
    """Return the parts cut and summed up again, those that cannot be cut as they were."""
    alike: dict[tuple[bool, int], dict[Range, Part]] = defaultdict(dict)
    for part in parts:
        rows = max(part.rows_a, part.rows_b)
        has_b_more = part.rows_b > part.rows_a
        alike[has_b_more, _piece_size(rows, PIECE_ROWS)][replace(part.ranged, rows=rows)] = part
    pieces, last = [], []
    for (has_b_more, size), given in alike.items():
        for piece in key_ranges.cut(sides[has_b_more], [*given], size):
            if piece in given:
                last.append(replace(given[piece], is_last=True))
            else:
                pieces.append(piece)
    return [*last, *_summed(sides, pieces)]


def _piece_size(rows: int, least: int) -> int:
    return max(least, -(-rows // key_ranges.MOST_PARTS))


def _summed(sides: Sides, ranges: Sequence[Range]) -> list[Part]:
    first, second = _both(sides, lambda side: _range_sums(side, ranges))
    return [_part(*three) for three in zip(ranges, first, second)]


def _part(ranged: Range, in_a: Row, in_b: Row) -> Part:
    ends = [int(end) for end in (*in_a[2:], *in_b[2:]) if end is not None]
    if ends and ranged.lowest is not None:
        ranged = replace(ranged, lowest=min(ends), highest=max(ends))
    return Part(ranged, int(in_a[0]), int(in_b[0]), in_a[:2] == in_b[:2])


def _range_sums(side: Side, ranges: Sequence[Range]) -> list[Row]:
    """Return for each range its count, its sum, and between which integers it lies.

    The server puts the statements together, so that the long expression of the sum travels once. No grouping: that
    would take a temporary table, in which the server looks up every row.
    """
    # + 0, because the server looks up the ends of an index beforehand, and finds them again in what it adds up.
    number = f"{quote_name(side.key[0].column.name)} + 0"
    ends = f"MIN({number}), MAX({number})" if side.is_numbered else "NULL, NULL"
    what = f", COUNT(*), {value_sql.row_sum(side.fields)}, {ends} FROM {key_ranges.indexed(side)} WHERE "
    script = [f"SET @what = {quote_text(what)}"]
    for start in range(0, len(ranges), UNITED):
        each = [f"'SELECT {start + place}', @what, {quote_text(key_ranges.condition(side, one))}"
                for place, one in enumerate(ranges[start:start + UNITED])]
        joined = ", ' UNION ALL ', ".join(each)
        script += [f"SET @part = CONCAT({joined})", "PREPARE part FROM @part", "EXECUTE part"]
    rows = ask(side, ";\n".join(script)) if ranges else []
    return [row[1:] for row in sorted(_whole(side, rows, len(ranges)), key=lambda row: int(row[0]))]


def _table_sums(sides: Sequence[Side]) -> list[Row]:
    """Return count and sum of each of these tables of one database."""
    if not sides:
        return []
    each = (f"SELECT COUNT(*), {value_sql.row_sum(side.fields)} FROM {quote_name(side.table)}" for side in sides)
    return _whole(sides[0], ask(sides[0], ";\n".join(each)), len(sides))


def _suspects(sides: Sides, ranges: Sequence[Range]) -> list[tuple[int, Key]]:
    """Return the keys of rows that differ, or that only one side has there, each with the place of its range."""
    found = zip(*_both(sides, lambda side: _hashes(side, ranges)))
    return [(place, key) for place, (one, other) in enumerate(found) for key in {**one, **other}
            if one.get(key) != other.get(key)]


def _hashes(side: Side, ranges: Sequence[Range]) -> list[dict[Key, str]]:
    keys = ", ".join(map(value_sql.fetched, side.key))
    what = f"LEFT({value_sql.row_hash(side.fields)}, {value_sql.HASH_DIGITS}), {keys}"
    statements = (f"SELECT {place}, {what} FROM {key_ranges.indexed(side)} WHERE {key_ranges.condition(side, one)}"
                  for place, one in enumerate(ranges))
    found: list[dict[Key, str]] = [{} for _ in ranges]
    for place, digest, *digits in ask(side, ";\n".join(statements)):
        found[int(place)][_key(side, digits)] = digest
    return found


def _changes(sides: Sides, keys: Sequence[Key]) -> dict[Key, RowChange]:
    """Return the changes of the rows of these keys, wherever the two sides sort them."""
    in_a, in_b = _both(sides, lambda side: _values(side, keys))
    found = {key: change(key, in_a.get(key), in_b.get(key)) for key in keys}
    return {key: one for key, one in found.items() if one}


def _values(side: Side, keys: Sequence[Key]) -> dict[Key, Values]:
    wanted = " OR ".join(f"({key_ranges.is_row(side, key)})" for key in keys)
    what = ", ".join([*map(value_sql.fetched, side.key), value_sql.fetched_all(side.fields)])
    rows = ask(side, f"SELECT {what} FROM {key_ranges.indexed(side)} WHERE {wanted}")
    size = len(side.key)
    return {_key(side, row[:size]): value_sql.shown_all(side.fields, row[size:]) for row in rows}


def _key(side: Side, digits: Sequence[str]) -> Key:
    return tuple(value_sql.shown(field, one) for field, one in zip(side.key, digits))


def _shapes(a: Client, b: Client, tables: Sequence[str]) -> tuple[dict[str, Shape], dict[str, Shape]]:
    return _both((a, b), lambda client: table_shape.read(client, tables))


def _whole(side: Side, rows: list[Row], expected: int) -> list[Row]:
    if len(rows) != expected:
        raise DatabaseError(f"{side.client.place}: the server gave {len(rows)} of {expected} sums of {side.table}")
    return rows


def _both(pair: Sequence, ask_one: Callable) -> list:
    """Ask both sides at the same time."""
    return process.side_by_side(*(lambda one=one: ask_one(one) for one in pair))
