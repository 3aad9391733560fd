"""Links that lead to themselves: a backup takes them as the links they are, and no other file is missing for them."""

from collections.abc import Iterator

import pytest

from tests.lab import forked
from tests.lab.fault_fixtures import fast_lab
from tests.lab.lab import Lab
from tests.lab.one_site import OneSite

__all__ = ["fast_lab"]  # a fixture


@pytest.fixture(scope="module", params=[False, True], ids=["here", "far"])
def place(fast_lab: Lab, request: pytest.FixtureRequest) -> Iterator[OneSite]:
    yield OneSite(fast_lab, request.param)


def test_loops_in_the_web_root_are_packed_as_links(place):
    for name, target in (("files/loop", "loop"), ("files/one", "two"), ("files/two", "one")):
        (place.sample.folder / name).symlink_to(target)
    place.run("backup", instance=place.name)
    listed = place.listed()
    assert all(f"/files/{name}\n" in listed for name in ("loop", "one", "two"))
    (place.sample.folder / "files/loop").unlink()
    place.run("restore", instance=place.name, archive="latest")
    assert (place.sample.folder / "files/loop").readlink().name == "loop"


def test_a_data_folder_that_is_a_link_to_itself_is_told_as_missing(place):
    loop = place.sample.folder.parent / "data-loop"
    loop.symlink_to("data-loop")
    place.sample.sql(f"REPLACE INTO tiki_preferences (name, value) VALUES ('fgal_podcast_dir', '{loop}')")
    told = place.run("backup", instance=place.name)
    assert f"{loop} is named by preference fgal_podcast_dir and is not there" in told.stderr
    told = forked.run(place.kit.top, "doctor", instance=place.name)
    assert f"data folders: {loop} is not there, though the database names it" in told.stdout
