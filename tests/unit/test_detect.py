"""Where a Tiki went, and what a person is offered when no web root was named."""

import pytest

from scripts.registry import registry
from scripts.steps import places
from scripts.tiki import host_facts
from scripts.tiki.host_facts import Folder, HostFacts
from scripts.tiki.probe import Probe
from scripts.verbs import detect


def facts(*folders: tuple[str, str]) -> HostFacts:
    return HostFacts("ann", "/home/ann", frozenset({"usr/sbin/virtualmin"}),
                     tuple(Folder(path, "ann", kind) for path, kind in folders), frozenset({"/home/ann/bin/php"}))


@pytest.fixture
def blog(settings, register):
    register("blog")
    return registry.load(settings, "blog")


HERE, THERE, THIRD = ("/srv/blog", "tiki"), ("/home/ann/public_html", "tiki"), ("/srv/wiki", "tiki")


@pytest.mark.parametrize(("state", "folders", "value", "mark"), [
    ("missing", [THERE], THERE[0], "differs"),
    ("empty", [THERE], THERE[0], "differs"),
    ("other", [THERE], None, "wrong"),
    ("missing", [THERE, THIRD], None, "wrong"),
    ("missing", [("/home/ann/public_html", "empty")], None, "wrong"),
    ("missing", [], None, "wrong"),
    ("tiki", [HERE, THERE], None, ""),
])
def test_a_tiki_that_is_gone_is_where_the_only_other_one_is(blog, state, folders, value, mark):
    row = detect._web_root(blog, facts(*folders), Probe(state))
    assert (row.value, row.mark) == (value, mark)


def test_a_tiki_of_another_name_is_no_candidate(blog, register):
    register("wiki")
    row = detect._web_root(blog, facts(THERE, THIRD), Probe("missing"))
    assert row.value == THERE[0]


def test_a_blank_that_is_empty_is_as_it_should_be(blog):
    row = detect._web_root(blog.with_(db_name="blog"), facts(THERE), Probe("empty"))
    assert (row.value, row.mark) == (None, "")


def test_what_is_registered_is_not_offered_again(settings, register, monkeypatch):
    register("blog")
    found = facts(HERE, THERE, ("/var/www/html", "other"), ("/srv/new", "empty"))
    monkeypatch.setattr(host_facts, "gather", lambda host: found)
    panel, offered = places.offered(settings, {"ACCESS": "local"})
    assert panel == "Virtualmin"
    assert [(one.path, one.php) for one in offered] == [(THERE[0], "/home/ann/bin/php"), ("/srv/new", "")]


def test_a_host_that_cannot_be_asked_offers_nothing(settings):
    assert places.offered(settings, {"ACCESS": "ssh"}) == ("", [])


@pytest.mark.parametrize(("answer", "path"), [(0, THERE[0]), (1, None)])
def test_another_folder_can_be_named(settings, monkeypatch, answer, path):
    monkeypatch.setattr(host_facts, "gather", lambda host: facts(THERE))
    monkeypatch.setattr(places.prompts, "choose", lambda question, choices: answer)
    chosen = places.choose(settings, {"ACCESS": "local"})
    assert (chosen.path if chosen else None) == path
