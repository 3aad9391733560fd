"""Links into a site's own folders lead into the copy's own ones there, never into those of the original."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.registry import env_file, schema
from scripts.registry.instance import Instance
from tests.lab import forked
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_tree
from tests.lab.fault_fixtures import fast_lab
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.one_site import OneSite
from tests.lab.toolkit import Toolkit

__all__ = ["fast_lab"]  # a fixture

INTO = {"img/wiki_up": "disk/up", "files/sub": "disk/pics", "files/one file": "disk/up/upload",
        "files/chain": "disk/up", "themes/own": "disk/themes", "files/inside": "img"}
"""Links of the web root, and where each leads: from the site's disk, or from its web root."""


class Place(OneSite):
    """A site, here or behind ssh, with a disk that EXTRA_PATHS names, and links of all kinds into it."""

    def __init__(self, lab: Lab, is_far: bool) -> None:
        self.name = "far" if is_far else "here"
        self.kit = Toolkit(lab.folder / f"kit-{self.name}", lab)
        self.kit.set(compress="zst")
        # With all tables: code alone wants Tiki's own update.
        _, self.sample = self.kit.tiki(self.name, ssh=is_far, web=False, files=5, versions=1)
        self.keys = self.kit.over_ssh() if is_far else {}
        self.disk = lab.sites(ssh=is_far) / "disk"
        self.other = lab.sites(ssh=is_far) / "other"
        self.other.mkdir()
        for name in ("up", "pics", "themes"):
            (self.disk / name).mkdir(parents=True)
            (self.disk / name / "upload").write_text("of a user\n")
        (self.disk / "across").symlink_to(self.disk / "up")
        hop = self.other.with_name("hop")
        hop.symlink_to(self.disk / "up")
        web_root = self.sample.folder
        for name, target in (("img/wiki_up", self.disk / "up"), ("files/sub", "../../disk/pics"),
                             ("files/one file", self.disk / "up/upload"), ("files/chain", hop),
                             ("themes/own", "../../disk/themes"), ("files/out", "../../other"),
                             ("files/inside", web_root / "img")):
            link(web_root / name, target)
        give_to(lab_user(), self.disk)
        give_to(lab_user(), self.other)
        self.kit.register(self.name, web_root=web_root, extra_paths=self.disk, **self.keys)

    def copy(self, name: str) -> Instance:
        return self.kit.blank(f"{name}-of-{self.name}", ssh=self.name == "far")

    def is_own(self, web_root: str | Path, disk: str | Path) -> bool:
        """Whether all links of a site lead into its own folders."""
        ends = {name: os.path.realpath(Path(web_root) / name) for name in INTO}
        assert ends == {name: f"{disk}/{path.removeprefix('disk/')}" if path.startswith("disk/") else
                        f"{web_root}/{path}" for name, path in INTO.items()}
        return True

    def compared(self, copy: Instance) -> Ended:
        return forked.run(self.kit.top, "compare", a=self.name, b=copy.name)

    def env_of(self, instance: Instance) -> dict[str, str]:
        path = self.kit.top / "instances.d" / f"{instance.name}.env"
        return {key: value.text for key, value in
                env_file.parse(path.read_text(), str(path), schema.keys(Instance)).items()}

    def doctor(self, copy: Instance) -> str:
        return forked.run(self.kit.top, "doctor", instance=copy.name).stdout


def link(path: Path, target: str | Path) -> None:
    """Put a link in the place of what is at path."""
    path.parent.mkdir(exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


@pytest.fixture(scope="module", params=[False, True], ids=["here", "far"])
def place(fast_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Place]:
    yield Place(fast_lab, request.param)


def disk_of(copy: Instance) -> Path:
    return Path(f"{copy.web_root}-data/disk")


@pytest.mark.parametrize("verb", ["clone", "restore", "clone-archive"])
def test_the_links_of_a_copy_lead_into_its_own_folders(place, verb):
    copy = place.copy(verb)
    before = describe_tree(place.disk), describe_tree(place.sample.folder)
    if verb == "clone":
        told = place.run("clone", from_=place.name, to=copy.name)
    else:
        place.run("backup", instance=place.name)
        told = place.run("restore", from_=place.name, instance=copy.name) if verb == "restore" else \
            place.run("clone", from_=place.name, to=copy.name, archive="latest")
    assert place.is_own(copy.web_root, disk_of(copy))
    assert (disk_of(copy) / "across").readlink() == disk_of(copy) / "up"
    assert f"links lead out of the site: {copy.web_root}/files/out to {place.other}" in told.stderr, told
    assert "img/wiki_up" not in told.stderr
    (Path(copy.web_root) / "img/wiki_up/written").write_text("at the copy\n")
    assert (describe_tree(place.disk), describe_tree(place.sample.folder)) == before
    assert place.kit.instance(copy.name).extra_paths == (str(disk_of(copy)),)
    assert "is a link to" not in place.doctor(copy)


def test_a_copy_stays_one_when_it_is_made_again_and_its_links_are_no_difference(place):
    copy = place.copy("again")
    place.run("clone", from_=place.name, to=copy.name)
    told = place.compared(copy)
    assert "link" not in told.stdout.partition("expected")[0], told
    inode = (Path(copy.web_root) / "img/wiki_up").lstat().st_ino
    place.run("clone", from_=place.name, to=copy.name)
    assert (Path(copy.web_root) / "img/wiki_up").lstat().st_ino == inode, "nothing had to be laid anew"
    # As a copy is that was made before its links were looked at.
    for name, target in (("img/wiki_up", place.disk / "up"), ("files/sub", "../../disk/pics")):
        link(Path(copy.web_root) / name, target)
    place.run("clone", from_=place.name, to=copy.name, only="data")
    assert place.is_own(copy.web_root, disk_of(copy))
    place.run("backup", instance=copy.name)
    (Path(copy.web_root) / "img/wiki_up").unlink()
    place.run("restore", instance=copy.name, archive="latest")
    assert place.is_own(copy.web_root, disk_of(copy))
    assert place.kit.instance(copy.name).extra_paths == (str(disk_of(copy)),)


def test_a_promotion_leaves_the_links_of_the_one_above_its_own(place):
    copy = place.copy("stage")
    place.run("clone", from_=place.name, to=copy.name)
    (Path(copy.web_root) / "new.php").write_text("<?php\n")
    before = {name: (place.sample.folder / name).readlink() for name in (*INTO, "files/out")}
    disk = describe_tree(place.disk)
    place.run("promote", instance=copy.name, to=place.name, confirm=place.name)
    assert (place.sample.folder / "new.php").exists()
    assert {name: (place.sample.folder / name).readlink() for name in before} == before
    assert describe_tree(place.disk) == disk


def test_code_alone_brings_no_link_into_the_folders_of_another(place):
    copy = place.copy("code")
    place.run("clone", from_=place.name, to=copy.name)
    elsewhere = place.other.with_name(f"elsewhere-{place.name}")
    elsewhere.mkdir()
    for name in ("themes/foreign", "img/trackers"):
        link(place.sample.folder / name, place.other)
        link(Path(copy.web_root) / name, elsewhere)
    told = place.run("clone", from_=place.name, to=copy.name, only="code")
    assert place.is_own(copy.web_root, disk_of(copy))
    assert (Path(copy.web_root) / "themes/foreign").readlink() == elsewhere
    assert (Path(copy.web_root) / "img/trackers").readlink() == elsewhere
    assert f"{copy.web_root}/themes/foreign stays a link to {elsewhere}" in told.stderr
    for name in ("themes/foreign", "img/trackers"):
        (place.sample.folder / name).unlink()


def test_uploads_that_lie_in_the_folder_of_another_are_told_as_such(place):
    copy = place.copy("shared")
    place.run("clone", from_=place.name, to=copy.name)
    keys = {key: value for key, value in place.env_of(copy).items() if key != "EXTRA_PATHS"}
    place.kit.register(copy.name, **keys)
    link(Path(copy.web_root) / "img/wiki_up", place.disk / "up")
    told = f"{copy.web_root}/img/wiki_up is a link to {place.disk}/up, which is also used by {place.name}, or may be"
    wrong = [line for line in place.doctor(copy).splitlines() if told in line]
    assert len(wrong) == 1 and "EXTRA_PATHS" not in wrong[0]
    assert wrong[0].endswith(f"clone FROM={place.name} TO={copy.name}")
    backup = place.run("backup", instance=copy.name)
    assert told in backup.stderr and f"EXTRA_PATHS={place.disk}" not in backup.stderr
    # As was advised before.
    place.kit.register(copy.name, **keys, extra_paths=f"{place.disk},{place.other}/own")
    place.run("clone", from_=place.name, to=copy.name)
    assert place.kit.instance(copy.name).extra_paths == (f"{place.other}/own",)
    assert place.is_own(copy.web_root, f"{place.other}/own")
