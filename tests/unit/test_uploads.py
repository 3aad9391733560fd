"""What may lie among data, PHP's end of support, and what is watched in a database."""

from datetime import date

import pytest

from scripts.errors import RegistryError
from scripts.tiki import php_support, privileges, uploads


@pytest.mark.parametrize("name", ["x.php", "X.PHP5", "a.phtml", "a.phar", "a.php.jpg", "a.php.", "a.php ", "a.pht",
                                  "x.cgi", "x.pl", "x.shtml", ".htaccess", ".user.ini", "php.ini", "Web.config",
                                  ".hidden"])
def test_what_a_server_runs_or_obeys_has_no_place_among_data(name):
    assert uploads.problem(f"files/{name}")


@pytest.mark.parametrize("name", ["a.jpg", "report.pdf", "phpinfo.txt", "a.ph", "0cc175b9c0f1b6a831c399e269772661",
                                  "a.html", "plan.plain", "x.phpx.txt", "a b.docx", "cgi"])
def test_data_has_its_place(name):
    assert uploads.problem(f"files/{name}") == ""


def test_a_link_may_lead_around_in_its_area_and_not_out_of_it():
    assert not uploads.leads_out("files/a/b", "../c", "files")
    assert uploads.leads_out("files/a", "../db/local.php", "files")
    assert uploads.leads_out("files/a", "/etc/passwd", "files")
    assert uploads.leads_out("files/a", "../files2/x", "files")
    assert not uploads.leads_out("files/a/b/c", ".././../d/e", "files")
    for target in ("up/up/../../db/local.php", "up//../db/local.php", "up/./../x"):  # where up is a link to its folder
        assert uploads.leads_out("files/a/b", target, "files")


def test_a_php_is_past_its_end_the_day_after(tmp_path):
    assert php_support.ended("7.4.33", date(2022, 11, 29)) == date(2022, 11, 28)
    assert php_support.ended("7.4.33", date(2022, 11, 28)) is None
    assert php_support.ended("12.0.1", date(2099, 1, 1)) is None
    table = tmp_path / "table.csv"
    table.write_text("php,until\n8.2,soon\n")
    with pytest.raises(RegistryError, match=r"table.csv:2"):
        php_support.read(table)


def test_administrators_are_found_by_group_by_right_and_by_inclusion():
    rows = {"members": [("ann", "Admins", ""), ("bob", "Editors", ""), ("eve", "Helpers", ""),
                        ("joe", "Registered", "")],
            "rights": [("Editors", "tiki_p_admin", ""), ("Anonymous", "tiki_p_view", "")],
            "inclusions": [("Helpers", "Middle", ""), ("Middle", "Admins", ""), ("Registered", "Anonymous", "")]}
    told = privileges.told(rows, lambda text: f"sealed {text}")
    assert {name for name in told if name.startswith("administrator:")} == \
        {"administrator:ann", "administrator:bob", "administrator:eve"}
    assert told["permission:Editors:tiki_p_admin"] == "granted"


def test_a_right_counts_by_its_short_name_too_as_tiki_reads_it():
    rows = {"members": [("eve", "Registered", "")], "rights": [("Registered", "admin", "")]}
    assert privileges.told(rows, str) == {"administrator:eve": "Registered",
                                          "permission:Registered:tiki_p_admin": "granted"}


def test_of_jobs_with_one_name_each_is_told():
    jobs = [("index", "ConsoleCommandTask", "{}"), ("index", "ShellCommandTask", "{}")]
    alone = privileges.told({"jobs": jobs[:1]}, str)
    assert privileges.told({"jobs": jobs}, str) == privileges.told({"jobs": jobs[::-1]}, str) != alone


def test_a_secret_preference_is_told_sealed_and_what_tiki_counts_is_not_told():
    rows = {"preferences": [("zend_mail_smtp_pass", "secret", ""), ("feature_wiki_allowhtml", "y", ""),
                            ("sitetitle", "x", ""), ("lastUpdatePrefs", "3", "")]}
    assert privileges.told(rows, lambda text: "sealed") == {"preference:zend_mail_smtp_pass": "sealed",
                                                            "preference:feature_wiki_allowhtml": "y"}
