"""The manager's account is not root, and the site's host is entered as root: what comes back belongs to whom it did."""

import os
import pwd
import shutil
from collections.abc import Iterator

import pytest

from tests.lab.accounts import give_to, lab_user
from tests.lab.fault_fixtures import fast_lab
from tests.lab.faults import small_site
from tests.lab.forked import Ended, run
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.sshd import Sshd
from tests.lab.toolkit import Toolkit

__all__ = ["fast_lab"]  # a fixture

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a host is entered as root")

Facts = dict[str, tuple[int, int, int, bytes]]


class Place:
    """A site of several owners, with files and folders that only root may read, and a manager who is not root."""

    def __init__(self, lab: Lab) -> None:
        self.kit, self.manager = Toolkit(lab.folder / "kit-unprivileged", lab), lab_user()
        self.sample: SampleTiki = small_site(lab, "roots", is_far=True)
        root, number = self.sample.folder, pwd.getpwnam("nobody").pw_uid
        shut = root / "img" / "shut"
        shut.mkdir()
        (shut / "file").write_text("in a folder that nobody may enter")
        (root / "img" / "read by root").write_text("of mode 000")
        (root / "img" / "as its owner").write_text("setuid")
        os.symlink("nowhere", shut / "link")
        (root / ".htaccess").write_text("# the site's own\n")
        for path in (root, *root.rglob("*")):
            os.chown(path, 0, 0, follow_symlinks=False)
        for path in (root / "temp", root / "img", shut, shut / "link", root / "img" / "as its owner",
                     root / ".htaccess", self.sample.outside / "fgal"):
            os.chown(path, number, number, follow_symlinks=False)
        (root / "img" / "read by root").chmod(0)
        (root / "img" / "as its owner").chmod(0o4755)
        shut.chmod(0o640)
        self.sshd = Sshd(lab.folder / "root-sshd")
        self.sshd.folder.mkdir(mode=0o755)
        self.sshd.user = "root"
        self.sshd.start()
        self.kit.register("roots", web_root=root, **self.kit.over_ssh(self.sshd))
        (self.kit.top / "var").mkdir()
        give_to(self.manager, self.kit.top, self.sshd.key)

    def make(self, verb: str, **words: str) -> Ended:
        ended = run(self.kit.top, verb, account=self.manager, instance="roots", **words)
        assert ended.is_success, ended
        return ended

    def facts(self) -> Facts:
        """Return owner, group, mode and content or target of all that is there."""
        found = {}
        for top in (self.sample.folder, self.sample.outside):
            for path in (top, *top.rglob("*")):
                status = path.lstat()
                content = os.fsencode(os.readlink(path)) if path.is_symlink() else \
                    path.read_bytes() if path.is_file() else b""
                found[str(path)] = status.st_uid, status.st_gid, status.st_mode, content
        return found


@pytest.fixture(scope="module")
def place(fast_lab: Lab) -> Iterator[Place]:
    made = Place(fast_lab)
    yield made
    made.sshd.stop()


def emptied(place: Place) -> None:
    for path in (place.sample.folder / "img", place.sample.folder / "temp"):
        shutil.rmtree(path)
    (place.sample.folder / "tiki-index.php").write_text("broken")
    (place.sample.folder / "tiki-index.php").chmod(0o600)


def test_all_comes_back_with_its_owner_and_its_mode(place):
    before = place.facts()
    place.make("backup")
    emptied(place)
    place.make("restore", archive="latest", safety="no")
    assert place.facts() == before
    assert not list((place.kit.top / "var" / "work").glob("scratch-*"))


def test_a_site_whose_folders_are_gone_comes_back_with_its_owners(place):
    before = place.facts()
    shutil.rmtree(place.sample.folder)
    shutil.rmtree(place.sample.outside / "fgal")
    place.make("restore", archive="latest", safety="no")
    assert place.facts() == before


def test_without_an_index_all_belongs_to_whom_the_web_root_belongs(place):
    for path in place.kit.settings.archives.rglob("*.index"):
        path.unlink()
    emptied(place)
    place.make("restore", archive="latest", safety="no")
    assert {facts[:2] for path, facts in place.facts().items() if "/img/" in path} == {(0, 0)}
