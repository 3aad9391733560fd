"""A restore empties the database that is the site's, and asks before it empties another one."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from scripts.store import archive
from tests.lab import forked
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_database
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.mariadb import MariaDb
from tests.lab.sample_tiki import SampleTiki, write_config
from tests.lab.toolkit import Toolkit

numbers = count(1)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def other_server(lab: Lab) -> Iterator[MariaDb]:
    """Another server, as after a move: what is loaded there is loaded by hand."""
    folder = lab.folder / "db2"
    folder.mkdir(mode=0o700)
    server = MariaDb(folder)
    server.start()
    yield server
    server.stop()


class Place:
    """A site with a backup, and a production site, both here or both behind ssh."""

    def __init__(self, lab: Lab, is_far: bool) -> None:
        number = next(numbers)
        self.lab, self.kit = lab, Toolkit(lab.folder / f"kit{number}", lab)
        self.kit.set(compress="zst")
        self.keys = self.kit.over_ssh() if is_far else {}
        self.site, self.production = (small_site(lab, f"{name}{number}", is_far) for name in ("site", "production"))
        for sample in (self.site, self.production):
            sample.sql("DELETE FROM tiki_preferences WHERE name LIKE '%use_dir'")
            self.kit.register(sample.folder.name, web_root=sample.folder, **self.keys)
        self.name = self.site.folder.name
        assert forked.run(self.kit.top, "backup", instance=self.name).is_success

    def restore(self, name: str = "", **words: str) -> Ended:
        return forked.run(self.kit.top, "restore", instance=name or self.name, **words)

    def enter(self, server: MariaDb, sample: SampleTiki, way: str = "127.0.0.1:{port}") -> None:
        """Let the site's db/local.php name the database of a sample at a server."""
        write_config(self.site.folder, sample.generation, sample.version,
                     way.format(port=server.port, socket=server.socket), sample.user, sample.password, sample.database)
        give_to(lab_user(), self.site.folder / "db/local.php")

    def forget_production(self) -> None:
        (self.kit.top / f"instances.d/{self.production.folder.name}.env").unlink()

    def refused(self, *says: str, **words: str) -> None:
        before = describe_database(self.lab.mariadb, self.production.database)
        ended = self.restore(**words)
        assert ended.code == 9, ended
        for text in says:
            assert text in ended.stderr, ended
        assert describe_database(self.lab.mariadb, self.production.database) == before


@pytest.fixture(params=[False, True], ids=["here", "ssh"])
def place(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Place]:
    place = Place(lab, request.param)
    yield place
    shutil.rmtree(place.kit.top)
    for sample in (place.site, place.production):
        shutil.rmtree(sample.folder)


def test_the_database_of_another_instance_is_never_emptied(place):
    place.enter(place.lab.mariadb, place.production, "[::ffff:127.0.0.1]:{port}")
    says = f"its database {place.production.database} is also the one of {place.production.folder.name}"
    place.refused(says)
    place.refused(says, confirm=place.name)
    place.refused(says, dry="1")


def test_a_database_that_is_not_the_archive_s_is_emptied_when_that_is_meant(place):
    place.enter(place.lab.mariadb, place.production)
    place.forget_production()
    place.refused(f"the archive is of database {place.site.database} at ",
                  f"and database {place.production.database} at ", f"CONFIRM={place.name}")
    assert place.restore(confirm=place.name).is_success


def test_a_database_of_the_same_name_at_another_server_is_another_one(place, other_server):
    sample = place.site
    other_server.create_database(sample.database)
    other_server.create_account(sample.user, sample.password, sample.database)
    place.enter(other_server, sample)
    assert place.restore().is_success       # nothing was there
    other_server.sql("DELETE FROM tiki_pages", sample.database)
    ended = place.restore()
    assert ended.code == 9 and f"CONFIRM={place.name}" in ended.stderr, ended
    assert other_server.sql("SELECT COUNT(*) FROM tiki_pages", sample.database) == "0\n"
    assert place.restore(confirm=place.name).is_success
    assert forked.run(place.kit.top, "backup", instance=place.name).is_success
    assert place.restore().is_success       # of a backup that was made there


def test_a_site_s_own_backup_comes_back_unattended_night_by_night_and_by_another_way(place):
    place.lab.mariadb.stop()
    place.lab.mariadb.start()
    place.enter(place.lab.mariadb, place.site, "[::ffff:127.0.0.1]:{port}")
    assert place.restore(unattended="1").is_success
    assert place.restore(unattended="1").is_success


def test_what_another_instance_s_archive_would_empty_is_asked_of_the_server(place):
    server, thief = place.lab.mariadb, f"thief{next(numbers)}"
    server.create_account(thief, "secret", place.site.database)
    twin = place.kit.register(thief, web_root=place.site.folder.with_name(thief), db_name=place.site.database,
                              db_user=thief, db_pass="secret", db_host=f"[::ffff:127.0.0.1]:{server.port}",
                              **place.keys)
    database = place.site.database
    ended = place.restore(twin.name, from_=place.name, confirm=twin.name)
    assert ended.code == 9 and f"its database {database} is also the one of {place.name}" in ended.stderr, ended
    (place.site.folder / "db/local.php").unlink()      # it cannot be asked, but its archive tells
    ended = place.restore(twin.name, from_=place.name, confirm=twin.name)
    assert ended.code == 9 and f"its database {database} is the one of {place.name}" in ended.stderr, ended


def test_a_silent_instance_does_not_stand_in_the_way_of_a_restore(place):
    place.kit.register("silent", web_root=place.site.folder, **{**place.kit.over_ssh(), "ssh_port": 1})
    assert place.restore().is_success


def test_a_web_root_that_is_another_instance_s_by_now_is_not_overwritten(place):
    site, production = place.site, place.production
    (production.folder / "db/local.php").unlink()
    page = production.folder / "tiki-index.php"
    page.write_text("production's own")
    place.kit.register(place.name, web_root=production.folder, db_name=site.database, db_user=site.user,
                       db_pass=site.password, db_host=f"127.0.0.1:{place.lab.mariadb.port}", **place.keys)
    ended = place.restore(confirm=place.name)
    name = production.folder.name
    assert ended.code == 9 and f"is also the one of {name}" in ended.stderr, ended
    assert f"make delete INSTANCE={name}" in ended.stderr and page.read_text() == "production's own"


def test_a_second_name_of_a_site_does_not_keep_it_from_coming_back(place):
    link = place.site.folder.with_name(f"link{next(numbers)}")
    link.symlink_to(place.site.folder)
    place.kit.register("twin", web_root=link, **place.kit.over_ssh())
    assert place.restore(dry="1").is_success
    assert place.restore().is_success


def test_a_site_that_was_removed_comes_back(place):
    ended = forked.run(place.kit.top, "delete", instance=place.name, destroy="1", confirm=place.name)
    assert ended.is_success, ended
    sample = place.site
    kept = archive.forgotten(place.kit.settings, place.name)[0]
    place.kit.register(place.name, web_root=sample.folder, db_name=sample.database, db_user=sample.user,
                       db_pass=sample.password, db_host=f"127.0.0.1:{place.lab.mariadb.port}", **place.keys)
    ended = place.restore(archive=str(archive.of_instance(place.kit.settings, kept.name)[0].path))
    assert ended.is_success, ended
    assert (Path(sample.folder) / "tiki-setup.php").is_file()
