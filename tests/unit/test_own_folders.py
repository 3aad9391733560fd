"""A folder of TRIM inside a site would be packed with it and deleted with it."""

from pathlib import Path

import pytest

from scripts.errors import RefusedError
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import own_folders


@pytest.fixture
def trim(tmp_path: Path) -> Path:
    return tmp_path / "opt" / "trim"


def site(trim: Path, access: str = "local", **folders: str) -> Instance:
    return Instance(name="blog", settings=Settings(trim, **folders), web_root=str(trim.parents[1] / "www"),
                    access=access, **({"ssh_host": "web1"} if access == "ssh" else {}))


def key_inside(instance: Instance, *parts: str) -> str | None:
    found = own_folders.inside(instance, parts or [instance.web_root])
    return found and found.key


@pytest.mark.parametrize("setting", ["archives_dir", "work_dir", "state_dir"])
@pytest.mark.parametrize("place", ["www", "www/backups", "www/x/y"])
def test_a_folder_of_ours_that_is_or_lies_in_the_web_root_is_found(trim, tmp_path, setting, place):
    assert key_inside(site(trim, **{setting: str(tmp_path / place)})) == setting.upper()


def test_folders_beside_and_around_a_site_are_no_matter(trim, tmp_path):
    assert key_inside(site(trim, archives_dir=str(tmp_path / "www-backups"))) is None
    assert key_inside(site(trim, archives_dir=str(tmp_path))) is None


def test_all_of_trim_is_found_in_a_data_folder_around_it(trim):
    assert key_inside(site(trim), "/nowhere", str(trim.parent)) == ""


def test_paths_are_compared_without_their_links(trim, tmp_path):
    (tmp_path / "disk" / "www").mkdir(parents=True)
    (tmp_path / "www").symlink_to("disk/www")
    assert key_inside(site(trim, archives_dir=str(tmp_path / "disk" / "www" / "backups"))) == "ARCHIVES_DIR"


def test_a_site_on_another_machine_holds_none_of_ours_whatever_its_paths_say(trim, tmp_path):
    assert key_inside(site(trim, "ssh", archives_dir=str(tmp_path / "www" / "backups"))) is None


def test_the_refusal_is_one_line_with_place_reason_and_next_step(trim, tmp_path):
    place = tmp_path / "www" / "backups"
    instance = site(trim, archives_dir=str(place))
    with pytest.raises(RefusedError) as refused:
        own_folders.refuse(instance, [instance.web_root])
    assert str(refused.value) == (
        f"blog: {place} (ARCHIVES_DIR) lies inside the site, in {instance.web_root}: a backup would hold itself, and a "
        "restore would delete it. Nothing was changed. Next: set ARCHIVES_DIR in conf/settings.env to a folder outside "
        f"of {instance.web_root}, and move there what is in it")
