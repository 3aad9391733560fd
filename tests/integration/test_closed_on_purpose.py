"""A site that its administrator closed stays closed, whatever a run makes of it meanwhile."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from scripts.steps import restoring
from scripts.tiki import maintenance
from tests.integration.test_stages import chain
from tests.lab import forked
from tests.lab.faults import change_site, small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

REASON = "We are moving house."
numbers = count(1)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


class Pair:
    """A toolkit with a site and a blank, both here or both behind ssh."""

    def __init__(self, lab: Lab, is_far: bool) -> None:
        number = next(numbers)
        self.kit = Toolkit(lab.folder / f"kit{number}", lab)
        self.kit.set(compress="zst")
        self.sample = small_site(lab, f"blog{number}", is_far)
        reached = self.kit.over_ssh() if is_far else {}
        self.blog = self.kit.register("blog", web_root=self.sample.folder, **reached)
        self.copy = self.kit.blank(f"copy{number}", ssh=is_far)

    def clone(self, **words: str) -> Ended:
        return forked.run(self.kit.top, "clone", from_="blog", to=self.copy.name, **words)


@pytest.fixture(params=[False, True], ids=["here", "ssh"])
def pair(lab: Lab, request: pytest.FixtureRequest) -> Pair:
    return Pair(lab, request.param)


def run(kit: Toolkit, verb: str, **words: str) -> Ended:
    ended = forked.run(kit.top, verb, **words)
    assert ended.is_success, ended
    return ended


def close(kit: Toolkit, instance: Instance) -> maintenance.State:
    run(kit, "maintenance", instance=instance.name, state="on", reason=REASON)
    return page(instance)


def page(instance: Instance) -> maintenance.State:
    return maintenance.state(instance.host, instance.web_root)


def assert_stayed(kit: Toolkit, instance: Instance, before: maintenance.State, said: str) -> None:
    """The page is the one that was there, and goes when it is told to."""
    assert page(instance) == before
    assert before.is_on and before.complete and before.reason == REASON
    assert said.count(f"{instance.name}: the maintenance page that was put up ") == 1
    assert f"({REASON}) stays. To let visitors in: make maintenance INSTANCE={instance.name} STATE=off" in said
    run(kit, "maintenance", instance=instance.name, state="off")
    assert page(instance) == maintenance.State(False)


def test_a_clone_that_is_closed_stays_so_when_it_is_cloned_again(pair):
    kit, copy = pair.kit, pair.copy
    assert pair.clone().is_success
    assert not page(copy).is_on
    before = close(kit, copy)
    change_site(pair.sample)
    ended = pair.clone()
    assert (Path(copy.web_root) / "files/came later.txt").exists()
    assert_stayed(kit, copy, before, ended.stdout)
    assert restoring.looked(copy) is None
    before = close(kit, copy)
    run(kit, "backup", instance="blog")
    ended = pair.clone(archive="latest")
    assert_stayed(kit, copy, before, ended.stdout)


def test_the_page_of_a_clone_stays_when_a_look_under_it_ends_with_a_refusal(pair):
    assert pair.clone().is_success
    before = close(pair.kit, pair.copy)
    (Path(pair.copy.web_root) / "files/made here.txt").write_text("x")
    pair.kit.set(archives_dir="/proc/nowhere")      # no place for what would be lost
    ended = pair.clone()
    assert not ended.is_success
    assert page(pair.copy) == before
    assert restoring.looked(pair.copy) is None, ended


def test_a_restored_site_that_was_closed_stays_so_and_one_that_was_open_is_open(pair):
    kit, blog = pair.kit, pair.blog
    htaccess = (Path(blog.web_root) / ".htaccess").read_bytes()
    before = close(kit, blog)
    run(kit, "backup", instance="blog")         # an archive that was made under the page
    change_site(pair.sample)
    ended = run(kit, "restore", instance="blog", archive="1")
    assert not (Path(blog.web_root) / "files/came later.txt").exists()
    assert_stayed(kit, blog, before, ended.stdout)
    ended = run(kit, "restore", instance="blog", archive="2")
    assert not page(blog).is_on and " stays" not in ended.stdout
    assert (Path(blog.web_root) / ".htaccess").read_bytes() == htaccess


@pytest.mark.parametrize("far", ["", "test"], ids=["here", "ssh"])
def test_code_that_is_promoted_to_a_closed_site_does_not_open_it(lab, far):
    kit = Toolkit(lab.folder / f"kit-promote-{far}", lab)
    kit.set(compress="zst")
    _, test, dev = chain(kit, far=far)
    (dev.sample.folder / "tiki-index.php").write_text("<?php http_response_code(500); exit;\n")
    before = close(kit, test.instance)
    ended = run(kit, "promote", instance=dev.name)
    assert test.code() == "code of dev"
    assert "visitors see the maintenance page: whether it answers with the code of dev" in ended.stderr
    assert fetch(test.instance.web_url).status == 503
    assert_stayed(kit, test.instance, before, ended.stdout)


@pytest.mark.parametrize("far", ["", "test"], ids=["here", "ssh"])
def test_a_closed_site_that_is_put_back_stays_closed(lab, far):
    kit = Toolkit(lab.folder / f"kit-back-{far}", lab)
    kit.set(compress="zst")
    _, test, dev = chain(kit, far=far)
    dev.sample.add_patch("20260303_broken_tiki", "CREATE NONSENSE;\n")
    before = close(kit, test.instance)
    ended = forked.run(kit.top, "promote", instance=dev.name)
    assert ended.code == 6 and "What was there before was put back" in ended.stderr, ended
    assert test.code() == "code of test"
    assert_stayed(kit, test.instance, before, ended.stdout)
