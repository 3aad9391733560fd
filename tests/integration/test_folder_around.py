"""A data folder may hold the web root itself: neither a restore nor a clone takes the one for a part of the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from tests.lab import forked
from tests.lab.accounts import lab_user
from tests.lab.compare import describe_tree
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki, build
from tests.lab.toolkit import Toolkit


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def nested(lab: Lab) -> tuple[Toolkit, Instance, SampleTiki]:
    """A site whose user files lie around its web root."""
    kit = Toolkit(lab.folder / "kit", lab)
    kit.set(compress="zst")
    around = lab.sites() / "around"
    sample = build(around / "www", lab.mariadb, *lab.account("nested"), files=5, versions=1,
                   outside=lab.sites() / "nested-data", owner=lab_user())
    (around / "user file").write_text("of a user\n")
    sample.sql(f"REPLACE INTO tiki_preferences (name, value) VALUES ('uf_use_db', 'n'), ('uf_use_dir', '{around}')")
    return kit, kit.register("nested", web_root=sample.folder), sample


def test_a_restore_keeps_the_web_root_that_lies_in_a_data_folder(nested):
    kit, instance, sample = nested
    before = describe_tree(sample.folder.parent)
    assert forked.run(kit.top, "backup", instance="nested").is_success
    (sample.folder.parent / "user file").unlink()
    (sample.folder / "robots.txt").write_text("changed\n")
    ended = forked.run(kit.top, "restore", instance="nested")
    assert ended.is_success, ended
    assert describe_tree(sample.folder.parent) == before
    assert instance.host.present(f"{sample.folder}/tiki-setup.php")


def test_a_clone_takes_what_lies_around_the_web_root_without_it(nested):
    kit, _, sample = nested
    copy = kit.blank("copy")
    ended = forked.run(kit.top, "clone", from_="nested", to="copy")
    assert ended.is_success, ended
    placed = Path(f"{copy.web_root}-data/around")
    assert [path.name for path in placed.iterdir()] == ["user file"]
    assert describe_tree(Path(copy.web_root), without={b"db/local.php"}) == \
        describe_tree(sample.folder, without={b"db/local.php"})
