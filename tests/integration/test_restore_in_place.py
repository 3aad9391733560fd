"""A restore onto the site the archive is of: what is equal there is left alone, to the nanosecond."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.database import unchanged
from scripts.store.segments import RACE_NS
from scripts.tiki import guard
from scripts.tiki.layout import HTACCESS
from tests.lab.accounts import give_to, lab_user
from tests.lab.fault_fixtures import fast_lab
from tests.lab.faults import small_site
from tests.lab.forked import Ended, run
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit

__all__ = ["fast_lab"]  # a fixture

Facts = dict[str, tuple[int, int, int]]     # inode, ctime, mtime


class Place:
    """A site, here or behind ssh, that was backed up."""

    def __init__(self, lab: Lab, name: str, is_far: bool) -> None:
        self.name, self.kit = name, Toolkit(lab.folder / f"kit-{name}", lab)
        self.sample = small_site(lab, name, is_far=is_far)
        self.kit.register(name, web_root=self.sample.folder, **(self.kit.over_ssh() if is_far else {}))
        self.odd = self.sample.folder / "img" / "odd"
        self.odd.mkdir()
        (self.odd / "file").write_text("a file with two names")
        os.link(self.odd / "file", self.odd / "second name")
        os.symlink("nowhere", self.odd / "link")
        os.link(self.odd / "link", self.odd / "second link", follow_symlinks=False)     # as cp -al leaves them
        give_to(lab_user(), self.odd)

    def backup(self) -> dict:
        ended = run(self.kit.top, "backup", instance=self.name, json="1", verbose="1")
        assert ended.is_success, ended
        return {**json.loads(ended.stdout)[0], "said": ended.stderr}

    def restore(self, **words: str) -> Ended:
        ended = run(self.kit.top, "restore", instance=self.name, archive="latest", safety="no", **words)
        assert ended.is_success, ended
        return ended

    def facts(self) -> Facts:
        """Return what tells of every change, of all files, folders and links of the site."""
        found = {}
        for top in (self.sample.folder, self.sample.outside):
            for path in (top, *top.rglob("*")):
                status = path.lstat()
                found[str(path)] = (status.st_ino, status.st_ctime_ns, status.st_mtime_ns)
        return found

    @property
    def paged(self) -> set[str]:
        """What the maintenance page writes to, and takes back."""
        return {str(self.sample.folder / name) for name in (".", HTACCESS, *guard.ENTRANCES)}


@pytest.fixture(scope="module", params=["here", "far"])
def made(request, fast_lab: Lab) -> Place:
    place = Place(fast_lab, {"here": "wiki", "far": "shop"}[request.param], request.param == "far")
    time.sleep(RACE_NS / 1e9)     # what was written just before a backup is read by the next one too
    return place


@pytest.fixture
def place(made: Place) -> Iterator[Place]:
    """A site of which there is one archive, that of this moment."""
    shutil.rmtree(made.kit.settings.archives, ignore_errors=True)
    made.backup()
    yield made


def copied(ended: Ended) -> list[tuple[str, int]]:
    """Return how many files rsync copied, by the name of the folder."""
    told = re.findall(r": (/.*): (\d+) files, .* copied", ended.stdout)
    return [(Path(path).name, int(files)) for path, files in told]


def test_where_nothing_changed_nothing_is_copied_and_the_next_backup_reads_nothing(place):
    before = place.facts()
    assert sum(mtime % 1_000_000_000 > 0 for _, _, mtime in before.values()) > len(before) / 2
    assert copied(place.restore()) == [(place.name, 0), ("fgal", 0)]
    after = place.facts()
    assert {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} <= place.paged
    assert {path: facts[2] for path, facts in after.items()} == {path: facts[2] for path, facts in before.items()}
    told = place.backup()
    assert told["segments_packed"] == 1
    # Its entrances had the page's guard in them meanwhile.
    [read] = re.findall(r"tar -c .* -C (\S+) ", told["said"])
    assert read == str(place.sample.folder)


def test_what_changed_is_copied_and_nothing_else(place):
    (place.odd / "file").write_text("a file with two other names")
    os.utime(place.odd / "link", ns=(1, 1), follow_symlinks=False)
    (place.sample.folder / "files/came later.txt").write_text("new")
    before = place.facts()
    assert copied(place.restore()) == [(place.name, 1), ("fgal", 0)]
    after = place.facts()
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} - place.paged
    ours = {str(place.odd / name) for name in ("", "file", "second name", "link", "second link")}
    assert changed == ours | {str(place.sample.folder / "files"), str(place.sample.folder / "files/came later.txt")}
    assert (place.odd / "second name").read_text() == "a file with two names"
    assert place.backup()["segments_packed"] == 1


def test_a_link_with_two_names_is_proven_and_comes_back(place):
    proven = run(place.kit.top, "prove", instance=place.name)
    assert proven.is_success, proven
    for name in ("link", "second link"):
        (place.odd / name).unlink()
    place.restore()
    assert os.readlink(place.odd / "second link") == "nowhere"
    assert os.path.samestat((place.odd / "link").lstat(), (place.odd / "second link").lstat())


def test_a_link_with_two_names_is_taken_out_of_an_archive(place, tmp_path):
    assert run(place.kit.top, "extract", instance=place.name, file="img/odd", dest=str(tmp_path)).is_success
    assert os.readlink(tmp_path / "odd" / "second link") == "nowhere"


def tampered(place: Place) -> Path:
    """Change a file as somebody does who wants it unseen: it keeps its size and its time."""
    path = place.odd / "file"
    status = path.stat()
    path.write_text(path.read_text().replace("two", "too"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return path


def table_ids(place: Place) -> dict[str, str]:
    """Return the number that InnoDB gave each table when it was made."""
    lines = place.sample.server.sql("SELECT name, table_id FROM information_schema.innodb_sys_tables "
                                    f"WHERE name LIKE '{place.sample.database}/%'").splitlines()
    return dict(line.split("\t") for line in lines)


def test_a_file_that_was_changed_unseen_is_what_it_was(place):
    path, before = tampered(place), place.facts()
    assert copied(place.restore()) == [(place.name, 1), ("fgal", 0)]
    assert path.read_text() == "a file with two names"
    untouched = {one for one, facts in place.facts().items() if facts == before[one]}
    assert len(untouched) > 100, "files whose content is equal are left alone"


def test_full_loads_equal_tables_too(place, monkeypatch):
    monkeypatch.setattr(unchanged, "FEWEST", 1)     # the run is a fork of this process
    made = table_ids(place)
    assert len(made) >= 3
    assert "were equal" in place.restore().stdout
    assert table_ids(place).items() & made.items()
    assert "were equal" not in place.restore(full="1").stdout
    assert table_ids(place).keys() == made.keys() and not table_ids(place).items() & made.items()
