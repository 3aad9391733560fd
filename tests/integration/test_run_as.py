"""RUN_AS: a site that belongs to another account is read, dumped and put back as that account."""

import os

import pytest

from tests.lab.accounts import lab_user
from tests.lab.compare import describe_tree
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit

KEPT = {b"temp/cache", b"temp/templates_c"}


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def kit(lab):
    return Toolkit(lab.folder / "toolkit", lab)


@pytest.fixture(scope="module")
def others(kit):
    """A site that belongs to another account."""
    instance, site = kit.tiki("others", files=20, versions=2)
    kit.register("others", web_root=instance.web_root, run_as=lab_user())
    return site


def test_a_site_of_another_account_comes_back_as_it_was(kit, others):
    before = describe_tree(others.folder, KEPT)
    assert kit.make("backup", "INSTANCE=others").returncode == 0
    (others.folder / "tiki-index.php").write_text("broken")
    done = kit.make("restore", "INSTANCE=others")
    assert done.returncode == 0, done.stderr
    assert describe_tree(others.folder, KEPT) == before
    assert (others.folder / "tiki-index.php").owner() == lab_user()


def test_an_account_that_sudo_does_not_give_is_told_as_that(kit):
    instance, _ = kit.tiki("closed", files=5, versions=1, ssh=True)
    kit.register("closed", web_root=instance.web_root, run_as="nobody", **kit.over_ssh())
    done = kit.make("backup", "INSTANCE=closed")
    assert done.returncode != 0
    assert "sudo" in done.stderr
    assert not list(kit.settings.archives.glob("closed/*"))


@pytest.mark.usefixtures("others")
def test_no_command_runs_as_ourselves(kit):
    done = kit.make("backup", "INSTANCE=others", "V=1")
    assert done.returncode == 0, done.stderr
    log = max((kit.settings.state / "logs").glob("*backup*"), key=os.path.getmtime).read_text()
    assert "[others] env LC_ALL=C tar -c" in log
    assert "[manager] tar -c" not in log
