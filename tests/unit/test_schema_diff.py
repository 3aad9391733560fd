"""What servers of different kinds and ages say of the same schema, and what of that differs."""

import pytest

from scripts.database.schema_diff import HIDDEN, Part, Schema, SchemaDifference, differences
from scripts.database.schema_text import charset, data_type, default, expression, extra, tells_defaults_as_sql


@pytest.mark.parametrize(("version", "expected"), [
    ("10.11.19-MariaDB-0+deb12u1", True), ("10.2.7-MariaDB", True), ("10.2.6-MariaDB", False),
    ("5.5.5-10.4.1-MariaDB", True), ("5.5.68-MariaDB", False), ("11.4.2-MariaDB-log", True),
    ("8.0.36-0ubuntu0.22.04.1", False), ("5.7.44-log", False), ("9.1.0", False)])
def test_only_newer_mariadb_tells_defaults_as_sql(version, expected):
    assert tells_defaults_as_sql(version) is expected


@pytest.mark.parametrize(("told", "expected"), [
    ("int(11)", "int"), ("int(10) unsigned", "int unsigned"), ("bigint(20)", "bigint"), ("tinyint(4)", "tinyint"),
    ("tinyint(1)", "tinyint(1)"), ("tinyint(1) unsigned", "tinyint unsigned"), ("year(4)", "year"),
    ("int(5) unsigned zerofill", "int(5) unsigned zerofill"), ("varchar(40)", "varchar(40)"),
    ("decimal(10,2)", "decimal(10,2)"), ("enum('int(11)')", "enum('int(11)')"), ("set('a','year(4)')",) * 2])
def test_the_width_that_integers_are_shown_in_is_no_part_of_a_type(told, expected):
    assert data_type(told) == expected


def test_utf8_goes_by_its_new_name():
    assert [charset(name) for name in ("utf8", "utf8_general_ci", "utf8mb4_bin", "utf8mb3", "latin1", None)] == [
        "utf8mb3", "utf8mb3_general_ci", "utf8mb4_bin", "utf8mb3", "latin1", None]


@pytest.mark.parametrize(("kind", "mariadb", "mysql", "extra_in_mysql"), [
    ("varchar", "'it''s'", "it's", ""),
    ("varchar", r"'a\\b'", r"a\b", ""),
    ("varchar", "''", "", ""),
    ("varchar", "'NULL'", "NULL", ""),
    ("varchar", "NULL", None, ""),
    ("varchar", None, None, ""),
    ("varchar", "'current_timestamp()'", "current_timestamp()", ""),
    ("int", "0", "0", ""),
    ("int", "-1", "-1", ""),
    ("decimal", "1.50", "1.50", ""),
    ("timestamp", "current_timestamp()", "CURRENT_TIMESTAMP", ""),
    ("timestamp", "current_timestamp()", "CURRENT_TIMESTAMP", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP"),
    ("datetime", "current_timestamp(6)", "CURRENT_TIMESTAMP(6)", "DEFAULT_GENERATED"),
    ("datetime", "'2020-01-01 00:00:00'", "2020-01-01 00:00:00", ""),
    ("bit", "b'101'", "b'101'", ""),
    ("int", "(1 + 2)", "(1 + 2)", "DEFAULT_GENERATED"),
    ("text", "'x'", "_utf8mb4'x'", "DEFAULT_GENERATED"),
])
def test_mariadb_and_mysql_mean_the_same_default(kind, mariadb, mysql, extra_in_mysql):
    assert default(mariadb, kind, "", True) == default(mysql, kind, extra_in_mysql, False)


@pytest.mark.parametrize(("one", "other"), [("''", "NULL"), ("'NULL'", "NULL"), ("'1'", "'1 '"), ("'a'", "'A'"),
                                            ("current_timestamp()", "'current_timestamp()'")])
def test_other_defaults_stay_different(one, other):
    assert default(one, "timestamp", "", True) != default(other, "timestamp", "", True)


@pytest.mark.parametrize(("one", "other"), [
    ("on update current_timestamp()", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP"),
    ("VIRTUAL", "VIRTUAL GENERATED"), ("PERSISTENT", "STORED GENERATED"), ("", "DEFAULT_GENERATED")])
def test_what_else_is_said_of_a_column_reads_alike(one, other):
    assert extra(one) == extra(other)


@pytest.mark.parametrize(("one", "other"), [
    ("json_valid(`j`)", "(JSON_VALID(`j`))"),
    ("`a` in ('x', 'Y')", r"(`a` in (_utf8mb4\'x\',_utf8mb4\'Y\'))"),
    ("select `w`.`t`.`a` AS `a` from `w`.`t`", "select  `t`.`a` as `a`\nfrom `t`"),
    ("(`a`) + (`b`)", "((`a`) + (`b`))"),
    ("`a` > now()", "`a` > CURRENT_TIMESTAMP"),
])
def test_expressions_read_alike(one, other):
    assert expression(one, "w") == expression(other, "w")


@pytest.mark.parametrize(("one", "other"), [
    ("`a` = 'x  y'", "`a` = 'x y'"), ("`a` = 'X'", "`a` = 'x'"), ("`A  b`", "`A b`"), ("(`a`) + (`b`)", "`a`) + (`b`"),
    ("`a` = 'w.'", "`a` = ''"), ("`a` = '`w`.'", "`a` = ''"), ("'a', 'b'", "'a, b'"), ("(')') + (1)", "')') + (1")])
def test_other_expressions_stay_different(one, other):
    assert expression(one, "w") != expression(other, "w")


def schema(**tables: list[str]) -> Schema:
    return Schema({part: "x" for name, columns in tables.items()
                   for part in (Part(name, "table"), *(Part(name, "column", column) for column in columns))})


def test_equal_schemas_have_no_differences():
    assert differences(schema(t=["a", "b"]), schema(t=["a", "b"])) == []


def test_of_a_lacking_table_only_that_is_told():
    assert differences(schema(t=["a"]), schema(t=["a"], more=["b"])) == [
        SchemaDifference("more", "table", "", None, "x")]


def test_an_added_column_moves_no_other():
    assert differences(schema(t=["a", "b"]), schema(t=["new", "a", "b"])) == [
        SchemaDifference("t", "column", "new", None, "x")]


def test_columns_in_another_order_are_told_once():
    assert differences(schema(t=["a", "b", "c"]), schema(t=["c", "a", "b"])) == [
        SchemaDifference("t", "order", "", "a, b, c", "c, a, b")]


def test_what_a_server_does_not_show_is_never_equal():
    hidden = Schema({Part("", "routine", "function f"): f"() {HIDDEN}"})
    assert [one.name for one in differences(hidden, hidden)] == ["function f"]


def test_differences_stand_by_table_and_kind():
    a = Schema({Part("b", "table"): "x", Part("b", "index", "i"): "x", Part("b", "column", "c"): "x",
                Part("", "database"): "x"})
    b = Schema(dict.fromkeys(a.parts, "y"))
    assert [(one.table, one.what) for one in differences(a, b)] == [
        ("", "database"), ("b", "table"), ("b", "column"), ("b", "index")]
