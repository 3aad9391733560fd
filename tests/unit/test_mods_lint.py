"""What make mods-lint finds, each with the line it stands in."""

from pathlib import Path

import pytest

from scripts.errors import UsageError
from scripts.mods import lint, names

GOOD = """\
revision:
1.2

description:
Does it

licence:
LGPL

version:
24+

files:
payload/a.php lib/a.php
payload/sample:b.conf lib/b.conf

configuration:
The server,server,$HTTP_HOST

sql-install:
CREATE TABLE x (id int);

sql-upgrade:
:1.1
ALTER TABLE x ADD a int;

sql-remove:
DROP TABLE x;
"""


def found(folder: Path, text: str, mod: str = "lib-x") -> list[str]:
    """Return the problems, as LINE: MESSAGE, of a control file with its sources beside it."""
    for name, content in (("a.php", "x"), ("sample:b.conf", "host=[:::[server]:::]")):
        (folder / "payload").mkdir(exist_ok=True)
        (folder / "payload" / name).write_text(content)
    path = folder / names.control_file(mod)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return [str(problem).removeprefix(f"{path}:") for problem in lint.lint(path, folder)]


def test_a_good_mod_has_no_problem(tmp_path):
    assert found(tmp_path, GOOD) == []


@pytest.mark.parametrize(("before", "after", "said"), [
    ("payload/a.php lib/a.php", "payload/gone.php lib/a.php", "14: payload/gone.php is missing"),
    ("payload/a.php lib/a.php", "payload lib/a.php", "14: payload is a folder"),
    ("payload/a.php lib/a.php", "payload/a.php\tlib/a.php", "14: a tab between the columns"),
    ("payload/a.php lib/a.php", "payload/a.php", "14: 'payload/a.php' has one column"),
    ("payload/a.php lib/a.php", "payload/a.php lib/", "14: the destination 'lib/' is a folder"),
    ("payload/a.php lib/a.php", "payload/a.php ../a.php", "14: the destination '../a.php' leads out"),
    ("The server,server,", "The server,host,", "15: payload/sample:b.conf: [:::[server]:::] is in it"),
    ("CREATE TABLE x (id int);", "CREATE TABLE x (\nid int);", "22: sql-install: 'id int);' begins no statement"),
    ("CREATE TABLE x (id int);", "CREATE TABLE x (id int) TYPE=MyISAM;", "21: sql-install: TYPE= behind a table"),
    ("CREATE TABLE x (id int);", f"INSERT INTO x VALUES ('{'y' * 1000}');", "21: 1026 bytes: old Tikis cut a line"),
    ("\nsql-remove:\nDROP TABLE x;\n", "", "21: makes tables, and there is no sql-remove"),
    ("ALTER TABLE x ADD a int;\n\nsql-remove", "ALTER TABLE x ADD a int;\nsql-remove", "26: no blank line before"),
    (":1.1", ":1.3", "24: the block :1.3 is above the mod's own revision 1.2"),
    (":1.1\n", "", "24: a statement before the first :revision"),
    ("revision:\n1.2", "revision:\n$Revision$", "2: the keyword $Revision$ was never replaced"),
    ("revision:\n1.2", "revision:\nRevision: 1.2", "2: 'Revision: 1.2': the number is meant"),
    ("revision:\n1.2", "revision: 1.2", "1: a value on the line of its label"),
    ("24+", "soon", "11: 'soon' says for no Tiki"),
    ("licence:", "license:", "7: the label is 'licence'"),
    ("licence:", "homepage:", "7: 'homepage' is no known label"),
    ("licence:\nLGPL\n", "", "1: has no licence"),
    ("Does it", "Does \udcff it", "5: has bytes that are no UTF-8"),
    ("configuration:", "requires:\nlib-x\n\nconfiguration:", "18: requires itself"),
    ("configuration:", "requires:\nlib-y==1\n\nconfiguration:", "18: lib-y: == is no test"),
    ("Does it", "it " * 1500, "5: its line in a list has more than 4095 bytes"),
])
def test_each_fault_is_found_in_its_line(tmp_path, before, after, said):
    assert before in GOOD
    problems = found(tmp_path, GOOD.replace(before, after))
    assert [problem for problem in problems if problem.startswith(said)], problems


def test_an_unknown_type_is_told(tmp_path):
    assert found(tmp_path, GOOD, "thingy-x")[0].startswith("1: nobody knows the type 'thingy'")


def test_files_of_a_maintenance_mod_are_told(tmp_path):
    assert found(tmp_path, GOOD, "maintenance-x")[0].startswith("1: is of the type maintenance")


@pytest.mark.parametrize(("wanted", "chosen"), [
    ("lib-a", ["lib-a"]), ("lib-a,features-b", ["lib-a", "features-b"]), ("lib-*", ["lib-a", "lib-c"]),
    ("all", ["features-b", "lib-a", "lib-c"]), ("lib-a lib-a", ["lib-a"]), ("lib-[ac]", ["lib-a", "lib-c"])])
def test_mods_are_chosen_by_name_glob_or_all(wanted, chosen):
    assert names.select(wanted, ["lib-a", "lib-c", "features-b"], "the collection") == chosen


@pytest.mark.parametrize(("wanted", "known", "said"), [
    ("lib-aa", ["lib-a"], "did you mean lib-a"), ("zzz", ["lib-a"], "It has: lib-a"),
    ("lib-a", [], "it has none at all"),
    ("lib-a,", ["lib-a"], "MOD=:")])
def test_a_mod_that_is_not_there_is_told_with_the_nearest(wanted, known, said):
    with pytest.raises(UsageError, match="MOD=") as caught:
        names.select(wanted, known, "the collection")
    assert said in str(caught.value)
