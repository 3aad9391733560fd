"""SQL of mods: what is refused, which tables it names, and answers that stay values wherever they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import RefusedError
from scripts.steps import mods_sql

ATTACKS = ("x'; DROP TABLE users_users; --", 'x"; DROP TABLE users_users; #', "\\", "\\'; DROP TABLE t; -- ", "`", "/*",
           "') OR (1=1", "-- ", "$other", "0x41", "1; DELETE FROM t", "NULL", "é'\"")


def texts(line: str) -> list[str]:
    return [one.text for one in mods_sql.statements(line)]


@pytest.mark.parametrize(("line", "expected"), [
    ("DROP TABLE a; DROP TABLE b;", ["DROP TABLE a", "DROP TABLE b"]),
    ("INSERT INTO t VALUES ('a;b', \"c;d\", 'it''s;', 'x\\';y')", ["INSERT INTO t VALUES ('a;b', \"c;d\", 'it''s;', "
                                                                  "'x\\';y')"]),
    ("DELETE FROM `a;b` -- ; DROP TABLE c", ["DELETE FROM `a;b`"]),
    ("DELETE FROM t WHERE a = 1--2; # DROP TABLE c", ["DELETE FROM t WHERE a = 1--2"]),
    ("DELETE /* ; */ FROM t", ["DELETE   FROM t"]),
    (" ; ;", []),
])
def test_statements_are_told_apart_as_the_server_does(line, expected):
    assert texts(line) == expected


@pytest.mark.parametrize("line", [
    "INSERT INTO t VALUES ('a", 'UPDATE t SET a = "b', "DELETE FROM `t", "DELETE /* FROM t", "/*!50000 DROP TABLE t */",
    "/*M!100000 DROP TABLE t */", "SELECT 1 \\C gbk", "SELECT 1 \\! id", "SELECT \\", "SELECT \\Nx",
    "DELETE FROM t WHERE a = 1--/**/2 AND b = 3", "DROP TABLE t\0", "DROP TABLE t\nDROP TABLE u"])
def test_what_two_readers_could_read_in_two_ways_is_refused(line):
    with pytest.raises(RefusedError):
        mods_sql.statements(line)


@pytest.mark.parametrize("line", [
    "GRANT ALL ON *.* TO x", "CREATE USER x", "USE mysql", "CALL p()", "LOAD DATA INFILE 'x' INTO TABLE t",
    "SELECT 1 INTO OUTFILE '/tmp/x'", "SELECT a INTO @b FROM t", "INSERT INTO t VALUES (LOAD_FILE('/etc/passwd'))",
    "SET GLOBAL a = 1", "SET @a = 1, sql_mode = 'ANSI_QUOTES'", "SET sql_mode = ''", "SET @@global.a = 1",
    "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1", "CREATE PROCEDURE p() SELECT 1",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1", "CREATE VIEW v AS SELECT 1", "DROP DATABASE x",
    "CREATE DATABASE x", "ALTER DATABASE x CHARACTER SET utf8", "INSERT INTO other.t VALUES (1)",
    "UPDATE t, `other` . u SET a = 1", "INSERT INTO t SELECT * FROM mysql.user",
    "CREATE TABLE t (a int) ENGINE=FEDERATED CONNECTION='mysql://x'", "CREATE TABLE t (a int) DATA DIRECTORY='/tmp'",
    "CREATE TABLE t (a int) TYPE = CONNECT", "CREATE TABLE t (a int) ENGINE FEDERATED CONNECTION 'mysql://x'",
    "CREATE TABLE t (a int) ENGINE='CONNECT'", "ALTER TABLE t ADD b int, ENGINE `federated`",
    "SELECT `Load_File`('/x')", "CREATE TABLE t (a int) engine 'csv'",
    "CREATE TABLE t (a int) PARTITION BY HASH (a) (PARTITION p ENGINE CSV)",
    "PREPARE x FROM 'DROP TABLE t'", "EXECUTE x", "LOCK TABLES t WRITE",
    "delimiter //", "source x", "system id", "HANDLER t OPEN", "COMMIT",
])
def test_what_reaches_further_than_the_site_s_tables_is_refused(line):
    (statement,) = mods_sql.statements(line)
    with pytest.raises(RefusedError):
        mods_sql.refuse_unconfined(statement, {"other", "mysql"})


@pytest.mark.parametrize("line", [
    "create table if not exists cc_cc ( seq int not null auto_increment, type varchar(3), primary key(seq))"
    " TYPE=MyISAM",
    "INSERT IGNORE INTO users_permissions (permName) VALUES ('tiki_p_cc_use')", "REPLACE INTO t VALUES (1)",
    "ALTER TABLE `cc_cc` ADD INDEX ( `id` ( 16 ) )", "delete from tiki_menu_options where url like 'cc%'",
    "update tiki_menu_options set url='cc.php' where t.a = 1", "DROP TABLE IF EXISTS a, b", "TRUNCATE TABLE a",
    "RENAME TABLE a TO b", "CREATE UNIQUE INDEX i ON t (a)", "DROP INDEX i ON t", "SET @id = (SELECT MAX(a) FROM t)",
    "INSERT INTO t (type) SELECT type FROM u", "UPDATE t SET type = u.type, engine = 'csv'",
    "CREATE TABLE t (engine varchar(9), type text) ENGINE InnoDB", "ALTER TABLE t CHANGE engine engine text AFTER type",
    "INSERT INTO t VALUES (\\N, 1--2)", "CREATE TABLE t (a int) ENGINE='MyISAM'",
    "ALTER TABLE t DROP engine, ADD b int", "CREATE TEMPORARY TABLE x (a int)",
])
def test_what_mods_do_is_let_pass(line):
    for statement in mods_sql.statements(line):
        mods_sql.refuse_unconfined(statement, {"other", "mysql"})


def test_a_table_is_touched_wherever_its_name_stands_but_not_in_a_text():
    found = mods_sql.statements("UPDATE a JOIN `B` ON a.x = b.x SET a.y = 'c', d = \"e\"; DELETE FROM F USING F")
    assert mods_sql.touched(found, ["A", "b", "c", "d", "e", "f", "g"]) == {"A", "b", "d", "f"}


@pytest.mark.parametrize("value", ATTACKS)
def test_an_answer_stays_a_value_in_a_text(value):
    line = mods_sql.substituted("INSERT INTO t VALUES ('a $v b', \"$v\", $v); DELETE FROM u", {"v": value})
    found = mods_sql.statements(line)
    assert [one.text.split()[0] for one in found] == ["INSERT", "DELETE"]
    held = [token.text for token in found[0].tokens if token.kind == "text"]
    assert [unescaped(text) for text in held] == [f"a {value} b", value, value]


def unescaped(text: str) -> str:
    """Return what a server that takes backslashes as escapes reads."""
    quote, inner, made, place = text[0], text[1:-1], "", 0
    while place < len(inner):
        place += inner[place] in ("\\", quote)
        made += inner[place]
        place += 1
    return made


@given(st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs")), max_size=20))
def test_any_answer_stays_a_value(value):
    (found,) = mods_sql.statements(mods_sql.substituted("UPDATE t SET a = '$v', b = \"$v\"", {"v": value}))
    assert [unescaped(token.text) for token in found.tokens if token.kind == "text"] == [value, value]


def test_a_number_comes_without_quotes_and_other_dollar_words_stay():
    assert mods_sql.substituted("UPDATE t_$p SET a = $n, b = '$x $nn $HOME' -- $n", {"n": "-1.5", "p": "ab"}) == \
        "UPDATE t_ab SET a = -1.5, b = '$x $nn $HOME' -- $n"


@pytest.mark.parametrize("value", ["a b", "a`; DROP TABLE t", "a-b", ""])
def test_what_is_no_name_is_not_put_into_a_name(value):
    for line in ("DROP TABLE t_$p", "DROP TABLE `t_$p`"):
        with pytest.raises(RefusedError, match="letters, digits"):
            mods_sql.substituted(line, {"p": value})


@pytest.mark.parametrize("value", ["a\nb", "a\0", "\x1b"])
def test_control_characters_are_no_answer(value):
    with pytest.raises(RefusedError, match="control"):
        mods_sql.substituted("UPDATE t SET a = '$v'", {"v": value})
