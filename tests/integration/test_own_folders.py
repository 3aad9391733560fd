"""Archives that lie inside a site: no backup holds itself, and no restore or clone deletes what it needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import forked
from tests.lab.compare import describe_tree
from tests.lab.fault_fixtures import fast_lab
from tests.lab.faults import small_site
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

__all__ = ["fast_lab"]  # a fixture


@pytest.fixture(scope="module")
def kit(fast_lab: Lab) -> Toolkit:
    kit = Toolkit(fast_lab.folder / "kit", fast_lab)
    kit.set(compress="zst")
    return kit


@pytest.fixture(scope="module")
def sample(kit: Toolkit) -> SampleTiki:
    """A site with an archive, made while archives lay outside of it."""
    sample = small_site(kit.lab, "blog", is_far=False)
    kit.register("blog", web_root=sample.folder)
    assert forked.run(kit.top, "backup", instance="blog").is_success
    return sample


@pytest.fixture
def inside(kit: Toolkit, sample: SampleTiki, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Archives in the web root, or in a data folder, with the one that was made before."""
    place = {"web root": sample.folder, "data folder": sample.outside / "fgal"}[request.param] / "backups"
    usual = kit.settings.archives
    usual.rename(place)
    kit.set(archives_dir=place)
    yield place
    kit.set(archives_dir="var/archives")
    place.rename(usual)


both = pytest.mark.parametrize("inside", ["web root", "data folder"], indirect=True)


@both
@pytest.mark.parametrize("dry", ["", "1"])
@pytest.mark.parametrize(("verb", "words"), [
    ("backup", {}), ("restore", {}), ("restore", {"safety": "no"}),
    ("delete", {"destroy": "1", "confirm": "blog", "safety": "no"})])
def test_what_would_pack_or_delete_archives_is_refused_and_nothing_is_changed(kit, sample, inside, verb, words, dry):
    before = describe_tree(sample.folder), describe_tree(sample.outside)
    ended = forked.run(kit.top, verb, instance="blog", **words, **({"dry": "1"} if dry else {}))
    assert ended.code == 9, ended
    assert ended.stderr.count("\n") == 1 and f"{inside} (ARCHIVES_DIR) lies inside the site" in ended.stderr, ended
    assert (describe_tree(sample.folder), describe_tree(sample.outside)) == before


@pytest.mark.parametrize("inside", ["web root"], indirect=True)
def test_a_clone_onto_a_site_with_our_archives_is_refused(kit, sample, inside):
    source = small_site(kit.lab, "source", is_far=False)
    kit.register("source", web_root=source.folder)
    before = describe_tree(sample.folder)
    ended = forked.run(kit.top, "clone", from_="source", to="blog", confirm="blog")
    assert ended.code == 9 and "(ARCHIVES_DIR) lies inside the site" in ended.stderr, ended
    assert describe_tree(sample.folder) == before


@both
@pytest.mark.parametrize("dry", ["", "1"])
@pytest.mark.parametrize("words", [{}, {"only": "code"}])
def test_a_clone_of_a_site_with_our_archives_is_refused_and_holds_none(kit, inside, words, dry):
    copy = kit.blank(f"copy-{inside.parent.name}-{len(words)}{dry}")
    ended = forked.run(kit.top, "clone", from_="blog", to=copy.name, confirm=copy.name, **words,
                       **({"dry": "1"} if dry else {}))
    assert ended.code == 9, ended
    assert ended.stderr.count("\n") == 1 and f"{inside} (ARCHIVES_DIR) lies inside the site" in ended.stderr, ended
    assert not Path(copy.web_root).exists()


@both
def test_doctor_tells_it(kit, inside):
    ended = forked.run(kit.top, "doctor", instance="blog")
    assert f"blog: own folders: {inside} (ARCHIVES_DIR) lies inside the site" in ended.stdout, ended
