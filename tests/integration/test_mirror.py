"""A mirror shows what a site was some time ago, from its archives alone, to those who may see that."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from scripts.steps import lineage, quieting, restoring
from scripts.store import archive
from scripts.verbs.backup import drop_old
from tests.lab import dated
from tests.lab.dated import DAY, HOUR, KEPT_OUT, Dated
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.web import fetch

FINDINGS, REFUSED, USAGE = 10, 9, 2


@pytest.fixture(scope="module")
def prod() -> Iterator[Dated]:
    with Lab() as lab:
        yield dated.built(lab)


@pytest.fixture
def blank(prod: Dated) -> Iterator[Instance]:
    with prod.blank() as one:
        yield one


@pytest.fixture
def far(prod: Dated) -> Iterator[Instance]:
    with prod.blank(ssh=True) as one:
        yield one


@pytest.fixture
def mirrored(prod: Dated, blank: Instance) -> Instance:
    """A mirror that shows what was a week ago."""
    assert prod.mirror(blank, from_="prod", delay="1w").is_success
    return prod.kit.instance(blank.name)


def told(ended: Ended) -> dict:
    assert ended.code in (0, FINDINGS), ended
    return json.loads(ended.stdout)[0]


def is_untouched(blank: Instance) -> bool:
    return not Path(blank.web_root).exists() and lineage.read(blank) is None


# What it shows, and to whom

@pytest.mark.parametrize(("delay", "number", "says"), [("1d", 1, "written 2 days ago"),
                                                       ("1w", 0, "written 9 days ago")])
def test_a_mirror_shows_the_newest_that_is_old_enough_quiet_and_to_few(prod, blank, delay, number, says):
    found = told(prod.mirror(blank, from_="prod", delay=delay, json="1"))
    assert (found["archive"], found["made"], found["finding"]) == (prod.archives[number], True, "")
    assert prod.home(blank.name) == says
    assert fetch(blank.web_url).status == 403
    assert quieting.is_muted(blank)
    now = prod.kit.instance(blank.name)
    assert (now.mirror_of, now.mirror_delay, now.kind, now.parent) == ("prod", delay, "before", "")
    known = lineage.read(blank)
    assert (known.source, known.archive, known.kind) == ("prod", prod.archives[number], "before")


def test_who_may_see_it_sees_the_old_page_and_what_it_is(prod, blank):
    prod.take(blank.name, KEPT_OUT)
    prod.add(blank.name, "RESTRICT_ALLOW=127.0.0.1")
    told(prod.mirror(blank, from_="prod", delay="1w", json="1"))
    page = fetch(blank.web_url)
    assert page.status == 200
    assert "written 9 days ago" in page.body
    assert "Copy of prod as of " in page.body


def test_a_mirror_may_be_on_another_host(prod, far):
    found = told(prod.mirror(far, from_="prod", delay="1d", json="1"))
    assert found["archive"] == prod.archives[1]
    assert prod.home(far.name) == "written 2 days ago"
    assert fetch(far.web_url).status == 403


# Again

def test_what_shows_the_right_archive_is_left_alone(prod, mirrored):
    made = lineage.read(mirrored).made
    ended = prod.mirror(mirrored)
    assert ended.is_success, ended
    assert f"{mirrored.name}: nothing to do: it is what {prod.archives[0]} says" in ended.stdout
    assert f"{mirrored.name}: shows prod as of " in ended.stdout
    assert "reloaded" not in ended.stdout
    assert lineage.read(mirrored).made == made
    assert prod.mirror(mirrored, unattended="1").stdout == ""


def test_what_was_changed_on_it_goes_into_an_archive_and_it_is_made_anew(prod, mirrored):
    prod.kit.lab.mariadb.sql("UPDATE tiki_pages SET data = 'mine' WHERE pageName = 'HomePage'", mirrored.name)
    ended = prod.mirror(mirrored)
    assert "1 table changed here since the last clone: tiki_pages" in ended.stdout
    assert prod.home(mirrored.name) == "written 9 days ago"
    assert [one.record.kind for one in archive.of_instance(mirrored.settings, mirrored.name)] == ["safety"]


def test_force_makes_it_anew(prod, mirrored):
    assert told(prod.mirror(mirrored, force="1", json="1"))["made"]


def test_another_delay_brings_another_archive_and_stays_in_the_env_file(prod, mirrored):
    found = told(prod.mirror(mirrored, delay="1d", changed="discard", json="1"))
    assert found["archive"] == prod.archives[1]
    assert prod.kit.instance(mirrored.name).mirror_delay == "1d"
    assert archive.of_instance(mirrored.settings, mirrored.name) == []


# Only archives are needed

@pytest.mark.parametrize("is_gone", [False, True], ids=["unreachable", "gone"])
def test_a_site_that_is_down_or_gone_can_be_mirrored(prod, blank, is_gone):
    kept = prod.env("prod").read_text()
    try:
        prod.env("prod").unlink()
        if not is_gone:
            prod.env("prod").write_text("ACCESS=ssh\nSSH_HOST=127.0.0.1\nSSH_PORT=1\nWEB_ROOT=/srv/prod\n")
        ended = prod.mirror(blank, from_="prod", delay="1w", json="1")
    finally:
        prod.env("prod").write_text(kept)
    assert told(ended)["archive"] == prod.archives[0]
    assert prod.home(blank.name) == "written 9 days ago"


def test_a_half_restored_site_can_be_mirrored(prod, blank):
    restoring.begin(prod.instance, "prod.tar.bz2", "")
    try:
        assert told(prod.mirror(blank, from_="prod", delay="1w", json="1"))["made"]
    finally:
        restoring.end(prod.instance)


def test_retention_keeps_what_it_shows_and_what_it_will_show(prod, mirrored):
    assert drop_old(prod.instance, 1) == []


# What is no archive for it

def test_without_an_archive_that_is_old_enough_it_waits_for_one_and_says_how_long(prod, blank):
    ended = prod.mirror(blank, from_="prod", delay="1m", json="1")
    assert ended.code == FINDINGS, ended
    assert "no archive of prod is 1m old yet: the oldest shows " in told(ended)["finding"]
    assert "It will work from " in ended.stderr
    assert f"mirror: 1 finding: {blank.name}" in ended.stderr
    assert is_untouched(blank)
    assert prod.kit.instance(blank.name).mirror_delay == "1m"  # so that retention keeps it


def test_a_mirror_that_is_too_far_off_is_made_and_told_each_time(prod, blank):
    with prod.each(2 * HOUR, 2 * DAY):
        first = prod.mirror(blank, from_="prod", delay="3d", json="1")
        again = prod.mirror(blank, json="1")
    for ended in (first, again):
        assert ended.code == FINDINGS, ended
        assert "shows prod 9 d ago, 6 d more than 3d; 9 h are tolerated, and no archive lies nearer. The next one is " \
            "old enough at " in told(ended)["finding"]
    assert (told(first)["made"], told(again)["made"]) == (True, False)


# Guards

def test_a_mirror_of_itself_is_refused(prod, blank):
    ended = prod.mirror(blank, from_=blank.name, delay="1d")
    assert ended.code in (REFUSED, USAGE), ended
    assert "FROM and TO are the same instance" in ended.stderr


def test_one_that_would_stand_open_is_refused_and_nothing_is_written(prod, blank):
    prod.take(blank.name, KEPT_OUT)
    before = prod.env(blank.name).read_text()
    ended = prod.mirror(blank, from_="prod", delay="1w")
    assert ended.code == REFUSED, ended
    assert f"Next: make restrict INSTANCE={blank.name} USERS=name, or, if it shall be open: OPEN=yes" in ended.stderr
    assert is_untouched(blank)
    assert prod.env(blank.name).read_text() == before
    assert prod.mirror(blank, from_="prod", delay="1w", open_="yes").is_success
    assert fetch(blank.web_url).status == 200


def test_a_site_of_its_own_is_not_overwritten_and_does_not_become_a_mirror(prod, mirrored):
    lineage.forget(mirrored)
    before = prod.env(mirrored.name).read_text()
    ended = prod.mirror(mirrored, delay="1d")
    assert ended.code == REFUSED, ended
    assert "that is no clone, and would be overwritten. Nothing was changed. If that is meant: " \
        f"CONFIRM={mirrored.name}" in ended.stderr
    assert prod.env(mirrored.name).read_text() == before
    assert prod.mirror(mirrored, delay="1d", confirm=mirrored.name).is_success


@pytest.mark.parametrize("is_there", [False, True])
def test_a_blank_that_is_restricted_is_still_one_and_closed_when_it_is_made(prod, blank, is_there):
    prod.take(blank.name, KEPT_OUT)
    if is_there:
        Path(blank.web_root).mkdir()
    ended = prod.run("restrict", instance=blank.name, users="ann")
    assert ended.is_success, ended
    assert "what is made there will obey" in ended.stdout
    assert prod.mirror(blank, from_="prod", delay="1w").is_success
    assert fetch(blank.web_url).status == 401


def test_a_dry_run_changes_nothing(prod, blank):
    before = prod.env(blank.name).read_text()
    ended = prod.mirror(blank, from_="prod", delay="1w", dry="1")
    assert ended.is_success, ended
    assert f"{blank.name}: would show prod as of " in ended.stdout
    assert is_untouched(blank)
    assert prod.env(blank.name).read_text() == before


def test_a_mirror_that_breaks_says_how_to_go_on_and_goes_on(prod, mirrored):
    note = restoring.begin(mirrored, prod.archives[0], "", source="prod", verb="mirror",
                           variables={"FROM": "prod", "TO": mirrored.name, "DELAY": "1w"})
    assert f"Next: make mirror FROM=prod TO={mirrored.name} DELAY=1w" in restoring.way_out(mirrored, note)
    assert told(prod.mirror(mirrored, json="1"))["made"]
    assert restoring.unfinished(mirrored) is None
