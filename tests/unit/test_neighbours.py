"""Which folder may be emptied: never the machine's, never a home, never one that another instance uses."""

import dataclasses

import pytest

from scripts.database.whereabouts import Whereabouts
from scripts.steps import neighbours
from scripts.steps.neighbours import Neighbour

OURS = Whereabouts("tiki", "db1", "3306", "/var/lib/mysql/", "1", 1_700_000_000)
HOMES = {"/root", "/home/ann", "/var/www", "/home/bob/domains/b.example"}


@pytest.mark.parametrize("path", ["/", "/srv", "/home", "/home/ann", "/var/www", "/var", "/home/bob",
                                  "/home/bob/domains/b.example"])
def test_the_machines_folders_and_homes_are_never_emptied(path):
    assert neighbours.why_not(path, HOMES)


@pytest.mark.parametrize("path", ["/srv/blog", "/home/ann/public_html", "/var/www/blog", "/home/annabel/www"])
def test_a_folder_below_a_home_may_be(path):
    assert neighbours.why_not(path, HOMES) == ""


@pytest.mark.parametrize(("path", "is_used"), [
    ("/srv/wiki", True), ("/srv", True), ("/srv/wiki/inner", True), ("/srv/wiki-2", False), ("/data/wiki", True),
    ("/data", True), ("/data/wiki2", False),
])
def test_a_folder_is_used_by_who_has_it_or_something_in_it_or_around_it(path, is_used):
    wiki = Neighbour("wiki", True, ("/srv/wiki", "/data/wiki"))
    assert neighbours.user_of(path, [wiki]) == ("wiki" if is_used else "")


def test_the_same_path_on_another_machine_is_another_folder():
    assert neighbours.user_of("/srv/wiki", [Neighbour("wiki", False, ("/srv/wiki",))]) == ""


def test_who_could_not_be_asked_may_be_on_this_machine():
    assert neighbours.user_of("/srv/wiki", [Neighbour("wiki", None, ("/srv/wiki",), problem="down")]) == "wiki"


def test_a_database_is_another_s_when_both_servers_say_the_same():
    wiki = Neighbour("wiki", False, (), "tiki", OURS)
    assert neighbours.user_of_database(dataclasses.replace(OURS, started=OURS.started + 1), [wiki]) == "wiki"
    assert neighbours.user_of_database(dataclasses.replace(OURS, folder="/srv/db/"), [wiki]) == ""
    assert neighbours.user_of_database(OURS, [Neighbour("wiki", True, (), "tiki", problem="down")]) == ""


@pytest.mark.parametrize(("database", "place", "may_be"), [
    ("tiki", None, True), ("TIKI", None, True), ("", None, True), ("tiki2", None, False), ("tiki", OURS, False)])
def test_a_silent_instance_may_use_the_database_of_its_name_and_any_when_none_is_known(database, place, may_be):
    assert neighbours.may_use_database("tiki", Neighbour("wiki", False, (), database, place)) is may_be
