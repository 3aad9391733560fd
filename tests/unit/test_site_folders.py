"""Where a site's data lies: named, linked, given; on real folders, without a database."""

from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import site_folders
from scripts.steps.site_folders import Found


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A web root, www, beside two disks."""
    for folder in ("www/storage", "www/img", "big/fgal", "big/up", "other"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def find(disk: Path, *values: str, extra: tuple[str, ...] = (), inbox: str = "") -> Found:
    rows = {"preferences": [*((f"p{number}_use_dir", value) for number, value in enumerate(values)),
                            *([("fgal_batch_dir", inbox)] if inbox else [])]}
    instance = Instance(name="blog", settings=Settings(disk), web_root=str(disk / "www"),
                        extra_paths=tuple(str(disk / path) for path in extra))
    return site_folders.find(instance, rows)


def paths(disk: Path, folders: tuple) -> list[str]:
    return [Path(one.path).relative_to(disk).as_posix() for one in folders]


def test_a_named_folder_behind_a_link_is_taken_by_its_real_path(disk):
    (disk / "www/storage/fgal").symlink_to(disk / "big/fgal")
    found = find(disk, "storage/fgal/", "img/wiki")
    assert paths(disk, found.folders) == ["big/fgal"] and not found.missing and not found.loose
    assert found.folders[0].used_by == ("preference p0_use_dir",)
    assert found.folders[0].links == ((f"{disk}/www/storage/fgal", f"{disk}/big/fgal"),)


def test_a_link_that_leads_nowhere_is_a_missing_folder(disk):
    (disk / "www/storage/fgal").symlink_to(disk / "away/fgal")
    assert paths(disk, find(disk, "storage/fgal/").missing) == ["away/fgal"]


def test_a_link_that_leads_nowhere_or_to_itself_is_a_missing_folder_outside_the_web_root_too(disk):
    (disk / "loop").symlink_to("loop")
    (disk / "dangling").symlink_to("nowhere")
    found = find(disk, f"{disk}/loop", f"{disk}/big/fgal", extra=("dangling",))
    assert paths(disk, found.folders) == ["big/fgal"]
    assert paths(disk, found.missing) == ["loop", "dangling"]


def test_a_link_within_the_web_root_is_no_matter(disk):
    (disk / "www/storage/fgal").symlink_to("../img")
    assert find(disk, "storage/fgal/") == Found()


def test_a_web_root_that_is_a_link_itself_is_no_matter(disk):
    (disk / "www").rename(disk / "real")
    (disk / "www").symlink_to("real")
    assert find(disk, "storage/", "img") == Found()


def test_what_extra_paths_brings_is_not_taken_twice(disk):
    (disk / "www/storage/fgal").symlink_to(disk / "big/fgal")
    (disk / "www/img/wiki_up").symlink_to(disk / "big/up")
    found = find(disk, "storage/fgal/", extra=("big",))
    assert paths(disk, found.folders) == ["big"] and not found.loose


def test_uploads_that_only_a_link_names_are_told_the_outer_one_alone(disk):
    (disk / "www/storage").rmdir()
    (disk / "www/storage").symlink_to(disk / "big")
    (disk / "www/img/wiki_up").symlink_to(disk / "other")
    found = find(disk, "storage/fgal/")
    assert paths(disk, found.folders) == ["big/fgal"]
    assert [(Path(one.path).name, Path(one.target).name) for one in found.loose] == [("wiki_up", "other"),
                                                                                    ("storage", "big")]


def test_what_lies_in_a_folder_that_is_never_taken_is_taken(disk):
    (disk / "other").chmod(0o1777)
    (disk / "other/ours").mkdir()
    found = find(disk, f"{disk}/other/ours", inbox=f"{disk}/other/")
    assert paths(disk, found.folders) == ["other/ours"] and paths(disk, found.missing) == ["other"]
    assert find(disk, extra=("other",)).folders[0].path == f"{disk}/other", "the operator says whose it is"
    assert find(disk, f"{disk}/other").folders[0].path == f"{disk}/other", "uploads are kept there, whatever its mode"
