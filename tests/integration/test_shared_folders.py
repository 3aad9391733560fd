"""A data folder that is everybody's: no backup takes it, and no restore or clone deletes what others keep there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import forked
from tests.lab.fault_fixtures import fast_lab
from tests.lab.lab import Lab
from tests.lab.one_site import OneSite

__all__ = ["fast_lab"]  # a fixture


class Place(OneSite):
    """A site, here or behind ssh, whose galleries are filled from a folder that others use too."""

    def __init__(self, lab: Lab, is_far: bool) -> None:
        super().__init__(lab, is_far)
        self.shared = lab.sites(ssh=is_far) / "everybody"
        self.shared.mkdir()
        self.shared.chmod(0o1777)
        self.sample.sql("REPLACE INTO tiki_preferences (name, value) VALUES "
                        f"('fgal_batch_dir', '{self.shared}/'), ('gal_batch_dir', '{self.shared}/ours')")

    @property
    def later(self) -> Path:
        return self.shared / "of another program"


@pytest.fixture(scope="module", params=[False, True], ids=["here", "far"])
def place(fast_lab: Lab, request: pytest.FixtureRequest) -> Place:
    return Place(fast_lab, request.param)


@pytest.fixture
def filled(place: Place) -> Iterator[Place]:
    (place.shared / "ours").mkdir(exist_ok=True)
    (place.shared / "ours" / "picture").write_text("of the site\n")
    (place.shared / "theirs").write_text("password\n")
    yield place
    place.shared.chmod(0o1777)


def test_a_backup_takes_only_what_is_the_sites_and_tells_of_the_rest(filled):
    told = filled.run("backup", instance=filled.name)
    assert f"{filled.shared} is named by preference fgal_batch_dir and is not taken: it is open to everybody" \
        in told.stderr
    listed = filled.listed()
    assert "theirs" not in listed and "picture" in listed


@pytest.mark.parametrize("is_old", [False, True], ids=["an archive without it", "an older archive that has it"])
def test_a_restore_leaves_what_others_keep_there(filled, is_old):
    filled.shared.chmod(0o755 if is_old else 0o1777)
    filled.run("backup", instance=filled.name)
    filled.shared.chmod(0o1777)
    assert ("theirs" in filled.listed()) is is_old
    filled.later.write_text("not ours\n")
    told = filled.run("restore", instance=filled.name, archive="latest")
    assert filled.later.read_text() == "not ours\n"
    assert ("in the archive is not put in place: it is open to everybody" in told.stderr) is is_old


@pytest.mark.parametrize("place", [False], indirect=True, ids=["here"])    # sshd gives an environment of its own
def test_the_hosts_folder_for_temporary_files_is_told_by_its_name(filled):
    filled.shared.chmod(0o755)
    told = filled.kit.make("backup", "INSTANCE=here", environment={"TMPDIR": str(filled.shared)})
    assert f"{filled.shared} is named by preference fgal_batch_dir and is not taken: temporary files" in told.stderr


def test_a_clone_is_given_a_folder_of_its_own(filled):
    copy = filled.kit.blank(f"copy-{filled.name}")
    filled.later.write_text("not ours\n")
    filled.run("clone", from_=filled.name, to=copy.name)
    database = copy.db_name
    named = filled.kit.lab.mariadb.sql("SELECT value FROM tiki_preferences WHERE name = 'fgal_batch_dir'", database)
    assert named.strip() == f"{copy.web_root}-data/everybody/"
    assert filled.later.exists() and not Path(f"{copy.web_root}-data/everybody").exists()


def test_doctor_tells_it_and_how_to_give_it_a_folder_of_its_own(filled):
    ended = forked.run(filled.kit.top, "doctor", instance=filled.name)
    assert f"{filled.name}: data folders: {filled.shared} is named by preference fgal_batch_dir and is not taken" \
        in ended.stdout
    assert f"preferences:set fgal_batch_dir {filled.sample.folder}-data/fgal_batch_dir/" in ended.stdout
