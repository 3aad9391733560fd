"""Findings of clones and mirrors: each is there for real, its printed command is run, and it is gone."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.registry import registry
from scripts.registry.instance import Instance
from scripts.steps import lineage
from tests.lab import dated
from tests.lab.dated import DAY, KEPT_OUT, Dated
from tests.lab.lab import Lab

LONG_AGO = 100 * DAY


@pytest.fixture(scope="module")
def prod() -> Iterator[Dated]:
    with Lab() as lab:
        one = dated.built(lab)
        one.take("prod", "WEB_URL=http://prod.example.org/")
        yield one


@pytest.fixture
def clone(prod: Dated) -> Iterator[Instance]:
    with prod.blank() as one:
        assert prod.run("clone", from_="prod", to=one.name).is_success
        yield one


@pytest.fixture
def mirror(prod: Dated) -> Iterator[Instance]:
    with prod.blank() as one:
        assert prod.mirror(one, from_="prod", delay="1d").is_success
        yield one


def mends(prod: Dated, instance: Instance, check: str, says: str, mend: str) -> None:
    """See a finding, run the very command it prints, and see it gone."""
    found = prod.findings(instance.name)
    assert check in found, found
    assert re.search(says, found[check]["problem"]), found
    assert re.search(mend, found[check]["next"]), found
    prod.bash(found[check]["next"])
    if instance.name in registry.names(instance.settings):
        assert check not in prod.findings(instance.name)


def age(instance: Instance, by: timedelta, archive: str | None = None) -> None:
    """Let a copy be older, as far as what is known of it goes."""
    known = lineage.read(instance)
    lineage.write(instance, replace(known, moment=known.moment - by, made=known.made - by,
                                    archive=known.archive if archive is None else archive))


def test_a_copy_that_is_as_it_should_be_is_no_finding(prod, clone, mirror):
    assert prod.findings(clone.name).keys() <= {"archives"}  # a clone has none yet
    assert prod.findings(mirror.name) == {}


def test_a_clone_past_its_day(prod, clone):
    prod.add(clone.name, "EXPIRES=2026-01-31")
    mends(prod, clone, "copy", "this copy of prod was meant to be gone from 2026-01-31 on.*make edit INSTANCE=",
          rf"delete INSTANCE={clone.name} DESTROY=1 CONFIRM={clone.name}$")
    assert clone.name not in registry.names(clone.settings)


def test_a_day_that_is_to_come_and_one_that_is_none(prod, clone):
    prod.add(clone.name, f"EXPIRES={datetime.now() + DAY:%Y-%m-%d}")
    assert "copy" not in prod.findings(clone.name)
    prod.take(clone.name, f"EXPIRES={datetime.now() + DAY:%Y-%m-%d}")
    prod.add(clone.name, "EXPIRES=2026-02-30")
    assert "no day of the calendar" in prod.findings(clone.name)["copy"]["problem"]


def test_a_clone_that_leads_into_its_source_s_database(prod, clone):
    config = Path(clone.web_root, "db/local.php")
    own = config.read_text()
    config.write_text(prod.sample.folder.joinpath("db/local.php").read_text())
    found = prod.findings(clone.name)["origin"]
    assert re.search(rf"not where it was made a clone of prod: its database is prod .*, and was {clone.name} ",
                     found["problem"]), found
    assert prod.run("clone", from_="prod", to=clone.name).code != 0
    prod.bash(found["next"])
    config.write_text(own)
    assert "origin" not in prod.findings(clone.name)


def test_a_copy_made_by_hand_that_uses_its_original_s_database(prod):
    copy = prod.sample.folder.with_name("byhand")
    shutil.copytree(prod.sample.folder, copy, symlinks=True)
    prod.kit.register("byhand", web_root=copy)
    [found] = [one for one in json.loads(prod.run("doctor", json="1", jobs="2").stdout)
               if one["check"] == "shared databases"]
    assert found["instance"] == "manager" and "byhand and prod use one database, prod at " in found["problem"]
    prod.bash(found["next"])
    prod.env("byhand").unlink()
    prod.kit.register("twin", web_root=prod.sample.folder)
    found = {one["check"] for one in json.loads(prod.run("doctor", json="1").stdout)}
    prod.env("twin").unlink()
    assert "twins" in found and "shared databases" not in found


def test_what_is_no_clone_is_not_offered_to_be_destroyed(prod, clone):
    lineage.forget(clone)
    prod.add(clone.name, "EXPIRES=2026-01-31")
    assert prod.findings(clone.name)["copy"]["next"].endswith(f"instances.d/{clone.name}.env")


def test_a_clone_that_nobody_visits(prod, clone):
    sql = prod.kit.lab.mariadb.sql
    sql("CREATE TABLE tiki_actionlog (user varchar(200), lastModif int)", clone.name)
    age(clone, LONG_AGO)
    made, now = int(lineage.read(clone).made.timestamp()), int(datetime.now(UTC).timestamp())
    # The source's, a robot's, a wrong clock's.
    for user, moment in (("ann", made - 60), ("", now), ("ann", now + 9999)):
        sql(f"INSERT INTO tiki_actionlog VALUES ('{user}', {moment})", clone.name)
    assert "visits" in prod.findings(clone.name)
    sql(f"INSERT INTO tiki_actionlog VALUES ('ann', {now - 60})", clone.name)
    assert "visits" not in prod.findings(clone.name)
    sql(f"DELETE FROM tiki_actionlog WHERE lastModif = {now - 60}", clone.name)
    prod.add(clone.name, "KIND=failover")
    assert "visits" not in prod.findings(clone.name)
    prod.take(clone.name, "KIND=failover")
    prod.kit.set(unvisited_days="0")
    assert "visits" not in prod.findings(clone.name)
    prod.kit.set(unvisited_days="90")
    mends(prod, clone, "visits", "nobody has logged in or worked there since it was made, .* more than 90 days: is "
          "this copy of prod still needed", f"delete INSTANCE={clone.name} DESTROY=1 CONFIRM={clone.name}$")


def test_a_mirror_that_stands_still(prod, mirror):
    age(mirror, 9 * DAY, archive="prod_2026-01-01_00-00-00.tar.bz2")
    mends(prod, mirror, "copy", r"it shows prod as of \S+ \S+, 8 d more than 1d ago, and there is an archive that is "
          "nearer", f"mirror TO={mirror.name}$")


def test_a_mirror_whose_archive_is_the_best_there_is_is_no_finding(prod, mirror):
    age(mirror, 9 * DAY)
    assert prod.findings(mirror.name) == {}


@pytest.mark.parametrize("is_open", [False, True])
def test_a_mirror_that_was_never_made(prod, is_open):
    with prod.blank() as one:
        prod.add(one.name, "MIRROR_OF=prod", "MIRROR_DELAY=1w")
        if is_open:
            prod.take(one.name, KEPT_OUT)
        assert prod.findings(one.name).keys() == {"copy"}
        mends(prod, one, "copy", "it was never made, and there is an archive of prod", f"mirror TO={one.name}$")


def test_a_mirror_that_stands_open(prod, mirror):
    prod.take(mirror.name, KEPT_OUT)
    mends(prod, mirror, "copy", "everybody can read what prod was at ", f"restrict INSTANCE={mirror.name} USERS=")


def test_a_production_site_that_is_still_muted(prod, clone):
    prod.add(clone.name, "STAGE=production")
    mends(prod, clone, "copy", "in production and still muted", f"unmute INSTANCE={clone.name}$")


def test_the_table_of_sites_tells_whose_copies_they_are(prod, mirror):
    told = prod.run("instances", instance=mirror.name).stdout
    assert "COPY OF" in told
    assert re.search(r"prod at \d{4}-\d\d-\d\d \d\d:\d\d", told), told
