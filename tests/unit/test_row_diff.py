"""Ranges that leave no row out, values as statements hold them, changes between two states of a row."""

from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.database import key_ranges, value_sql
from scripts.database.key_ranges import Range
from scripts.database.row_change import RowChange, change
from scripts.database.table_shape import Column, Field, Shape, Side, sides

CLIENT = object()


def field(data_type: str, charset: str | None = None, collation: str | None = None, name: str = "k",
          is_nullable: bool = False) -> Field:
    column = Column(name, data_type, data_type, charset, collation, is_nullable)
    return Field(name, column, data_type in ("varbinary", "blob"), data_type in ("text", "blob"))


def side_of(*key: Field) -> Side:
    return Side(CLIENT, "t", key, key, "PRIMARY", key[0].column.data_type == "int", True)


numbers = st.one_of(st.integers(-2**63, 2**64 - 1), st.integers(-50, 50))


def numbered(monkeypatch, keys: list[int], exactly: bool = True) -> Side:
    """Return a side whose server estimates truly how many of these keys a range holds, or says nothing of use."""
    def estimates(side, ranges):
        if not exactly:
            return [None] * len(ranges)
        return [bisect_left(keys, one.highest + 1) - bisect_left(keys, one.lowest) for one in ranges]

    monkeypatch.setattr(key_ranges, "_estimates", estimates)
    monkeypatch.setattr(key_ranges, "ask", lambda side, sql: [])
    return side_of(field("int"))


def place(key: int, ranges: list[Range]) -> list[int]:
    return [number for number, one in enumerate(ranges)
            if (one.low is None or key >= int(one.low[0])) and (one.high is None or key < int(one.high[0]))]


@pytest.mark.parametrize("exactly", [True, False])
@given(keys=st.lists(numbers, min_size=1, max_size=300, unique=True), size=st.integers(1, 40))
def test_every_number_is_in_one_range_and_the_ends_are_open(exactly, keys, size):
    keys.sort()
    with pytest.MonkeyPatch.context() as patch:
        side = numbered(patch, keys, exactly)
        whole = Range(len(keys), None, None, keys[0], keys[-1])
        ranges = key_ranges.merged(key_ranges.cut(side, [whole], size), size)
    assert all(len(place(key, ranges)) == 1 for key in [keys[0] - 1, *keys, keys[-1] + 1])
    assert all(one.high == other.low for one, other in pairwise(ranges))


@given(keys=st.lists(numbers, min_size=1, max_size=300, unique=True), size=st.integers(1, 40))
def test_no_range_holds_much_more_than_was_asked_for_however_the_numbers_lie(keys, size):
    keys.sort()
    with pytest.MonkeyPatch.context() as patch:
        side = numbered(patch, keys)
        ranges = key_ranges.merged(key_ranges.cut(side, [Range(len(keys), None, None, keys[0], keys[-1])], size), size)
    held = [sum(number in place(key, ranges) for key in keys) for number in range(len(ranges))]
    assert max(held) <= 2 * size
    assert len(ranges) <= 2 * len(keys) // size + 2


def test_a_table_is_not_cut_into_endless_parts_by_a_server_that_estimates_wildly(monkeypatch):
    side = numbered(monkeypatch, [])
    monkeypatch.setattr(key_ranges, "_estimates", lambda side, ranges: [10**9] * len(ranges))
    assert len(key_ranges.cut(side, [Range(10**9, None, None, 0, 2**63)], 100)) == key_ranges.MOST_PARTS


@pytest.mark.parametrize(("ranged", "expected"), [
    (Range(1), "1"),
    (Range(1, ("5",), ("9",)), "`a` >= 5 AND `a` < 9"),
    (Range(1, ("5", "6"), None), "(`a` > 5 OR (`a` = 5 AND `b``` >= 6))"),
    (Range(1, ("5",), ("9", "-2")), "`a` >= 5 AND (`a` < 9 OR (`a` = 9 AND `b``` < -2))"),
])
def test_ranges_become_conditions_that_an_index_serves(ranged, expected):
    assert key_ranges.condition(side_of(field("int", name="a"), field("int", name="b`")), ranged) == expected


@pytest.mark.parametrize(("one", "value", "expected"), [
    (field("int"), "-5", "-5"),
    (field("decimal"), "1.50", "1.50"),
    (field("int"), "1 OR 1", "'1 OR 1'"),
    (field("datetime"), "2026-01-01 00:00:00", "'2026-01-01 00:00:00'"),
    (field("varbinary"), "0x00FF", "x'00FF'"),
    (field("varbinary"), "0x", "x''"),
    (field("varchar", "latin1", "latin1_bin"), "é'\0", "CONVERT(_utf8mb4 x'c3a92700' USING latin1) COLLATE latin1_bin"),
])
def test_a_value_of_a_key_becomes_a_literal_that_cannot_leave_its_place(one, value, expected):
    assert value_sql.literal(one, value) == expected


@given(text=st.text())
def test_text_that_was_fetched_is_shown_as_it_is(text):
    assert value_sql.shown(field("text", "utf8mb4", "utf8mb4_bin"), text.encode().hex()) == text


def test_null_is_none_and_what_is_left_out_is_said():
    assert value_sql.shown(field("text", "utf8mb4", "x"), None) is None
    assert value_sql.shown(field("blob"), "00FF", "9 bytes") == "0x00FF… (9 bytes)"


def test_a_table_without_common_columns_still_has_a_hash():
    assert value_sql.row_hash([]) == "SHA2(CONCAT_WS(CAST(x'FF' AS BINARY), 0), 256)"


def shape(keys: dict[str, tuple[str, ...]], *columns: tuple[str, str]) -> Shape:
    return Shape("t", tuple(Column(name, kind, kind, None, None, False) for name, kind in columns), keys)


@pytest.mark.parametrize(("keys_a", "keys_b", "expected"), [
    ({"PRIMARY": ("a",)}, {"PRIMARY": ("A",)}, ["a"]),
    ({"PRIMARY": ("a",), "u": ("b",)}, {"PRIMARY": ("b",)}, ["b"]),
    ({"x": ("b",), "PRIMARY": ("a", "b")}, {"x": ("b",), "PRIMARY": ("a", "b")}, ["a", "b"]),
    ({"PRIMARY": ("a", "b")}, {"PRIMARY": ("b", "a")}, []),
    ({"PRIMARY": ("a",)}, {}, []),
])
def test_the_key_is_one_that_both_sides_have(keys_a, keys_b, expected):
    a, b = shape(keys_a, ("a", "int"), ("b", "int")), shape(keys_b, ("B", "int"), ("A", "int"))
    for one in sides(CLIENT, CLIENT, a, b):
        assert [field.name for field in one.key] == expected
        assert [field.name for field in one.fields] == ["a", "b"]


@pytest.mark.parametrize(("one", "other", "expected"), [
    (("utf8", "utf8_bin"), ("utf8mb3", "utf8mb3_bin"), True),
    (("utf8mb4", "utf8mb4_bin"), ("utf8mb4", "utf8mb4_general_ci"), False),
    (("latin1", "latin1_bin"), ("utf8mb4", "utf8mb4_bin"), False),
])
def test_only_the_same_collation_sorts_alike(one, other, expected):
    shapes = [Shape("t", (Column("k", "varchar", "varchar(9)", *both, False),), {"PRIMARY": ("k",)})
              for both in (one, other)]
    assert [side.is_sorted_alike for side in sides(CLIENT, CLIENT, *shapes)] == [expected, expected]


@pytest.mark.parametrize(("in_a", "in_b", "expected"), [
    ({"x": "1", "y": None}, {"x": "1", "y": None}, None),
    ({"x": "1", "y": None}, {"x": "1", "y": ""}, RowChange(("k",), "changed", {"y": (None, "")})),
    (None, {"x": None}, RowChange(("k",), "added", {"x": (None, None)})),
    ({"x": "1"}, None, RowChange(("k",), "removed", {"x": ("1", None)})),
    (None, None, None),
])
def test_a_change_tells_what_differs(in_a, in_b, expected):
    assert change(("k",), in_a, in_b) == expected


@pytest.mark.parametrize("answer", [[("1", "SIMPLE", "TREE")], [], [("x",) * 10, ("y",) * 10]])
def test_an_explanation_in_an_unknown_form_is_taken_for_none(monkeypatch, answer):
    monkeypatch.setattr(key_ranges, "ask", lambda side, sql: answer)
    assert key_ranges._estimates(side_of(field("int")), [Range(5)]) == [None]


@pytest.mark.parametrize("columns", [10, 12])
def test_both_forms_of_an_explanation_are_understood(monkeypatch, columns):
    row = ["x"] * columns
    row[{10: 8, 12: 9}[columns]] = "4711"
    monkeypatch.setattr(key_ranges, "ask", lambda side, sql: [tuple(row)])
    assert key_ranges._estimates(side_of(field("int")), [Range(5)]) == [4711]
