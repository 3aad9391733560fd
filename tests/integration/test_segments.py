"""Backups that take from the archive before what did not change, of a real site here and behind ssh.

What happens to segments is tried in tests/unit/test_segments.py and test_rounds.py; here it is whole runs.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.store import checksums, index
from scripts.store.index import Index
from tests.lab import faults, forked
from tests.lab.compare import describe_tree
from tests.lab.fault_fixtures import fast_lab
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit

__all__ = ["fast_lab"]  # a fixture

USUAL = {"archives_dir": "var/archives", "full_read_days": "7"}



class Place:
    """A toolkit with one site, here or behind ssh, whose backups are looked at."""

    def __init__(self, lab: Lab, name: str, is_far: bool) -> None:
        self.name, self.lab = name, lab
        self.kit = Toolkit(lab.folder / f"kit-{name}", lab)
        self.sample = small_site(lab, name, is_far=is_far)
        self.kit.register(name, web_root=self.sample.folder, **(self.kit.over_ssh() if is_far else {}))
        self.folder = self.kit.settings.archives / name

    def run(self, **variables: str) -> Ended:
        return forked.run(self.kit.top, "backup", instance=self.name, json="1", **variables)

    def backup(self, **variables: str) -> dict:
        ended = self.run(**variables)
        assert ended.is_success, ended
        return {**json.loads(ended.stdout)[0], "said": ended.stderr}

    def newest(self) -> Path:
        return sorted(self.folder.glob("*.tar.bz2"))[-1]

    def index(self) -> Index:
        return index.read(index.beside(self.newest()))

    def assert_true(self, unpacked: Path) -> None:
        """Compare the newest archive, as plain tar unpacks it, with the site."""
        archive = self.newest()
        assert faults.is_whole(archive)
        shutil.rmtree(unpacked, ignore_errors=True)
        faults.unpack(archive, unpacked)
        top = unpacked / self.name
        assert checksums.differences(top) == []
        tree = next(top.glob(f"*/{self.name}"))
        wanted = {path: told for path, told in describe_tree(self.sample.folder).items() if path in describe_tree(tree)}
        assert describe_tree(tree) == wanted and len(wanted) > 20
        assert b"Dump completed" in (top / "database_dump.sql").read_bytes()[-100:]


@pytest.fixture(scope="module")
def here(fast_lab: Lab) -> Place:
    return Place(fast_lab, "wiki", is_far=False)


@pytest.fixture(scope="module")
def far(fast_lab: Lab) -> Place:
    return Place(fast_lab, "shop", is_far=True)


@pytest.fixture(params=["here", "far"])
def place(request) -> Iterator[Place]:
    """A site that was backed up, and not since; its archives are those of this test alone."""
    place = request.getfixturevalue(request.param)
    shutil.rmtree(place.folder, ignore_errors=True)
    place.kit.set(**USUAL)
    place.backup()
    yield place


@pytest.fixture
def site(here: Place) -> Place:
    shutil.rmtree(here.folder, ignore_errors=True)
    here.kit.set(**USUAL)
    here.backup()
    return here


def test_where_nothing_changed_all_but_the_last_segment_is_copied_and_the_run_says_so(place, tmp_path):
    for _ in range(2):
        time.sleep(1)   # what began in the same second as the one before packs nothing at all
        told = place.backup()
        assert told["segments_packed"] == 1 and told["segments_copied"] > 4
        assert told["bytes_packed"] + told["bytes_copied"] == told["size_bytes"] == place.newest().stat().st_size
        assert re.search(rf"B copied from the one before, .*B(ytes)? packed \(1 of "
                         rf"{told['segments_copied'] + 1} segments\)", told["said"]), told
    place.assert_true(tmp_path / "unpacked")


def test_one_file_added_in_the_middle_packs_at_most_three_segments(place, tmp_path):
    (place.sample.folder / "lib/added.php").write_text("<?php\n")
    assert place.backup()["segments_packed"] <= 3
    place.assert_true(tmp_path / "unpacked")
    (place.sample.folder / "lib/added.php").unlink()
    assert place.backup()["segments_packed"] <= 3
    place.assert_true(tmp_path / "unpacked")


def test_a_file_that_is_rewritten_while_it_is_read_is_told_and_whole_in_the_next_archive(place, tmp_path):
    torn, log = (place.sample.folder / "files" / name for name in ("rewritten", "z.log"))
    torn.write_bytes(os.urandom(8_000_000))
    log.write_bytes(os.urandom(2_000_000))
    program = f"while :; do dd if=/dev/urandom of={torn} conv=notrunc bs=1M count=7; echo one more >> {log}; done"
    with subprocess.Popen(["sh", "-c", program], stderr=subprocess.DEVNULL, start_new_session=True) as writing:
        told = place.backup()
        os.killpg(writing.pid, signal.SIGKILL)
    assert f"{torn} changed while it was read; this archive may hold half of it" in told["said"]
    assert str(log) not in told["said"]
    assert "changed while" not in place.backup()["said"]
    place.assert_true(tmp_path / "unpacked")


def test_another_way_of_packing_begins_a_row_of_its_own(site):
    assert site.backup(compress="zst")["segments_copied"] == 0
    assert site.backup(compress="zst")["segments_packed"] == 1
    assert site.backup()["segments_packed"] == 1


@pytest.mark.parametrize("fate", ["lost", "flipped", "of another archive"])
def test_a_lost_or_damaged_index_costs_time_alone(site, tmp_path, fate):
    path = index.beside(site.newest())
    whole = path.read_bytes()
    if fate == "lost":
        path.unlink()
    elif fate == "of another archive":
        site.backup()
        shutil.copy(path, index.beside(site.newest()))
        path.unlink()
    else:
        half = len(whole) // 2
        path.write_bytes(whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1:])
    told = site.backup()
    assert told["segments_copied"] == 0
    assert ("Nothing is taken from that archive" in told["said"]) is (fate != "lost")
    site.assert_true(tmp_path / "unpacked")
    assert site.backup()["segments_packed"] == 1


def test_a_damaged_archive_is_made_good_from_the_site_and_told_once(site, tmp_path):
    damaged = site.newest()
    segment = site.index().segments[1]
    whole = bytearray(damaged.read_bytes())
    whole[segment.offset + segment.length // 2] ^= 1
    damaged.write_bytes(whole)
    told = site.backup()
    assert told["segments_packed"] == 2
    assert told["said"].count("damaged") == 1
    assert f"1 of the {told['segments_copied'] + 2} segments of {damaged.name} are damaged" in told["said"]
    site.assert_true(tmp_path / "unpacked")


def test_an_archive_that_is_cut_gives_nothing_and_does_no_harm(site, tmp_path):
    damaged = site.newest()
    damaged.write_bytes(damaged.read_bytes()[:-100])
    told = site.backup()
    assert told["segments_copied"] == 0 and "not the index of the archive" in told["said"]
    site.assert_true(tmp_path / "unpacked")


@pytest.mark.parametrize("reason", ["a week", "each time"])
def test_what_no_stat_tells_of_is_found_when_everything_is_read(site, tmp_path, reason):
    _forget_a_change(site, site.sample.folder / "robots.txt")
    told = site.backup()
    assert told["segments_packed"] == 1     # its stat says that nothing happened
    moment = site.index().header.read_whole
    if reason == "each time":
        site.kit.set(full_read_days="0")
    else:
        _rewrite(site, read_whole=(datetime.now(UTC) - timedelta(days=7, seconds=1)).isoformat(timespec="seconds"))
    told = site.backup()
    assert 1 < told["segments_packed"] <= 3
    assert site.index().header.read_whole >= moment
    assert json.loads(Path(f"{site.newest()}.record.json").read_text())["read_whole"] \
        == site.index().header.read_whole
    site.assert_true(tmp_path / "unpacked")


def test_a_backup_that_is_killed_leaves_nothing_that_counts_and_the_next_one_copies_again(site, tmp_path):
    for ending in (".partial", ".index.partial", ".index", ".sha256", ".record.json"):
        (site.folder / f"wiki_2026-01-01_00-00-00.tar.bz2{ending}").write_bytes(b"half")
    told = site.backup()
    assert told["segments_packed"] == 1
    assert told["said"].count("left by a run that was ended") == 5
    assert {path.name.split(".tar.bz2")[1] for path in site.folder.iterdir()} == {"", ".sha256", ".record.json",
                                                                                 ".index"}


def test_a_full_disk_ends_the_run_and_leaves_what_was_there(site, tmp_path):
    before = {path.name: path.read_bytes() for path in site.folder.iterdir()}
    size = sum(map(len, before.values()))
    with _small_disk(tmp_path / "disk", size + 60_000) as disk:
        shutil.copytree(site.folder, disk / "wiki")
        site.kit.set(archives_dir=disk)
        (site.sample.folder / "files/noise").write_bytes(os.urandom(200_000))
        ended = site.run()
        (site.sample.folder / "files/noise").unlink()
        assert ended.code == 4 and "no space" in ended.stderr.lower(), ended
        assert {path.name: path.read_bytes() for path in (disk / "wiki").iterdir()} == before
    site.kit.set(**USUAL)
    assert site.backup()["segments_packed"] <= 3


def test_an_archive_goes_with_its_index(site):
    first = site.newest()
    assert site.backup(keep="1")["dropped"] == [first.name]
    assert {path.name for path in site.folder.iterdir()} == {
        f"{site.newest().name}{ending}" for ending in ("", ".sha256", ".record.json", ".index")}


def test_an_archive_that_is_being_removed_is_left_alone(site):
    lock = site.kit.settings.state / "locks" / f"{site.newest().name}.lock"
    with open(lock, "w") as file, subprocess.Popen(["flock", "-x", lock, "sleep", "60"]) as holder:
        try:
            _until_locked(file)
            told = site.backup()
        finally:
            holder.kill()
    assert told["segments_copied"] == 0


@contextmanager
def _small_disk(folder: Path, size: int) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _until_locked(file) -> None:
    import fcntl
    import time
    for _ in range(500):
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        fcntl.flock(file, fcntl.LOCK_UN)
        time.sleep(0.01)
    raise AssertionError("nobody took the lock")


def _forget_a_change(site: Place, path: Path) -> None:
    """Change a file, and let the index know its new stat with its old content: as if no stat had told of it."""
    path.write_text(path.read_text().swapcase())
    status = os.lstat(path)
    name = b"/" + path.name.encode()

    def as_now(one):
        return one._replace(size=status.st_size, mtime_ns=status.st_mtime_ns, ctime_ns=status.st_ctime_ns,
                            inode=status.st_ino) if one.path.endswith(site.name.encode() + name) else one
    _rewrite(site, as_now)
    again = site.index()
    assert any(one.path.endswith(name) and one.mtime_ns == status.st_mtime_ns
               for segment in again.segments for one in again.members(segment))


def _rewrite(site: Place, change=lambda one: one, **header: str) -> None:
    """Write the newest index anew, with changed members and header, every segment as one that may be trusted."""
    found, path = site.index(), index.beside(site.newest())
    writer = index.Writer(path.with_name("new"), replace(found.header, **header))
    for one in found.segments:
        text = b"".join(index.described(change(member)) for member in found.members(one))
        state = index.state_of([text]) if b"/" in one.first else ""
        writer.add(replace(one, state=state), text, found.texts(one)[1])
    writer.finish(lambda count: found.totals)
    path.with_name("new").rename(path)


def test_a_backup_is_never_dropped_for_one_of_a_time_to_come(site):
    ahead = site.newest()
    record = Path(f"{ahead}.record.json")
    later = (datetime.now(UTC) + timedelta(days=300)).isoformat(timespec="seconds")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"finished": later}))
    told = site.backup(keep="1")
    assert Path(told["path"]).exists() and ahead.exists() and told["dropped"] == []
    assert "is of a time to come" in told["said"]
    time.sleep(1)
    again = site.backup(keep="1")
    assert again["dropped"] == [told["archive"]] and ahead.exists() and Path(again["path"]).exists()


def test_nothing_is_dropped_for_its_age_when_the_clock_leapt(site):
    record = Path(f"{site.newest()}.record.json")
    earlier = (datetime.now(UTC) - timedelta(days=3650)).replace(day=15).isoformat(timespec="seconds")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"finished": earlier}))
    told = site.backup()
    assert told["dropped"] == [] and "whether this machine's clock is right" in told["said"]
    assert len(site.backup()["dropped"]) == 1


def test_a_folder_that_is_empty_all_at_once_is_told_and_drops_no_older_archive(place):
    folder = place.sample.outside / "fgal"
    aside = folder.with_name("aside")
    aside.mkdir()
    for one in list(folder.iterdir()):
        one.rename(aside / one.name)
    try:
        told = place.backup(keep="1")
        assert (told["warnings"], told["dropped"]) == (1, []) and "is a disk not mounted there?" in told["said"]
        time.sleep(1)
        again = place.backup(keep="1")      # by now somebody was told
        assert (again["warnings"], len(again["dropped"])) == (0, 2)
    finally:
        for one in list(aside.iterdir()):
            one.rename(folder / one.name)
        aside.rmdir()
