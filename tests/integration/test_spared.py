"""What a verb must spare: what EXCLUDE means, archives when the database holds no Tiki, what is a third site's."""

from pathlib import Path

import pytest

from scripts.store import archive
from tests.lab import forked
from tests.lab.fault_fixtures import fast_lab
from tests.lab.faults import small_site
from tests.lab.lab import Lab
from tests.lab.one_site import OneSite

__all__ = ["fast_lab"]  # a fixture

REFUSED = 9     # exit code


@pytest.fixture(scope="module")
def place(fast_lab: Lab) -> OneSite:
    return OneSite(fast_lab, False)


def archives(place: OneSite) -> set[str]:
    return {one.path.name for one in archive.of_instance(place.kit.settings, place.name)}


def test_what_exclude_spares_is_in_what_a_restore_keeps_for_safety(place):
    place.run("backup", instance=place.name)
    film = place.sample.folder / "films" / "one.mp4"
    film.parent.mkdir()
    film.write_text("a film")
    place.kit.register(place.name, web_root=place.sample.folder, exclude="films", **place.keys)
    before = archives(place)
    place.run("restore", instance=place.name, archive="latest")
    [safety] = archives(place) - before
    place.run("restore", instance=place.name, archive=safety)
    assert film.read_text() == "a film"
    place.kit.register(place.name, web_root=place.sample.folder, **place.keys)


def _without(table):
    """The statements that take all rows of a table away, and give them back."""
    return (f"CREATE TABLE aside SELECT * FROM {table}; DELETE FROM {table}",
            f"INSERT INTO {table} SELECT * FROM aside; DROP TABLE aside")


def test_a_database_without_a_tiki_is_not_backed_up_and_drops_nothing(place):
    place.run("backup", instance=place.name)
    before = archives(place)
    for emptied, whole in (("RENAME TABLE tiki_preferences TO aside", "RENAME TABLE aside TO tiki_preferences"),
                           _without("tiki_preferences"), _without("users_groups"), _without("users_users")):
        place.sample.sql(emptied)
        ended = forked.run(place.kit.top, "backup", instance=place.name, keep="1")
        place.sample.sql(whole)
        assert (ended.code, archives(place)) == (REFUSED, before), ended
        assert "holds no whole Tiki" in ended.stderr and f"make restore INSTANCE={place.name}" in ended.stderr


def test_a_clone_of_an_archive_spares_what_is_a_third_s(place, fast_lab):
    place.run("backup", instance=place.name)
    third = small_site(fast_lab, "third", is_far=False)
    place.kit.register("third", web_root=third.folder)
    root = Path(fast_lab.sites()) / "copy"
    place.kit.register("copy", web_root=root, db_host=f"127.0.0.1:{fast_lab.mariadb.port}", db_name=third.database,
                       db_user=third.user, db_pass=third.password)
    before = third.sql("CHECKSUM TABLE tiki_pages, tiki_preferences")
    ended = forked.run(place.kit.top, "clone", from_=place.name, to="copy", archive="latest", confirm="copy")
    assert ended.code == REFUSED and "third" in ended.stderr and "Nothing was changed" in ended.stderr, ended
    assert third.sql("CHECKSUM TABLE tiki_pages, tiki_preferences") == before and not root.exists()
