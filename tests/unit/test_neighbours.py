"""Which folder may be emptied: never the machine's, never a home, never one that another instance uses."""

import pytest

from scripts.database.account import Account
from scripts.steps import neighbours
from scripts.steps.neighbours import Neighbour

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


def test_a_database_is_shared_whatever_the_user_is_called():
    ours, theirs = Account("tiki", "ann", "", "db1"), Account("tiki", "bob", "", "db1", 3306)
    assert neighbours.same_database_as(ours, [Neighbour("wiki", False, (), theirs)]) == "wiki"
    assert neighbours.same_database_as(ours, [Neighbour("wiki", False, (), Account("tiki2", "ann", "", "db1"))]) == ""
    assert neighbours.same_database_as(ours, [Neighbour("wiki", True, ())]) == ""
