"""A clone whose db/local.php or env file leads elsewhere by now is none: it may be production."""

import json
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from scripts.steps import lineage, restoring
from tests.lab import forked
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_database, describe_tree
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

numbers = count(1)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


class Place:
    """A source, a clone of it, and a production site, all here or all behind ssh."""

    def __init__(self, lab: Lab, is_far: bool) -> None:
        number = next(numbers)
        self.lab, self.kit = lab, Toolkit(lab.folder / f"kit{number}", lab)
        self.kit.set(compress="zst")
        self.keys = self.kit.over_ssh() if is_far else {}
        self.source = self.site(f"source{number}", is_far)
        self.production = self.site(f"production{number}", is_far)
        for sample in (self.source, self.production):
            self.kit.register(sample.folder.name, web_root=sample.folder, **self.keys)
        self.copy = self.kit.blank(f"copy{number}", ssh=is_far)
        self.made()

    def site(self, name: str, is_far: bool) -> SampleTiki:
        """Build a site without data folders of its own, so that its database alone is at stake."""
        sample = small_site(self.lab, name, is_far)
        sample.sql("DELETE FROM tiki_preferences WHERE name LIKE '%use_dir'")
        return sample

    def made(self, **words: str) -> None:
        ended = self.clone(**words)
        assert ended.is_success, ended

    def clone(self, verb: str = "clone", **words: str) -> Ended:
        sides = {"instance": self.copy.name} if verb == "refresh" else \
            {"from_": self.source.folder.name, "to": self.copy.name}
        return forked.run(self.kit.top, verb, **sides, **words)

    def enter_production(self) -> None:
        """Let the copy's db/local.php be production's, as after a copy of the whole folder by hand."""
        config = Path(self.copy.web_root) / "db/local.php"
        shutil.copy(self.production.folder / "db/local.php", config)
        give_to(lab_user(), config)

    def forget_production(self) -> None:
        (self.kit.top / f"instances.d/{self.production.folder.name}.env").unlink()

    def register_copy(self, **keys: object) -> Instance:
        """Write the env file of the copy anew, with other keys."""
        known = {key: getattr(self.copy, key) for key in ("web_root", "db_name", "db_user", "db_pass", "db_host")}
        self.copy = self.kit.register(self.copy.name, **{**known, **self.keys, **keys})
        return self.copy

    def refused(self, *says: str, verb: str = "clone", **words: str) -> str:
        """Assert that a clone is refused, says why, and leaves production as it was."""
        before = self.seen()
        ended = self.clone(verb, **words)
        assert ended.code == 9, ended
        for text in says:
            assert text in ended.stderr, ended
        assert self.seen() == before
        return ended.stderr

    def seen(self) -> tuple:
        return (describe_tree(self.production.folder), describe_tree(self.production.outside),
                describe_database(self.lab.mariadb, self.production.database))

    @property
    def note(self) -> Path:
        return self.kit.top / "var/status" / f"{self.copy.name}.clone.json"


@pytest.fixture(params=[False, True], ids=["here", "ssh"])
def place(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Place]:
    place = Place(lab, request.param)
    yield place
    shutil.rmtree(place.kit.top)
    for sample in (place.source, place.production):
        shutil.rmtree(sample.folder)


def test_a_copy_that_enters_production_s_database_is_none(place):
    place.enter_production()
    place.forget_production()      # a site that TRIM does not know
    said = f"its database is {place.production.database} at "
    place.refused(said, f"was {place.copy.db_name} at", f"CONFIRM={place.copy.name}")
    place.refused(said, verb="refresh")
    place.made(confirm=place.copy.name)
    place.made()


def test_production_that_is_known_is_refused_though_the_copy_s_name_is_given(place):
    place.enter_production()
    place.refused(f"is also the one of {place.production.folder.name}", confirm=place.copy.name)


def test_a_copy_whose_env_file_names_production_s_folder_is_none(place):
    place.forget_production()
    place.register_copy(web_root=place.production.folder)
    place.refused(f"its web root is {place.production.folder}, and was ", f"CONFIRM={place.copy.name}")


def test_a_copy_without_db_local_php_whose_env_file_names_production_s_database_is_none(place):
    (Path(place.copy.web_root) / "db/local.php").unlink()
    sample = place.production
    place.forget_production()
    place.register_copy(db_name=sample.database, db_user=sample.user, db_pass=sample.password)
    place.refused(f"its database is {sample.database} at ", f"CONFIRM={place.copy.name}")


FILES = "REPLACE INTO tiki_preferences (name, value) VALUES ('fgal_use_db', 'n'), ('fgal_use_dir', '{}/fgal/')"


def test_a_copy_that_uses_a_folder_it_did_not_have_is_none(place):
    place.source.sql(FILES.format(place.source.outside))
    place.made()        # a folder that came with the source is its own
    place.lab.mariadb.sql(FILES.format(place.production.outside), place.copy.db_name)
    place.forget_production()
    place.refused(f"it uses the folder {place.production.outside}/fgal", f"CONFIRM={place.copy.name}")


def test_a_clone_on_another_machine_is_none(place):
    noted = json.loads(place.note.read_text())
    noted["where"]["machine"] = "elsewhere 0123"
    place.note.write_text(json.dumps(noted))
    place.refused("and was elsewhere", f"CONFIRM={place.copy.name}")


def test_a_server_that_was_started_anew_and_another_way_to_it_leave_a_clone_one(place):
    place.lab.mariadb.stop()
    place.lab.mariadb.start()
    config = Path(place.copy.web_root) / "db/local.php"
    config.write_text(config.read_text().replace("'127.0.0.1:", "'[::ffff:127.0.0.1]:"))
    place.made()
    place.made(only="data")


def test_a_clone_of_an_older_version_is_one_but_its_database_is_asked_for(place):
    noted = json.loads(place.note.read_text())
    del noted["where"]
    place.note.write_text(json.dumps(noted))
    place.enter_production()
    place.refused(f"is also the one of {place.production.folder.name}")
    place.register_copy(db_name=place.copy.db_name)
    (Path(place.copy.web_root) / "db/local.php").unlink()
    place.made()
    assert lineage.read(place.copy).where is not None


def test_a_clone_that_broke_off_is_gone_on_with_where_it_is_and_nowhere_else(place):
    where = json.loads(place.note.read_text())["where"]
    place.note.unlink()
    place.forget_production()
    restoring.begin(place.copy, "", "", source=place.source.folder.name, verb="clone", where=where)
    place.made()
    place.note.unlink()
    place.enter_production()
    restoring.begin(place.copy, "", "", source=place.source.folder.name, verb="clone", where=where)
    place.refused(f"its database is {place.production.database} at", f"CONFIRM={place.copy.name}")


@pytest.mark.parametrize(("verb", "only"), [("promote", "code"), ("clone", "code")])
def test_what_broke_off_and_brought_only_code_does_not_allow_to_overwrite_data(place, verb, only):
    place.note.unlink()
    restoring.begin(place.copy, "", "", source=place.source.folder.name, only=only, verb=verb)
    place.refused(f"CONFIRM={place.copy.name}")


def test_a_mirror_that_enters_production_s_database_is_none(place):
    assert forked.run(place.kit.top, "backup", instance=place.source.folder.name).is_success
    place.enter_production()
    place.forget_production()
    place.refused(f"its database is {place.production.database} at", verb="mirror", delay="1d", open_="yes")
