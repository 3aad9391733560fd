"""What a Tiki needs is told by its version; the table is data and is read strictly."""

import pytest

from scripts.errors import RegistryError
from scripts.tiki import requirements
from scripts.tiki.requirements import Requirement

HEAD = "tiki,php_min,php_max,mariadb_min,mysql_min\n"


@pytest.mark.parametrize(("version", "php_range"), [
    ("24.4", "7.4 to 8.2"), ("24.x", "7.4 to 8.2"), ("29.0vcs", "8.1 to 8.4"), ("12.14", "5.3 to 5.6"),
    ("25.0beta2", "7.4"), ("2.0b2", "5.0 to 5.6"), ("1.9.8", "4.1 to 5.6"),
])
def test_a_version_tells_the_php_it_needs(version, php_range):
    assert requirements.of(version).php_range == php_range


@pytest.mark.parametrize("name", ["trunk", "master", "TRUNK"])
def test_the_next_tiki_needs_at_least_what_the_newest_known_one_needs(name):
    assert requirements.of(name) == requirements.of("29.0")


@pytest.mark.parametrize("version", ["99.1", "", "unknown"])
def test_of_an_unknown_version_nothing_is_claimed(version):
    assert requirements.of(version) is None


@pytest.mark.parametrize(("php", "suits"), [
    ("7.3.33", False), ("7.4", True), ("7.4.0", True), ("8.2.29", True), ("8.3.0", False), ("10.0", False), ("", False),
])
def test_both_ends_of_the_range_belong_to_it_with_all_their_patches(php, suits):
    wanted = Requirement("24.x", "7.4", "8.2")
    assert wanted.php_suits(php) is suits
    assert bool(wanted.php_problem(php)) is not suits


@pytest.mark.parametrize(("server", "is_old"), [
    ("10.11.19-MariaDB-0+deb12u1", False), ("10.5.0-MariaDB", False), ("10.4.32-MariaDB", True),
    ("5.5.5-10.11.6-MariaDB-1", False), ("8.0.36", False), ("5.7.44-log", True), ("not a version", False),
])
def test_a_server_is_compared_with_the_oldest_of_its_own_kind(server, is_old):
    assert bool(requirements.of("27.1").database_problem(server)) is is_old


def test_a_server_of_which_nothing_is_known_is_not_refused():
    assert requirements.of("12.4").database_problem("4.1") == ""


@pytest.mark.parametrize("line", ["24,7.4", "24,new,8.2,,", "x,7.4,8.2,,", "24,7.4,8.2,,\n24,7.4,8.2,,"])
def test_a_wrong_line_is_told_with_its_number(tmp_path, line):
    path = tmp_path / "requirements.csv"
    path.write_text(f"# remark\n{HEAD}23,7.4,7.4,,\n{line}\n")
    with pytest.raises(RegistryError, match=rf"requirements.csv:{4 + line.count(chr(10))}: expected one line a Tiki"):
        requirements.read(path)


def test_an_empty_table_is_a_fault(tmp_path):
    path = tmp_path / "requirements.csv"
    path.write_text(HEAD)
    with pytest.raises(RegistryError, match="holds no line"):
        requirements.read(path)


def test_the_table_has_a_line_for_every_tiki_from_the_first_to_the_last():
    known = sorted(requirements.read(requirements.TABLE))
    assert known == list(range(1, known[-1] + 1))
