"""Uploads behind a link: what the database names travels, what it does not is told, and no copy writes into them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import forked
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_tree
from tests.lab.fault_fixtures import fast_lab
from tests.lab.lab import Lab
from tests.lab.one_site import OneSite

__all__ = ["fast_lab"]  # a fixture


class Place(OneSite):
    """A site, here or behind ssh, whose galleries and pictures lie on another disk, behind links in the web root."""

    def __init__(self, lab: Lab, is_far: bool) -> None:
        super().__init__(lab, is_far)
        disk = lab.sites(ssh=is_far) / "disk"
        self.galleries, self.pictures = disk / "fgal", disk / "wiki_up"
        for folder, name in ((self.galleries, "storage/fgal"), (self.pictures, "img/wiki_up")):
            folder.mkdir(parents=True)
            (folder / "upload").write_text("of a user\n")
            link = self.sample.folder / name
            subprocess.run(["rm", "-rf", "--", link], check=True)
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(folder)
        give_to(lab_user(), disk)
        self.sample.sql("REPLACE INTO tiki_preferences (name, value) VALUES ('fgal_use_dir', 'storage/fgal/')")

    def packed(self) -> list[str]:
        """Return the folders whose upload is in the newest backup."""
        return sorted(line.split("/")[-2] for line in self.listed().splitlines() if line.endswith("/upload"))

    def named(self, database: str) -> str:
        return self.kit.lab.mariadb.sql("SELECT value FROM tiki_preferences WHERE name = 'fgal_use_dir'",
                                        database).strip()


@pytest.fixture(scope="module", params=[False, True], ids=["here", "far"])
def place(fast_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Place]:
    yield Place(fast_lab, request.param)


def test_a_backup_has_what_the_database_names_and_tells_of_the_rest(place):
    told = place.run("backup", instance=place.name)
    assert place.packed() == ["fgal"]
    assert (f"{place.sample.folder}/img/wiki_up is a link to {place.pictures}, which no backup takes. Next: "
            f"EXTRA_PATHS={place.pictures} in instances.d/{place.name}.env") in told.stderr
    assert "storage" not in told.stderr


def test_doctor_tells_it_until_extra_paths_has_it(place):
    told = forked.run(place.kit.top, "doctor", instance=place.name).stdout
    assert f"data folders: {place.sample.folder}/img/wiki_up is a link to {place.pictures}" in told
    place.kit.register(place.name, web_root=place.sample.folder, extra_paths=place.pictures, **place.keys)
    assert "is a link to" not in forked.run(place.kit.top, "doctor", instance=place.name).stdout
    place.run("backup", instance=place.name)
    assert place.packed() == ["fgal", "wiki_up"]
    place.kit.register(place.name, web_root=place.sample.folder, **place.keys)


def test_a_restore_brings_the_link_and_what_it_leads_to(place):
    place.run("backup", instance=place.name)
    before = describe_tree(place.galleries)
    (place.galleries / "upload").unlink()
    (place.sample.folder / "storage/fgal").unlink()
    place.run("restore", instance=place.name, archive="latest")
    assert (place.sample.folder / "storage/fgal").readlink() == place.galleries
    assert describe_tree(place.galleries) == before


@pytest.mark.parametrize("verb", ["clone", "restore"])
def test_a_copy_has_uploads_of_its_own(place, verb):
    copy = place.kit.blank(f"{verb}-of-{place.name}", ssh=place.name == "far")
    before = describe_tree(place.galleries)
    words = {"to": copy.name} if verb == "clone" else {"instance": copy.name}
    told = place.run(verb, from_=place.name, **words)
    assert place.named(copy.db_name) == f"{copy.web_root}-data/fgal/"
    assert (Path(f"{copy.web_root}-data") / "fgal" / "upload").read_text() == "of a user\n"
    assert describe_tree(place.galleries) == before and place.named(place.sample.database) == "storage/fgal/"
    assert verb == "restore" or f"img/wiki_up is a link to {place.pictures}, which does not travel" in told.stderr
    assert verb == "clone" or (f"links lead out of the site: {copy.web_root}/img/wiki_up to {place.pictures}"
                               in told.stderr)
    told = forked.run(place.kit.top, "compare", a=place.name, b=copy.name)
    assert "fgal" not in told.stdout, told


def test_a_site_that_is_removed_leaves_what_its_links_lead_to(place):
    copy = place.kit.blank(f"gone-{place.name}", ssh=place.name == "far")
    place.run("clone", from_=place.name, to=copy.name)
    store = Path(f"{copy.web_root}-data") / "fgal"
    store.rename(f"{store}.disk")
    link = Path(copy.web_root) / "storage/fgal"
    link.unlink()
    link.symlink_to(f"{store}.disk")
    place.kit.lab.mariadb.sql("UPDATE tiki_preferences SET value = 'storage/fgal/' WHERE name = 'fgal_use_dir'",
                              copy.db_name)
    told = place.run("delete", instance=copy.name, destroy="1", confirm=copy.name)
    assert f"{store}.disk stays: {link} is a link to it" in told.stderr
    assert Path(f"{store}.disk/upload").exists() and not link.exists()
