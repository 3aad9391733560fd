"""A web root or data folder that is a disk of its own: its lost+found, for root alone, is no part of the site."""

from pathlib import Path

import pytest

from tests.lab import forked
from tests.lab.fault_fixtures import fast_lab
from tests.lab.lab import Lab
from tests.lab.one_site import OneSite

__all__ = ["fast_lab"]  # a fixture


class Place(OneSite):
    """A site, here or behind ssh, on two disks: of one the web root is the top, of the other a data folder."""

    def __init__(self, lab: Lab, is_far: bool) -> None:
        super().__init__(lab, is_far)
        self.lost = [top / "lost+found" for top in (self.sample.folder, self.sample.folder / "files",
                                                    self.sample.outside / "fgal")]
        for folder in self.lost:
            folder.mkdir(mode=0o700)
            (folder / "#12").write_text("a piece")


@pytest.fixture(scope="module", params=[False, True], ids=["here", "far"])
def place(fast_lab: Lab, request: pytest.FixtureRequest) -> Place:
    return Place(fast_lab, request.param)


def test_no_archive_has_it_and_a_restore_leaves_it_alone(place):
    place.run("backup", instance=place.name)
    assert "lost+found" not in place.listed() and "/fgal/" in place.listed()
    place.run("restore", instance=place.name, archive="latest")
    assert [(folder / "#12").read_text() for folder in place.lost] == ["a piece"] * 3


def test_a_clone_goes_without_it(place):
    copy = place.kit.blank(f"copy-{place.name}", ssh=place.name == "far")
    place.run("clone", from_=place.name, to=copy.name)
    assert Path(f"{copy.web_root}-data/fgal").is_dir()
    assert not [*Path(copy.web_root).rglob("lost+found"), *Path(f"{copy.web_root}-data").rglob("lost+found")]


def test_doctor_has_nothing_to_say_about_it(place):
    assert "lost+found" not in forked.run(place.kit.top, "doctor", instance=place.name).stdout
