"""What a clone's words mean, what tells two databases apart, which files travel, what is remembered."""

import dataclasses
from datetime import UTC, date, datetime

import pytest

from scripts.database import whereabouts
from scripts.database.whereabouts import Whereabouts
from scripts.errors import UsageError
from scripts.notify import secrets
from scripts.registry import registry
from scripts.steps import cloning_words, lineage, location, restoring, way_back
from scripts.steps.lineage import Lineage
from scripts.steps.location import Location

TODAY = date(2026, 11, 21)
HERE = Whereabouts("wiki", "db1", "3306", "/var/lib/mysql/", "1", 1_700_000_000)
THERE = Location("web1 abc", "/srv/blog", HERE, ("/data/blog",))


@pytest.mark.parametrize(("text", "day"), [("90d", "2027-02-19"), ("2w", "2026-12-05"), ("1m", "2026-12-22"),
                                           ("2026-11-22", "2026-11-22"), ("", "")])
def test_an_expiry_is_a_day(text, day):
    assert cloning_words.expiry(text, TODAY) == day


@pytest.mark.parametrize("text", ["0d", "d", "-1d", "90", "1y", "2026-11-21", "2026-13-01", "²d", "9999999d"])
def test_an_expiry_that_is_no_day_to_come_is_refused(text):
    with pytest.raises(UsageError, match="^EXPIRES="):
        cloning_words.expiry(text, TODAY)


def test_a_move_takes_nothing_away():
    with pytest.raises(UsageError, match="ONLY="):
        cloning_words.manner("code", None, False, True, True, "")


def test_a_part_is_muted_only_when_data_comes():
    assert cloning_words.manner("data", None, False, True, False, "").mutes
    assert not cloning_words.manner("code", None, False, True, False, "").mutes
    assert not cloning_words.manner(None, None, False, True, True, "").mutes


@pytest.mark.parametrize(("change", "is_same"), [
    ({}, True), ({"started": HERE.started + 2}, True), ({"started": HERE.started + 60}, False),
    ({"database": "other"}, False), ({"host": "db2"}, False), ({"port": "3307"}, False),
    ({"folder": "/srv/db/"}, False), ({"server_id": "2"}, False)])
def test_a_database_is_told_by_what_its_server_says(change, is_same):
    assert whereabouts.same(HERE, dataclasses.replace(HERE, **change)) is is_same


@pytest.mark.parametrize(("change", "is_same"), [
    ({"started": 0}, True), ({"database": "other"}, False), ({"host": "db2"}, False), ({"folder": "/srv/db/"}, False)])
def test_a_database_stays_the_same_when_its_server_starts_anew(change, is_same):
    assert whereabouts.same_place(HERE, dataclasses.replace(HERE, **change)) is is_same


@pytest.mark.parametrize(("change", "says"), [
    ({}, []), ({"machine": "web2 abc"}, ["its machine is web2, and was web1"]),
    ({"machine": "web1 abd"}, ["its machine is web1 abd, and was web1 abc"]),
    ({"web_root": "/srv/main"}, ["its web root is /srv/main, and was /srv/blog"]),
    ({"folders": ("/data/blog/new", "/srv/blog/in")}, []), ({"folders": ()}, []),
    ({"folders": ("/data/blog2",)}, ["it uses the folder /data/blog2, and did not then"])])
def test_what_tells_a_place_from_another_is_said(change, says):
    assert location.strayed(THERE, dataclasses.replace(THERE, **change)) == says


def test_what_is_not_at_stake_does_not_count():
    now = dataclasses.replace(THERE, folders=("/data/blog2",))
    assert location.strayed(THERE, now, ["/data/blog"]) == []
    assert location.strayed(THERE, now, ["/data/blog2"])


@pytest.mark.parametrize(("verb", "only", "what", "is_made"), [
    ("clone", "", ("code", "data"), True), ("mirror", "", ("data",), True), ("refresh", "data", ("data",), True),
    ("refresh", "data", ("code", "data"), False), ("promote", "code", ("code",), False)])
def test_only_a_clone_of_what_comes_goes_on_where_one_broke_off(blog, verb, only, what, is_made):
    note = restoring.begin(blog, "", "", source="wiki", only=only, verb=verb)
    assert note.makes_clone(what) is is_made


def test_two_nodes_of_a_cluster_hold_one_database():
    first = dataclasses.replace(HERE, cluster="c1")
    assert whereabouts.same(first, dataclasses.replace(first, host="db2", started=0))
    assert not whereabouts.same(first, dataclasses.replace(first, host="db2", cluster="c2"))


@pytest.fixture
def blog(settings, register):
    register("blog")
    return registry.load(settings, "blog")


def test_a_lineage_is_read_as_it_was_written_and_can_be_forgotten(blog):
    moments = datetime(2026, 11, 21, 3, tzinfo=UTC), datetime(2026, 11, 21, 4, tzinfo=UTC)
    made = Lineage("wiki", *moments, "demo", "a.zst", ("data",), location.as_noted(THERE))
    assert lineage.read(blog) is None
    lineage.write(blog, made)
    assert lineage.read(blog) == made
    assert location.read(lineage.read(blog).where) == THERE
    lineage.forget(blog)
    assert lineage.read(blog) is None


def test_the_note_of_a_clone_tells_the_line_that_goes_on_and_does_not_offer_the_mixture(blog):
    restoring.begin(blog, "", "blog_1.tar.zst", source="wiki", verb="clone", variables={"FROM": "wiki", "TO": "blog"})
    note = restoring.unfinished(blog)
    said = restoring.way_out(blog, note)
    assert note.what == "a clone of wiki"
    assert "make clone FROM=wiki TO=blog, or put back" in said
    assert "ARCHIVE=blog_1.tar.zst" in said
    assert "STATE=off" not in said


def test_a_note_says_when_visitors_may_be_in_and_archives_of_all_calls_that_broke_off_are_held(blog):
    restoring.begin(blog, "", "blog_1.tar.zst", source="dev", verb="promote", is_open=True)
    restoring.mark(blog, is_open=False)
    assert restoring.is_mixture(blog)
    restoring.mark(blog, is_open=True)
    assert not restoring.is_mixture(blog)
    assert restoring.unfinished(blog).is_open
    for name in ("blog_2.tar.zst", "blog_2.tar.zst", "blog_3.tar.zst"):
        restoring.begin(blog, "", name, source="dev", verb="promote")
    assert way_back.archives(blog) == {"blog_1.tar.zst", "blog_2.tar.zst", "blog_3.tar.zst"}
    restoring.end(blog)
    restoring.mark(blog, is_open=True)
    assert restoring.unfinished(blog) is None
    assert not way_back.archives(blog)


def test_the_line_that_goes_on_says_which_secret_of_it_is_not_shown(blog):
    restoring.begin(blog, "", "", verb="mods-install", variables={"INSTANCE": "blog", "SET": secrets.HIDDEN})
    said = restoring.way_out(blog, restoring.unfinished(blog))
    assert said == "Next: make mods-install INSTANCE=blog 'SET=***' (give SET= as before in place of ***)"


def test_a_note_of_an_earlier_version_is_a_restore(blog, settings):
    (settings.state / "status").mkdir(parents=True)
    (settings.state / "status" / "blog.restoring.json").write_text(
        '{"archive": "blog_1.tar.bz2", "since": "2026-11-21T03:00:00+00:00", "safety": ""}')
    note = restoring.unfinished(blog)
    assert (note.what, note.is_clone) == ("a restore of blog_1.tar.bz2", False)
