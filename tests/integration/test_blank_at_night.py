"""INSTANCE=all at night, with a blank among the sites: no false alarm, and no false silence."""

import pytest

from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit


@pytest.fixture(scope="module")
def kit():
    with Lab() as lab:
        kit = Toolkit(lab.folder / "toolkit", lab)
        kit.tiki("blog", files=5, versions=1, web=False)
        kit.blank("spare")
        yield kit


def test_a_blank_is_passed_over_and_said(kit):
    done = kit.make("backup", "INSTANCE=all")
    assert done.returncode == 0, done.stderr
    assert "spare: is a blank: there is nothing to back up yet" in done.stdout
    assert len(list(kit.settings.archives.glob("blog/*.tar.bz2"))) == 1
    assert kit.make("prove", "INSTANCE=all").returncode == 0


def test_a_site_that_lost_its_files_is_no_blank(kit):
    kit.lab.mariadb.sql("CREATE TABLE left_over (id int)", "spare")
    done = kit.make("backup", "INSTANCE=spare")
    assert done.returncode != 0
    assert "spare" in done.stderr
