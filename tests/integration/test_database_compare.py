"""Two databases of one server compared: everything that differs is found, and nothing else."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from scripts.database import credentials, row_diff, schema_diff
from scripts.database.account import Account
from scripts.database.client import Client, quote_name, quote_text
from scripts.errors import DatabaseError
from scripts.hosts import process
from scripts.hosts.local import LocalHost
from tests.lab.lab import Lab

NAMES = ("one", "t`w.o")
SOME = """
CREATE TABLE pages (id INT(10) AUTO_INCREMENT, name VARCHAR(40) NOT NULL DEFAULT 'x', body TEXT, at DATETIME DEFAULT
    CURRENT_TIMESTAMP, kept JSON, PRIMARY KEY (id), UNIQUE KEY name (name), KEY body (body(10)), FULLTEXT (body))
    DEFAULT CHARSET=utf8mb4;
CREATE TABLE `odd; ``'"é` (`a; ``'"é` INT PRIMARY KEY, b INT AS (`a; ``'"é` * 2) VIRTUAL);
CREATE TABLE child (id INT, n INT, CHECK (n > 0), CONSTRAINT parent FOREIGN KEY (id) REFERENCES pages (id));
CREATE VIEW seen AS SELECT id, name FROM pages;
CREATE TRIGGER before_page BEFORE INSERT ON pages FOR EACH ROW SET NEW.name = CONCAT(NEW.name, ';');
CREATE PROCEDURE work (IN many INT(11)) SET @x = many;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 00:00:00' DO SET @x = 1
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def entrance(lab: Lab) -> Iterator[Client]:
    host = LocalHost("web1")
    account = Account("mysql", "root", "", socket=str(lab.mariadb.socket))
    with credentials.option_file(host, account) as options:
        yield Client(host, options, "mysql")


@pytest.fixture
def both(entrance: Client) -> tuple[Client, Client]:
    """Two empty databases."""
    for name in map(quote_name, NAMES):
        entrance.execute(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4")
    return tuple(Client(entrance.host, entrance.options, name) for name in NAMES)


def in_both(both: tuple[Client, Client], sql: str) -> None:
    for client in both:
        client.execute(sql)


def schema_differences(both: tuple[Client, Client]) -> list[tuple[str, str, str]]:
    found = schema_diff.differences(*map(schema_diff.read, both))
    return [(one.table, one.what, one.name) for one in found]


def test_equal_schemas_have_no_difference_whatever_rows_they_hold(both):
    in_both(both, SOME)
    both[1].execute("INSERT INTO pages (name) VALUES ('a'), ('b'); ALTER TABLE pages AUTO_INCREMENT = 500; "
                    "ALTER TABLE pages MODIFY id INT(4) AUTO_INCREMENT")
    assert schema_differences(both) == []


@pytest.mark.parametrize(("change", "expected"), [
    ("ALTER TABLE pages MODIFY name VARCHAR(41) NOT NULL DEFAULT 'x'", [("pages", "column", "name")]),
    ("ALTER TABLE pages MODIFY name VARCHAR(40) DEFAULT 'x'", [("pages", "column", "name")]),
    ("ALTER TABLE pages MODIFY name VARCHAR(40) NOT NULL DEFAULT ''", [("pages", "column", "name")]),
    ("ALTER TABLE pages MODIFY name VARCHAR(40) NOT NULL", [("pages", "column", "name")]),
    ("ALTER TABLE pages MODIFY name VARCHAR(40) CHARACTER SET latin1 NOT NULL DEFAULT 'x'",
     [("pages", "column", "name")]),
    ("ALTER TABLE pages MODIFY name VARCHAR(40) COLLATE utf8mb4_bin NOT NULL DEFAULT 'x'",
     [("pages", "column", "name")]),
    ("ALTER TABLE pages MODIFY at DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
     [("pages", "column", "at")]),
    ("ALTER TABLE pages MODIFY at DATETIME AFTER id", [("pages", "column", "at"), ("pages", "order", "")]),
    ("ALTER TABLE child ADD more INT FIRST", [("child", "column", "more")]),
    ("ALTER TABLE pages DROP at", [("pages", "column", "at")]),
    ("ALTER TABLE child ADD KEY n (n)", [("child", "index", "n")]),
    ("ALTER TABLE child ADD PRIMARY KEY (n)", [("child", "column", "n"), ("child", "primary key", "")]),
    ("ALTER TABLE pages DROP KEY name, ADD KEY name (name)", [("pages", "index", "name")]),
    ("ALTER TABLE pages DROP KEY body, ADD KEY body (body(11))", [("pages", "index", "body")]),
    ("ALTER TABLE child DROP CONSTRAINT CONSTRAINT_1", [("child", "check", "`n` > 0")]),
    ("ALTER TABLE child DROP FOREIGN KEY parent", [("child", "foreign key", "parent")]),
    ("ALTER TABLE `odd; ``'\"é` ENGINE=MyISAM", [("odd; `'\"é", "engine", "")]),
    ("ALTER TABLE child DEFAULT CHARSET=latin1", [("child", "charset", "")]),
    ("ALTER TABLE `odd; ``'\"é` MODIFY b INT AS (`a; ``'\"é` * 3) VIRTUAL", [("odd; `'\"é", "column", "b")]),
    ("ALTER DATABASE CHARACTER SET latin1", [("", "database", "")]),
    ("CREATE TABLE more (id INT PRIMARY KEY)", [("more", "table", "")]),
    ("DROP VIEW seen", [("seen", "view", "")]),
    ("DROP VIEW seen; CREATE TABLE seen (id INT)", [("seen", "table", ""), ("seen", "view", "")]),
    ("ALTER VIEW seen AS SELECT id, name FROM pages WHERE id > 1", [("seen", "view", "")]),
    ("DROP TRIGGER before_page", [("pages", "trigger", "before_page")]),
    ("DROP PROCEDURE work; CREATE PROCEDURE work (IN many INT) SET @x = many + 1", [("", "routine", "procedure work")]),
    ("DROP PROCEDURE work; CREATE PROCEDURE work (IN many BIGINT) SET @x = many", [("", "routine", "procedure work")]),
    ("ALTER EVENT nightly DISABLE", [("", "event", "nightly")]),
])
def test_a_change_of_the_schema_is_found_and_nothing_else(both, change, expected):
    in_both(both, SOME)
    both[1].execute(change)
    assert schema_differences(both) == expected
    assert [(one.table, one.what, one.name) for one in schema_diff.differences(*map(schema_diff.read, both[::-1]))
            ] == expected


def number(chance: random.Random) -> str:
    return str(chance.choice([chance.randint(-2**63, 2**63 - 1), chance.randint(-300, 300)]))


def word(chance: random.Random) -> str:
    return quote_text("".join(chance.choices("aäbBßé_-%'\\z0 Ж漢", k=chance.randint(0, 6))).strip())


def latin_word(chance: random.Random) -> str:
    return quote_text("".join(chance.choices("aäbBßé_-%'z0", k=chance.randint(0, 6))))


def some_bytes(chance: random.Random) -> str:
    return f"X'{chance.randbytes(chance.randint(0, 3)).hex().upper()}'"


def day(chance: random.Random) -> str:
    return f"'20{chance.randint(10, 99)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02} 00:00:00'"


def place_in_group(chance: random.Random) -> str:
    return f"7, {chance.randint(0, 2000)}"


def word_and_number(chance: random.Random) -> str:
    return f"{quote_text(chance.choice(['wiki page', 'blog', 'Blog', 'é']))}, {chance.randint(-40, 40)}"


# columns of the key in the first database, in the second; the key; how it is shown; a value, as in a statement
KEYS: dict[str, tuple[str, str, str, str, Callable[[random.Random], str]]] = {
    "sparse integers": ("k BIGINT", "k BIGINT", "k", "k", number),
    "unsigned": (*["k BIGINT UNSIGNED"] * 2, "k", "k", lambda chance: str(chance.randint(2**63, 2**64 - 1))),
    "bits": ("k BIT(12)", "k BIT(12)", "k", "k + 0", lambda chance: str(chance.randint(0, 4095))),
    "text, letter by letter": (*["k VARCHAR(20) COLLATE utf8mb4_bin"] * 2, "k", "k", word),
    "text, small as capital": (*["k VARCHAR(20) COLLATE utf8mb4_general_ci"] * 2, "k", "k", word),
    "text in two character sets": ("k VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german1_ci",
                                   "k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "k", "k", latin_word),
    "binary": (*["k VARBINARY(3)"] * 2, "k", "CONCAT('0x', HEX(k))", some_bytes),
    "dates": ("k DATETIME", "k DATETIME", "k", "k", day),
    "decimal": (*["k DECIMAL(9,2)"] * 2, "k", "k", lambda chance: f"{chance.randint(-99999, 99999) / 100:.2f}"),
    "two integers, the first alike": (*["k INT, l INT"] * 2, "k, l", "k, l", place_in_group),
    "text and number": (*["k VARCHAR(20) COLLATE utf8mb4_unicode_ci, l INT"] * 2, "k, l", "k, l", word_and_number),
    "names of a list": (*["k ENUM('z', 'b', 'a'), l INT"] * 2, "k, l", "k, l",
                        lambda chance: f"'{chance.choice('zba')}', {chance.randint(1, 200)}"),
}


@pytest.fixture
def fine(monkeypatch) -> None:
    """Cut already small tables, so that few rows lead through all that happens to many."""
    monkeypatch.setattr(row_diff, "PART_ROWS", 8)
    monkeypatch.setattr(row_diff, "PIECE_ROWS", 2)


def filled(client: Client, columns: str, key: str, rows: dict[str, str | None]) -> None:
    client.execute(f"CREATE TABLE t ({columns}, v VARCHAR(20) CHARACTER SET utf8mb4, PRIMARY KEY ({key}))")
    values = ", ".join(f"({name}, {'NULL' if value is None else quote_text(value)})" for name, value in rows.items())
    client.execute(f"INSERT INTO t VALUES {values}")


def known_by_server(client: Client, rows: dict[str, str | None], columns: str, key: str) -> dict[str, str | None]:
    """Return the rows whose keys the server takes for different ones."""
    client.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t (place INT, {columns}, PRIMARY KEY ({key}))")
    values = ", ".join(f"({place}, {name})" for place, name in enumerate(rows))
    client.execute(f"INSERT IGNORE INTO t VALUES {values}")
    kept = {int(place) for (place,) in client.query("SELECT place FROM t")}
    client.execute("DROP TABLE t")
    return {name: value for place, (name, value) in enumerate(rows.items()) if place in kept}


def told(diff: row_diff.TableDiff) -> dict[tuple, tuple]:
    return {(one.kind, one.key): one.columns.get("v") for one in diff.changes}


def all_rows(client: Client, shown: str) -> dict[tuple, str | None]:
    """Return all rows in the plainest way there is."""
    return {tuple(row[1:]): row[0] for row in client.query(f"SELECT v, {shown} FROM t")}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("many", [False, True])
def test_random_changes_are_told_as_reading_everything_tells_them(both, fine, kind, many):
    columns_a, columns_b, key, shown, value = KEYS[kind]
    chance = random.Random(f"{kind} {many}")
    rows = {value(chance): chance.choice(["", None, "x", "NULL", "é"]) for _ in range(250)}
    rows = known_by_server(both[0], rows, columns_a, key)
    changed = dict(rows)
    for name in chance.sample(sorted(rows), 60 if many else 3):
        changed[name] = f"new {chance.random()}"[:20]
    for name in chance.sample(sorted(rows), 40 if many else 2):
        del changed[name]
    added = [value(chance) for _ in range(40 if many else 2)]
    changed = known_by_server(both[1], {**changed, **dict.fromkeys(added, "added")}, columns_b, key)
    filled(both[0], columns_a, key, rows)
    filled(both[1], columns_b, key, changed)
    in_a, in_b = (all_rows(client, shown) for client in both)
    expected = {("changed" if name in in_a and name in in_b else "removed" if name in in_a else "added", name):
                (in_a.get(name), in_b.get(name))
                for name in {**in_a, **in_b} if name not in in_a or name not in in_b or in_a[name] != in_b[name]}
    diff = row_diff.compare(*both, "t", most=1000)
    assert told(diff) == expected
    assert (diff.rows_a, diff.rows_b, diff.by_key, diff.ranges_left) == (len(in_a), len(in_b), True, 0)
    assert row_diff.equal_tables(*both, ["t"]) == set()


VALUES = r"""
CREATE TABLE t (id INT PRIMARY KEY, i INT(6) ZEROFILL, b BIT(9), v VARBINARY(30), bl LONGBLOB, f FLOAT, d DOUBLE,
    n DECIMAL(30,10), j JSON, e ENUM('a', 'é'), s SET('x', 'y'), dt DATETIME(6), ts TIMESTAMP NULL, y YEAR, c CHAR(5),
    l VARCHAR(20) CHARACTER SET latin1, m MEDIUMTEXT, p POINT, tm TIME(3), u UUID) CHARACTER SET utf8mb4;
INSERT INTO t VALUES
    (1, 5, b'101010101', X'00FF', X'00', 1.1, 1e-300, 1.5, '{"a": 1}', 'é', 'x,y', '2026-01-01 00:00:00.1',
     '2026-01-01', 2026, 'c', 'é', 'x\0😀', POINT(1, 2), '10:00:00.5', '123e4567-e89b-12d3-a456-426655440000'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL)
"""


@pytest.mark.parametrize(("change", "column", "expected"), [
    ("i = 6", "i", ("000005", "000006")),
    ("b = 1", "b", ("341", "1")),
    ("v = X'00FE'", "v", ("0x00FF", "0x00FE")),
    ("bl = ''", "bl", ("0x00", "0x")),
    ("bl = NULL", "bl", ("0x00", None)),
    ("f = 2", "f", ("1.1", "2")),
    ("d = 1.1e-300", "d", ("1e-300", "1.1e-300")),
    ("n = 1.5000000001", "n", ("1.5000000000", "1.5000000001")),
    ("j = '{}'", "j", ('{"a": 1}', "{}")),
    ("e = 'a'", "e", ("é", "a")),
    ("s = ''", "s", ("x,y", "")),
    ("dt = '2026-01-01 00:00:00.2'", "dt", ("2026-01-01 00:00:00.100000", "2026-01-01 00:00:00.200000")),
    ("y = 1999", "y", ("2026", "1999")),
    ("c = ''", "c", ("c", "")),
    ("l = 'e'", "l", ("é", "e")),
    ("m = 'x 😀'", "m", ("x\0😀", "x 😀")),
    ("p = NULL", "p", ("0x000000000101000000000000000000F03F0000000000000040", None)),
    ("tm = '-10:00:00.5'", "tm", ("10:00:00.500", "-10:00:00.500")),
    ("u = NULL", "u", ("123e4567-e89b-12d3-a456-426655440000", None)),
])
def test_a_change_in_any_type_is_found_and_its_values_are_told(both, change, column, expected):
    in_both(both, VALUES)
    assert row_diff.equal_tables(*both, ["t"]) == {"t"}
    both[1].execute(f"UPDATE t SET {change} WHERE id = 1")
    assert row_diff.equal_tables(*both, ["t"]) == set()
    assert row_diff.compare(*both, "t").changes == (row_diff.RowChange(("1",), "changed", {column: expected}),)


@pytest.mark.parametrize(("one", "other"), [
    ("1, NULL, ''", "1, '', NULL"), ("1, 'ab', 'c'", "1, 'a', 'bc'"), ("1, NULL, NULL", "1, '', ''"),
    ("1, 'a', NULL", "1, NULL, 'a'"), ("1, '-', ''", "1, NULL, ''"), ("1, 'A', 'a'", "1, 'a', 'A'"),
    ("1, 'é', ''", "1, 'e', ''"), ("1, 'a ', ''", "1, 'a', ''"),
])
def test_values_that_look_alike_are_told_apart(both, one, other):
    in_both(both, "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9), b VARCHAR(9)) CHARACTER SET latin1")
    for client, row in zip(both, (one, other)):
        client.execute(f"INSERT INTO t VALUES ({row})")
    assert row_diff.equal_tables(*both, ["t"]) == set()
    assert [change.kind for change in row_diff.compare(*both, "t").changes] == ["changed"]


def test_equal_rows_are_equal_in_other_character_sets_orders_and_engines(both):
    both[0].execute("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) CHARACTER SET latin1, b TEXT, ts TIMESTAMP)")
    both[1].execute("CREATE TABLE t (ts TIMESTAMP, B LONGTEXT, a CHAR(9) CHARACTER SET utf8mb4, id BIGINT PRIMARY KEY) "
                    "ENGINE=MyISAM")
    for client in both:
        client.execute("INSERT INTO t (id, a, b, ts) VALUES (2, 'é', '', '2026-01-01'), (1, 'ß', NULL, '2026-06-01')")
    assert row_diff.equal_tables(*both, ["t"]) == {"t"}
    assert row_diff.compare(*both, "t") == row_diff.TableDiff("t", 2, 2, (), True)
    assert list(row_diff.differing(*both, ["t", "neither"])) == []


def test_the_same_bytes_in_another_character_set_are_another_text(both):
    for client, charset in zip(both, ("latin1", "utf8mb4")):
        client.execute(f"CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) CHARACTER SET {charset}); "
                       f"INSERT INTO t VALUES (1, _{charset} X'C3A9')")
    assert row_diff.equal_tables(*both, ["t"]) == set()
    assert row_diff.compare(*both, "t").changes == (
        row_diff.RowChange(("1",), "changed", {"a": ("Ã©", "é")}),)


def test_columns_that_one_side_lacks_are_left_out(both):
    in_both(both, "CREATE TABLE t (id INT PRIMARY KEY, a INT); INSERT INTO t VALUES (1, 1), (2, 2)")
    both[1].execute("ALTER TABLE t ADD more INT DEFAULT 5 FIRST")
    assert row_diff.compare(*both, "t").changes == ()
    both[0].execute("UPDATE t SET a = 3 WHERE id = 2")
    assert row_diff.compare(*both, "t").changes == (row_diff.RowChange(("2",), "changed", {"a": ("3", "2")}),)


def test_tables_without_a_key_are_compared_with_the_counts_of_their_rows(both):
    in_both(both, "CREATE TABLE t (a VARCHAR(9), b BLOB)")
    both[0].execute("INSERT INTO t VALUES ('x', NULL), ('x', NULL), ('x', NULL), ('y', '\\0'), (NULL, ''), ('z', 'z')")
    both[1].execute("INSERT INTO t VALUES ('x', NULL), ('y', '\\0'), ('y', '\\0'), ('', NULL), ('z', 'z')")
    diff = row_diff.compare(*both, "t")
    assert (diff.rows_a, diff.rows_b, diff.by_key, diff.ranges_left) == (6, 5, False, 0)
    assert sorted((one.kind, one.count, one.columns["a"], one.columns["b"]) for one in diff.changes) == sorted([
        ("removed", 2, ("x", None), (None, None)), ("added", 1, (None, "y"), (None, "0x00")),
        ("removed", 1, (None, None), ("0x", None)), ("added", 1, (None, ""), (None, None))])


def test_tables_that_are_twice_what_they_were_do_not_cancel_out(both):
    in_both(both, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (1)")
    both[1].execute("UPDATE t SET a = 2")
    assert row_diff.equal_tables(*both, ["t"]) == set()
    assert {(one.kind, one.count) for one in row_diff.compare(*both, "t").changes} == {("removed", 2), ("added", 2)}


@pytest.mark.parametrize("key", ["UNIQUE KEY (a)", "PRIMARY KEY (f)", "UNIQUE KEY (n(3))", "KEY (n)"])
def test_a_key_that_does_not_tell_rows_apart_is_not_used(both, key):
    in_both(both, f"CREATE TABLE t (a INT, f FLOAT, n VARCHAR(9) NOT NULL, {key})")
    both[0].execute("INSERT INTO t VALUES (NULL, 0.1, 'abc')")
    both[1].execute("INSERT INTO t VALUES (NULL, 0.2, 'abc')")
    diff = row_diff.compare(*both, "t")
    assert (diff.by_key, [one.kind for one in diff.changes]) == (False, ["removed", "added"])


def test_a_unique_key_serves_where_there_is_no_primary_one(both):
    in_both(both, "CREATE TABLE t (a INT, n VARCHAR(9) NOT NULL, UNIQUE KEY odd (n))")
    both[0].execute("INSERT INTO t VALUES (1, 'é😀'), (2, 'b')")
    both[1].execute("INSERT INTO t VALUES (1, 'é😀'), (3, 'b')")
    assert row_diff.compare(*both, "t").changes == (row_diff.RowChange(("b",), "changed", {"a": ("2", "3")}),)


def test_the_rows_of_a_view_can_be_compared(both):
    in_both(both, "CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1); "
                  "CREATE VIEW seen AS SELECT v FROM t")
    assert row_diff.equal_tables(*both, ["seen"]) == {"seen"}
    both[1].execute("UPDATE t SET v = 2")
    assert [one.kind for one in row_diff.compare(*both, "seen").changes] == ["removed", "added"]


def test_names_of_columns_may_differ_in_capitals(both):
    for client, name, value in zip(both, ("name", "NAME"), "ab"):
        client.execute(f"CREATE TABLE t (id INT PRIMARY KEY, {name} TEXT); INSERT INTO t VALUES (1, '{value}')")
    assert row_diff.compare(*both, "t").changes == (row_diff.RowChange(("1",), "changed", {"name": ("a", "b")}),)


def test_names_may_hold_anything(both):
    name = "odd; `'\"é\\"
    in_both(both, f"CREATE TABLE {quote_name(name)} ({quote_name(name)} INT, v INT, CONSTRAINT PRIMARY KEY "
                  f"({quote_name(name)})); INSERT INTO {quote_name(name)} VALUES (1, 1), (2, 2)")
    both[1].execute(f"UPDATE {quote_name(name)} SET v = 3 WHERE v = 2")
    [diff] = row_diff.differing(*both, [name])
    assert (diff.table, told(diff)) == (name, {("changed", ("2",)): ("2", "3")})


def test_no_more_is_listed_than_was_asked_for_and_the_rest_is_counted(both, fine):
    in_both(both, "CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t SELECT seq, seq FROM seq_1_to_500")
    both[1].execute("UPDATE t SET v = 0")
    diff = row_diff.compare(*both, "t", most=10)
    assert 10 <= len(diff.changes) <= 10 + row_diff.ROWS_AT_ONCE
    assert [one.key for one in diff.changes[:3]] == [("1",), ("2",), ("3",)]
    assert diff.ranges_left > 20


def test_a_table_that_is_empty_on_one_side_is_told_row_by_row(both, fine):
    in_both(both, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    both[1].execute("INSERT INTO t SELECT seq * 1000000, seq FROM seq_1_to_50")
    diff = row_diff.compare(*both, "t")
    assert (diff.rows_a, diff.rows_b, {one.kind for one in diff.changes}, len(diff.changes)) == (0, 50, {"added"}, 50)


def test_long_values_come_whole_up_to_a_bound_and_say_what_is_missing(both):
    in_both(both, "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)")
    for client, end in zip(both, "ab"):
        client.execute(f"INSERT INTO t VALUES (1, CONCAT(REPEAT('é', 150000), '{end}')), "
                       f"(2, CONCAT(REPEAT('é', 250000), '{end}'))")
    first, second = row_diff.compare(*both, "t").changes
    assert first.columns["v"] == ("é" * 150000 + "a", "é" * 150000 + "b")
    in_a, in_b = second.columns["v"]
    assert in_a.startswith("é" * 200000 + "… (500001 bytes, SHA-256 ")
    assert in_a != in_b


def test_a_table_that_is_not_there_is_a_fault(both):
    both[0].execute("CREATE TABLE t (id INT)")
    with pytest.raises(DatabaseError, match=r"t`w.o: there is no table t"):
        row_diff.compare(*both, "t")
    assert row_diff.equal_tables(*both, ["t"]) == set()


@contextmanager
def rows_read(client: Client, counted: dict[str, int]) -> Iterator[None]:
    """Count what the whole server reads: nobody else asks it anything."""
    def counters() -> dict[str, int]:
        return {name: int(value) for name, value in client.query("SHOW GLOBAL STATUS LIKE 'Handler_read%'")}

    before = counters()
    yield
    counted |= {name: value - before[name] for name, value in counters().items()}


def test_ten_changed_rows_cost_one_pass_and_less_than_a_hundredth_of_another(both):
    rows, counted = 1_000_000, {}
    in_both(both, f"CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t SELECT seq, seq FROM seq_1_to_{rows}")
    places = [1, *random.Random(10).sample(range(2, rows), 8), rows]
    both[1].execute(f"UPDATE t SET v = -1 WHERE id IN ({', '.join(map(str, places))})")
    with rows_read(both[0], counted):
        [diff] = row_diff.differing(*both, ["t"])
    assert sorted(int(one.key[0]) for one in diff.changes) == sorted(places)
    assert 2 * rows < sum(counted.values()) < 2 * rows * 1.01


def test_lumps_and_gaps_of_numbers_cost_no_further_pass(both):
    counted = {}
    in_both(both, "CREATE TABLE t (id BIGINT PRIMARY KEY, v INT); INSERT INTO t SELECT seq, seq FROM seq_1_to_100000; "
                  "INSERT INTO t SELECT seq * 40000000000000, seq FROM seq_1_to_100000; "
                  "INSERT INTO t VALUES (-9223372036854775808, 1), (9223372036854775807, 1)")
    both[1].execute("UPDATE t SET v = -1 WHERE id = 5000")
    with rows_read(both[0], counted):
        assert [one.key for one in row_diff.compare(*both, "t").changes] == [("5000",)]
    assert 2 * 200_002 < sum(counted.values()) < 2 * 200_002 * 1.02


def test_a_dry_run_compares_too(both, monkeypatch):
    in_both(both, "CREATE TABLE t (id INT PRIMARY KEY)")
    both[1].execute("INSERT INTO t VALUES (1)")
    monkeypatch.setattr(process.conduct, "dry_run", True)
    assert [one.kind for one in row_diff.compare(*both, "t").changes] == ["added"]
    assert schema_diff.differences(*map(schema_diff.read, both)) == []
