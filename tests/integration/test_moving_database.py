"""One database becomes equal to another, and only what differs travels."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.database import copy, credentials, dump, programs, sums
from scripts.database.account import Account
from scripts.database.client import Client
from scripts.database.digest import DumpDigest
from scripts.errors import CommandError, DatabaseError
from scripts.hosts import process
from scripts.hosts.host import Host
from scripts.hosts.local import LocalHost
from scripts.hosts.ssh import SshHost, socket_folder
from tests.lab.lab import Lab

TABLES = r"""
CREATE TABLE kinds (id INT PRIMARY KEY AUTO_INCREMENT, b BIT(9), v VARBINARY(300), bl LONGBLOB, f FLOAT, d DOUBLE,
    n DECIMAL(30,10), j JSON, e ENUM('a','b,)'), s SET('x','y'), dt DATETIME(6), ts TIMESTAMP NULL, y YEAR,
    t MEDIUMTEXT, p POINT, half INT AS (y DIV 2) VIRTUAL, kept INT AS (y * 2) STORED) DEFAULT CHARSET=utf8mb4;
INSERT INTO kinds (b, v, bl, f, d, n, j, e, s, dt, ts, y, t, p) VALUES
    (b'101010101', X'00', REPEAT(X'00FF27220A0D1A5C', 50), 1 / 3, 1e-300, 12345678901234567890.0123456789, '{"a": 1}',
     'b,)', 'x,y', '2026-11-21 09:00:00.123456', '2026-11-21 09:00:00', 2026, 'it''s ),(\n-- Dump completed\n\\',
     POINT(1, 2)),
    (0, '', '', -0.0, 0, 0, '[]', 'a', '', '0001-01-01', NULL, 1901, '', NULL),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'NULL 😀', NULL);
CREATE TABLE old (id INT, t VARCHAR(600)) DEFAULT CHARSET=latin1;
CREATE TABLE `no key, ``odd`` 'name'` (`a b``c` VARCHAR(20), `ü` INT, a VARCHAR(20)) COLLATE utf8mb4_bin;
INSERT INTO `no key, ``odd`` 'name'` VALUES ('twice', 1, ''), ('twice', 1, ''), ('', 2, NULL), (NULL, 2, '');
CREATE TABLE empty (id INT);
CREATE TABLE parent (id INT PRIMARY KEY, t VARCHAR(9));
CREATE TABLE child (id INT, FOREIGN KEY (id) REFERENCES parent (id));
INSERT INTO parent VALUES (1, 'a'), (2, 'b'); INSERT INTO child VALUES (1);
CREATE TABLE index_search (t TEXT, FULLTEXT (t)) ENGINE=MyISAM;
INSERT INTO index_search VALUES ('found');
CREATE SEQUENCE numbers START WITH 7;
CREATE VIEW seen AS SELECT id, t FROM kinds;
CREATE TRIGGER filled BEFORE INSERT ON empty FOR EACH ROW SET NEW.id = NEW.id + 1;
CREATE PROCEDURE told() SELECT '\n-- Dump completed\n';
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1;
"""
EVERY_BYTE = "INSERT INTO old VALUES (1, X'" + bytes(range(256)).hex() + "'), (2, X'" + "é😀".encode().hex() + "')"
CHANGES = [
    "UPDATE kinds SET b = b'101010100' WHERE id = 1", "UPDATE kinds SET v = X'0000' WHERE id = 1",
    "UPDATE kinds SET bl = CONCAT(bl, X'00') WHERE id = 1", "UPDATE kinds SET f = 1.5 WHERE id = 1",
    "UPDATE kinds SET d = 1.0000000000000002e-300 WHERE id = 1", "UPDATE kinds SET n = n + 0.0000000001 WHERE id = 1",
    "UPDATE kinds SET j = '{\"a\": 2}' WHERE id = 1", "UPDATE kinds SET e = 'a' WHERE id = 1",
    "UPDATE kinds SET s = 'x' WHERE id = 1", "UPDATE kinds SET dt = '2026-11-21 09:00:00.123457' WHERE id = 1",
    "UPDATE kinds SET ts = '2026-11-21 09:00:01' WHERE id = 1", "UPDATE kinds SET y = 2027 WHERE id = 1",
    "UPDATE kinds SET t = REPLACE(t, 'it', 'It') WHERE id = 1", "UPDATE kinds SET p = POINT(2, 1) WHERE id = 1",
    "UPDATE kinds SET v = NULL WHERE id = 2", "UPDATE kinds SET bl = NULL WHERE id = 2",
    "UPDATE kinds SET t = NULL WHERE id = 2", "UPDATE kinds SET s = NULL WHERE id = 2",
    "UPDATE kinds SET id = 9 WHERE id = 3", "DELETE FROM kinds WHERE id = 9",
    "INSERT INTO kinds (t) SELECT t FROM kinds WHERE id = 1"]
LITTLE_DIFFERENT = [
    (["('ab', 'c')"], ["('a', 'bc')"]), (["('a', '')"], ["('', 'a')"]), (["('a', NULL)"], ["(NULL, 'a')"]),
    (["('', NULL)"], ["(NULL, '')"]), (["('a', 'b')"] * 2, ["('c', 'd')"] * 2), ([], ["(NULL, NULL)"]),
    (["('a', 'b')"], ["('a', 'b')"] * 3), (["('1', 'x')", "('2', 'y')"], ["('1', 'y')", "('2', 'x')"]),
    (["('a ', 'b')"], ["('a', 'b')"]), (["('A', 'b')"], ["('a', 'b')"]), (["('0', 'b')"], ["('', 'b')"])]
HOLDING_ROWS = {"kinds", "old", "no key, `odd` 'name'", "empty", "parent", "child", "index_search"}
SEEN = """
SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1;
SELECT trigger_name, event_object_table, action_statement FROM information_schema.triggers
    WHERE trigger_schema = DATABASE() ORDER BY 1;
SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 1;
SELECT event_name FROM information_schema.events WHERE event_schema = DATABASE() ORDER BY 1;
SELECT @@character_set_database, @@collation_database
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture
def both(lab: Lab) -> Iterator[tuple[Client, Client]]:
    """A database full of what could go wrong, and an empty one; one account."""
    with entered(lab, LocalHost("here")) as clients:
        yield clients


@contextmanager
def entered(lab: Lab, host: Host) -> Iterator[tuple[Client, Client]]:
    programs.forget()  # another test had other programs on its PATH
    for name in ("source", "target"):
        lab.mariadb.sql(f"DROP DATABASE IF EXISTS {name}")
    lab.mariadb.sql("DROP USER IF EXISTS wiki@localhost, wiki@127.0.0.1")
    lab.mariadb.sql("CREATE DATABASE source CHARACTER SET utf8mb4; CREATE DATABASE target CHARACTER SET latin1")
    lab.mariadb.create_account("wiki", "secret", "source")
    lab.mariadb.sql("GRANT ALL ON target.* TO wiki@localhost; GRANT ALL ON target.* TO wiki@127.0.0.1")
    account = Account("source", "wiki", "secret", "127.0.0.1", lab.mariadb.port)
    with credentials.option_file(host, account) as options:
        source = Client(host, options, "source")
        source.execute(f"{TABLES}; {EVERY_BYTE}")
        yield source, Client(host, options, "target")


def content(client: Client) -> tuple:
    """Everything there is, as the server tells it, with the checksum of each table without FLOAT."""
    seen = client.query(SEEN)
    tables = [table.name for table in client.tables() if table.kind == "BASE TABLE"]
    listed = ", ".join("`" + name.replace("`", "``") + "`" for name in tables)
    checksums = client.query(f"CHECKSUM TABLE {listed}") if tables else []
    made = [client.query(f"SHOW CREATE TABLE `{name.replace('`', '``')}`") for name in tables]
    digest = DumpDigest()
    process.pipe(dump.dump_command(dump.lossless(client)), digest.pass_on)
    return seen, made, digest.finish(), [row[1] for row, name in zip(checksums, tables) if name != "kinds"]


def made_equal(both: tuple[Client, Client], **choices) -> copy.Result:
    """Make the target equal, see that it is, and that the source stayed as it was."""
    before = content(both[0])
    result = copy.make_equal(*both, **choices)
    assert content(both[0]) == before
    assert content(both[1]) == before
    return result


@pytest.fixture
def shims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def shim(folder: Path, name: str, script: str) -> None:
    programs.forget()
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def sum_of(client: Client, table: str) -> str:
    return sums.of(client, [table])[table]


# Sums


def test_every_change_of_a_value_changes_the_sum(both):
    found = [sum_of(both[0], "kinds")]
    for change in CHANGES:
        both[0].execute(change)
        found.append(sum_of(both[0], "kinds"))
    assert [change for change, before, after in zip(CHANGES, found, found[1:]) if before == after] == []


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1", "binary"])
def test_rows_that_differ_little_have_another_sum(both, charset):
    both[0].execute(f"CREATE TABLE pair (a VARCHAR(20), b VARCHAR(20)) CHARACTER SET {charset}")
    confused = []
    for one, other in LITTLE_DIFFERENT:
        found = []
        for rows in (one, other):
            both[0].execute("DELETE FROM pair" + (f"; INSERT INTO pair VALUES {', '.join(rows)}" if rows else ""))
            found.append(sum_of(both[0], "pair"))
        confused += [(one, other)] if found[0] == found[1] else []
    assert confused == []


def test_rows_in_another_order_have_the_same_sum(both):
    for client, rows in zip(both, ("('a', 1), ('b', 2), ('a', 1)", "('b', 2), ('a', 1), ('a', 1)")):
        client.execute(f"CREATE TABLE pair (a VARCHAR(20) CHARACTER SET latin1, b INT); INSERT INTO pair VALUES {rows}")
    assert sum_of(both[0], "pair") == sum_of(both[1], "pair")


def test_sums_of_many_tables_need_few_calls_and_change_nothing(both, monkeypatch):
    source = both[0]
    source.execute(";".join(f"CREATE TABLE t{number} (id INT)" for number in range(250)))
    called = []
    monkeypatch.setattr(process.conduct, "on_start", called.append)
    monkeypatch.setattr(process.conduct, "dry_run", True)
    assert len(sums.of(source, [f"t{number}" for number in range(250)])) == 250
    assert len(called) <= 4


def test_the_time_zone_of_a_server_is_not_in_the_sum(lab, both):
    before = sum_of(both[0], "kinds")
    lab.mariadb.sql("SET GLOBAL time_zone = '+05:00'")
    try:
        assert sum_of(both[0], "kinds") == before
    finally:
        lab.mariadb.sql("SET GLOBAL time_zone = DEFAULT")


def test_a_sum_is_taken_on_a_server_with_ansi_quotes(lab, both):
    before = sums.of(both[0], HOLDING_ROWS)
    lab.mariadb.sql("SET GLOBAL sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'")
    try:
        assert sums.of(both[0], HOLDING_ROWS) == before
    finally:
        lab.mariadb.sql("SET GLOBAL sql_mode = DEFAULT")


# Made equal


def test_an_empty_database_gets_everything(both):
    begun = datetime.now(UTC)
    result = made_equal(both)
    assert set(result.reloaded) == HOLDING_ROWS and result.unchanged == () == result.dropped
    assert result.consistency == "locked"  # MyISAM has no snapshots
    assert begun <= result.moment <= begun + timedelta(seconds=60)
    assert both[1].charset_and_collation()[0] == "utf8mb4"
    assert both[1].query("SELECT HEX(t) FROM old WHERE id = 1") == [(bytes(range(256)).hex().upper(),)]


def test_what_is_equal_stays_and_is_not_dumped(both, shims):
    made_equal(both)
    shim(shims, "mariadb-dump", f'echo "$@" >{shims}/called; exec /usr/bin/mariadb-dump "$@"')
    result = copy.make_equal(*both)
    assert set(result.unchanged) == HOLDING_ROWS and result.reloaded == ()
    assert (shims / "called").read_text().count("--ignore-table=") == len(HOLDING_ROWS)


def test_a_database_of_nothing_but_equal_tables_is_not_dumped_at_all(both, shims):
    both[0].execute("DROP VIEW seen; DROP PROCEDURE told; DROP EVENT nightly; DROP SEQUENCE numbers")
    made_equal(both)
    shim(shims, "mariadb-dump", "exit 1")
    assert copy.make_equal(*both).reloaded == ()


def test_only_what_changed_on_either_side_is_loaded_anew(both):
    source, target = both
    made_equal(both)
    source.execute("UPDATE parent SET t = 'changed' WHERE id = 1; CREATE TABLE added (id INT); DROP TABLE index_search")
    target.execute("INSERT INTO old VALUES (3, 'made here'); CREATE TABLE stranger (id INT); "
                   "CREATE VIEW strange_view AS SELECT 1; CREATE FUNCTION strange() RETURNS INT RETURN 1; "
                   "CREATE EVENT strange ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1")
    result = made_equal(both)
    assert set(result.reloaded) == {"parent", "added", "old"}
    assert set(result.dropped) == {"index_search", "stranger", "strange_view"}
    assert set(result.unchanged) == HOLDING_ROWS - {"parent", "old", "index_search"}


def test_a_table_that_was_made_another_way_is_loaded_anew(both):
    both[0].execute("DROP TABLE child; ALTER TABLE parent MODIFY id INT AUTO_INCREMENT")
    copy.make_equal(*both)
    for change in ("ADD KEY (t)", "MODIFY t VARCHAR(10)", "AUTO_INCREMENT = 9", "COMMENT 'told'", "ENGINE = MyISAM",
                   "ADD c INT FIRST"):
        both[0].execute(f"ALTER TABLE parent {change}")
        assert (change, copy.make_equal(*both).reloaded) == (change, ("parent",))
    both[0].execute("CREATE TRIGGER more BEFORE INSERT ON parent FOR EACH ROW SET NEW.t = ''")
    assert copy.make_equal(*both).reloaded == ("parent",)
    both[1].execute("ALTER TABLE parent DROP COLUMN t, ADD z INT; DROP TRIGGER more")
    assert made_equal(both).reloaded == ("parent",)


def test_a_name_that_became_something_else_is_no_obstacle(both):
    both[1].execute("CREATE TABLE seen (id INT); CREATE VIEW kinds AS SELECT 1; CREATE TABLE numbers (id INT); "
                    "CREATE SEQUENCE parent")
    assert made_equal(both).dropped == ()


def test_full_loads_all_tables(both):
    made_equal(both)
    result = made_equal(both, full=True)
    assert set(result.reloaded) == HOLDING_ROWS and result.unchanged == ()


def test_skipped_tables_are_left_alone_on_both_sides(both):
    source, target = both
    target.execute("CREATE TABLE index_search (own INT); CREATE TABLE index_own (own INT)")
    result = copy.make_equal(source, target, skip_tables=["index_search", "index_own", "empty"])
    assert set(result.reloaded) == HOLDING_ROWS - {"index_search", "empty"}
    assert {"index_own", "index_search"} <= {table.name for table in target.tables()}
    assert "empty" not in {table.name for table in target.tables()}
    assert target.query("SHOW COLUMNS FROM index_search")[0][0] == "own"


def test_rows_written_here_and_removed_again_leave_only_the_table_they_were_in(both):
    made_equal(both)
    both[1].execute("INSERT INTO kinds (t) VALUES ('x'); DELETE FROM kinds WHERE t = 'x'")
    assert made_equal(both).reloaded == ("kinds",)  # its next number is another one now


@pytest.mark.parametrize("far", ["source", "target"])
def test_one_side_behind_ssh(lab, far):
    sshd = lab.sshd()
    host = SshHost("far", sshd.host, socket_folder(str(lab.folder / "sockets")), user=sshd.user, port=sshd.port,
                   key=str(sshd.key), known_hosts=str(sshd.known_hosts))
    account = Account("", "wiki", "secret", "127.0.0.1", lab.mariadb.port)
    with entered(lab, LocalHost("here")) as (source, target), credentials.option_file(host, account) as options:
        there = Client(host, options, far)
        both = (there, target) if far == "source" else (source, there)
        assert set(made_equal(both).reloaded) == HOLDING_ROWS
        assert set(made_equal(both).unchanged) == HOLDING_ROWS


def test_a_dry_run_tells_what_it_would_load_and_changes_nothing(both, monkeypatch):
    both[1].execute("CREATE TABLE stranger (id INT)")
    told = []
    monkeypatch.setattr(process.conduct, "on_dry", told.append)
    monkeypatch.setattr(process.conduct, "dry_run", True)
    result = copy.make_equal(*both)
    assert set(result.reloaded) == HOLDING_ROWS and result.dropped == ("stranger",)
    assert [table.name for table in both[1].tables()] == ["stranger"]
    assert any("mariadb-dump" in line for line in told)


def test_what_belongs_to_the_source_s_account_belongs_to_the_target_s_afterwards(lab, both):
    lab.mariadb.sql("DROP USER IF EXISTS dev@127.0.0.1, dev@localhost")
    lab.mariadb.create_account("dev", "secret", "target")
    account = Account("target", "dev", "secret", "127.0.0.1", lab.mariadb.port)
    with credentials.option_file(LocalHost("here"), account) as options:
        target = Client(LocalHost("here"), options, "target")
        copy.make_equal(both[0], target)
        assert set(target.query("SELECT definer FROM information_schema.views WHERE table_schema = 'target' UNION "
                                "SELECT definer FROM information_schema.triggers WHERE trigger_schema = 'target' UNION "
                                "SELECT definer FROM information_schema.routines WHERE routine_schema = 'target' UNION "
                                "SELECT definer FROM information_schema.events WHERE event_schema = 'target'")) \
            == {("dev@127.0.0.1",)}
        assert target.query("SELECT COUNT(*) FROM seen") == [("3",)]
        assert set(copy.make_equal(both[0], target).unchanged) == HOLDING_ROWS


def test_a_table_that_vanishes_while_it_is_looked_at_is_no_fault(both, monkeypatch):
    asked = copy.sums.of_both

    def as_if_rebuilt(source, target, tables, *known):
        monkeypatch.setattr(copy.sums, "of_both", asked)
        source.execute("RENAME TABLE index_search TO index_new")
        return asked(source, target, tables, *known)

    copy.make_equal(*both)
    monkeypatch.setattr(copy.sums, "of_both", as_if_rebuilt)
    result = copy.make_equal(*both)
    assert (result.reloaded, result.dropped) == (("index_new",), ("index_search",))


# When it goes wrong


@pytest.mark.parametrize("end", ["head -c 3000; exit 0", "grep -v 'Dump completed'", "head -c 0; exit 0"])
def test_a_dump_that_ends_early_with_exit_0_is_a_fault_of_the_source(both, shims, end):
    shim(shims, "mariadb-dump", f'/usr/bin/mariadb-dump "$@" | {end}')
    with pytest.raises(DatabaseError, match="database source: .*the dump ended early"):
        copy.make_equal(*both)
    shim(shims, "mariadb-dump", 'exec /usr/bin/mariadb-dump "$@"')
    made_equal(both)


def test_a_dump_that_fails_half_way_says_so(both, shims):
    shim(shims, "mariadb-dump",
         '/usr/bin/mariadb-dump "$@" 2>/dev/null | head -c 3000; echo "mariadb-dump: disk" >&2; exit 3')
    with pytest.raises(CommandError, match="mariadb-dump .*exit code 3: .*mariadb-dump: disk"):
        copy.make_equal(*both)


def test_a_client_that_read_only_a_part_is_a_fault_of_the_target(both, shims):
    shim(shims, "mariadb", 'case "$*" in *skip-column-names*) head -c 3000 | /usr/bin/mariadb "$@"; exit 0;; esac; '
                           'exec /usr/bin/mariadb "$@"')
    with pytest.raises(DatabaseError, match="database target: the load ended early"):
        copy.make_equal(*both)


def test_a_row_that_is_lost_on_the_way_is_a_fault(both, shims):
    shim(shims, "mariadb", 'case "$*" in *skip-column-names*) sed "s/^(1,.a.),$//" | /usr/bin/mariadb "$@"; exit;; '
                           'esac; exec /usr/bin/mariadb "$@"')
    with pytest.raises(DatabaseError, match="table parent has 1 rows instead of 2"):
        copy.make_equal(*both)


def test_a_table_that_the_dump_leaves_out_is_a_fault(both, shims):
    shim(shims, "mariadb-dump", 'file=$1; shift; exec /usr/bin/mariadb-dump "$file" --ignore-table=source.parent "$@"')
    with pytest.raises(DatabaseError, match="missing: parent"):
        copy.make_equal(*both)
