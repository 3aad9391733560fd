"""In what two databases differ."""

from scripts.database.compare import differences
from scripts.database.digest import TableDigest


def test_equal_databases_have_no_differences():
    tables = {"a": TableDigest(0, "0"), "b": TableDigest(2, "f")}
    assert differences(tables, dict(tables)) == []


def test_each_difference_is_told_with_its_table():
    recorded = {"gone": TableDigest(1, "1"), "fewer": TableDigest(10, "2"), "other": TableDigest(3, "3")}
    found = {"fewer": TableDigest(9, "4"), "other": TableDigest(3, "5"), "extra": TableDigest(0, "0")}
    assert differences(recorded, found) == [
        "table extra is new; it has 0 rows",
        "table fewer has 9 of 10 rows",
        "table gone is missing; it had 1 row",
        "table other differs in the content of its 3 rows",
    ]
