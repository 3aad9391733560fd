"""A site behind ssh is packed where it lies: its host lists it, its host's tar reads it, nothing is copied before."""

import os
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.store.segments import RACE_NS
from tests.bench.relay import Relay
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_tree
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

CACHES = {b"temp/cache", b"temp/templates_c"}
LARGE = 1_500_000       # bytes of a file that cannot be packed
# Of the programs at the host one can be told to lie: what is in this file comes before its work.
LIAR = """#!/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
[ -r @FOLDER@/@NAME@.how ] && . @FOLDER@/@NAME@.how
exec @NAME@ "$@"
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def liars(lab: Lab) -> Path:
    folder = lab.folder / "liars"
    folder.mkdir(mode=0o755)
    for name in ("tar", "find", "gzip"):
        (folder / name).write_text(LIAR.replace("@FOLDER@", str(folder)).replace("@NAME@", name))
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def relay(lab: Lab, liars: Path) -> Relay:
    relay = Relay(lab.sshd(path=liars))
    relay.start()
    return relay


@pytest.fixture(scope="module")
def kit(lab: Lab) -> Toolkit:
    return Toolkit(lab.folder / "kit", lab)


@pytest.fixture(scope="module")
def site(lab: Lab, kit: Toolkit, relay: Relay, liars: Path) -> SampleTiki:
    """A site with what is odd, reached through a relay that counts."""
    instance, sample = kit.tiki("far", ssh=True, web=False, files=20, versions=2)
    reached = kit.over_ssh(lab.sshd(path=liars)) | {"ssh_port": relay.port}
    kit.register("far", web_root=instance.web_root, **reached)
    odd = sample.folder / "img" / "odd"
    odd.mkdir()
    for name in (b"two words", b"-rf", b"line\nbreak", b"caf\xe9", b"*"):
        (odd / os.fsdecode(name)).write_bytes(b"content of " + name)
    os.link(odd / "-rf", odd / "a second name")
    os.symlink("../nowhere", odd / "link")
    (odd / "large").write_bytes(os.urandom(LARGE))
    for number in range(300):
        (odd / f"picture{number}").write_bytes(os.urandom(2000))
    give_to(lab_user(), odd)
    return sample


@pytest.fixture
def lying(liars: Path) -> Iterator[Path]:
    yield liars
    for path in liars.glob("*.how"):
        path.unlink()


def archives(kit: Toolkit) -> list[Path]:
    return sorted((kit.settings.archives / "far").glob("*.tar.*[2t]"))


def backup(kit: Toolkit, **settings: str) -> subprocess.CompletedProcess:
    kit.set(**{"compress": "zst", "bwlimit": "", **settings})
    return kit.make("backup", "INSTANCE=far")


def made(kit: Toolkit, **settings: str) -> Path:
    done = backup(kit, **settings)
    assert done.returncode == 0, done.stderr
    return archives(kit)[-1]


def refused(kit: Toolkit, told: str) -> None:
    """Let a backup fail, and judge what it left and said."""
    before = archives(kit)
    done = backup(kit)
    assert done.returncode != 0
    assert told in done.stderr
    assert done.stderr.count("\n") == 2, done.stderr   # make adds a line of its own
    assert archives(kit) == before
    assert_nothing_left(kit)


def assert_nothing_left(kit: Toolkit) -> None:
    assert not list(kit.settings.archives.rglob("*.partial*"))
    assert not list((kit.top / "var" / "work").iterdir())


def unpacked(archive: Path, place: Path) -> Path:
    place.mkdir()
    subprocess.run(["tar", "-xpf", archive, "-C", place], check=True)
    return next(place.glob("far/*/far"))


def test_the_archive_holds_the_site_and_no_copy_of_it_stays(kit, site, tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        path = site.folder / "img" / "odd" / "socket"
        server.bind(str(path))
        archive = made(kit)
        path.unlink()
    assert describe_tree(unpacked(archive, tmp_path / "out"), CACHES) == describe_tree(site.folder, CACHES)
    assert_nothing_left(kit)


def test_owners_are_numbers_alone_because_the_manager_knows_other_names(kit, site):
    made(kit, compress="bz2")
    with tarfile.open(max((kit.settings.archives / "far").glob("*.bz2"))) as tar:
        found = [member for member in tar if "/img/odd/" in member.name]
    assert {(one.uid, one.uname, one.gname) for one in found} == {(site.folder.stat().st_uid, "", "")}


def test_an_unchanged_site_sends_its_list_and_a_changed_one_what_changed(kit, site, relay, tmp_path):
    time.sleep(2.1)     # what is younger than that may have changed without a trace
    made(kit)
    before = relay.bytes
    archive = made(kit)
    unchanged = relay.bytes - before
    assert unchanged < 250_000
    assert archive.stat().st_size > LARGE
    for number in range(3, 300, 30):
        (site.folder / "img" / "odd" / f"picture{number}").write_bytes(os.urandom(2000))
    (site.folder / "img" / "odd" / "picture33").unlink()
    os.link(site.folder / "img" / "odd" / "picture4", site.folder / "img" / "odd" / "picture33")
    before = relay.bytes
    archive = made(kit)
    # Ten files and their heads, each of them packed in a segment of many; the rest came from the archive before.
    assert relay.bytes - before < unchanged + 12 * 4000 + 30_000
    assert describe_tree(unpacked(archive, tmp_path / "out"), CACHES) == describe_tree(site.folder, CACHES)


def test_what_changed_is_in_the_next_archive_and_what_went_is_not(kit, site, tmp_path):
    made(kit)
    odd = site.folder / "img" / "odd"
    (odd / "picture7").write_bytes(b"another")
    (odd / "picture8").unlink()
    (odd / "picture70").write_bytes(b"one more")
    os.rename(odd / "two words", odd / "two other words")
    (odd / "picture9").chmod(0o600)
    os.link(odd / "picture1", odd / "zz")
    place = unpacked(made(kit), tmp_path / "out")
    assert describe_tree(place, CACHES) == describe_tree(site.folder, CACHES)


def test_a_limit_holds_for_what_the_host_s_tar_sends(kit, site):
    (site.folder / "img" / "odd" / "large").write_bytes(os.urandom(LARGE))
    started = time.monotonic()
    made(kit, bwlimit="500")
    assert time.monotonic() - started > LARGE / 512_000
    assert_nothing_left(kit)


def test_a_limit_holds_for_the_dump_too(kit, site):
    site.sql("CREATE TABLE wide (t TEXT); INSERT INTO wide SELECT REPEAT(SHA1(seq), 25) FROM seq_1_to_1000")
    try:
        time.sleep(RACE_NS / 1e9)
        made(kit)       # so that of the trees nothing has to travel
        started = time.monotonic()
        archive = made(kit, bwlimit="200")
        assert 1_000_000 / 204_800 < time.monotonic() - started < 15
        dump = subprocess.run(["tar", "-xOf", archive, "far/database_dump.sql"], check=True, capture_output=True).stdout
        assert len(dump) > 1_000_000 and b"Dump completed" in dump[-100:]
    finally:
        site.sql("DROP TABLE wide")


def test_a_connection_that_breaks_in_the_middle_leaves_nothing(lab, kit, site, liars):
    (site.folder / "img" / "odd" / "large").write_bytes(os.urandom(LARGE))
    before, ended = archives(kit), []
    run = threading.Thread(target=lambda: ended.append(backup(kit, bwlimit="100")))
    run.start()
    time.sleep(4)
    lab.sshd(path=liars).drop_connections()
    run.join(30)
    assert ended[0].returncode != 0
    assert archives(kit) == before
    assert_nothing_left(kit)


@pytest.mark.parametrize(("name", "how", "told"), [
    ("tar", 'case $* in *-c*) tar "$@" | head -c 300000; exit 0;; esac', "ended its stream early"),
    ("tar", 'case $* in *-c*) exit 0;; esac', "ended its stream early"),
    ("tar", 'case $* in *-c*) tar "$@"; echo "tar: ./img/x: Cannot open: Permission denied" >&2; exit 2;; esac',
     "Cannot open: Permission denied"),
    ("tar", 'case $* in *--version*) echo BusyBox; exit;; esac', "tar there is missing, or not GNU's"),
    ("find", 'case $* in *--version*) exit 1;; esac', "find there is missing, or not GNU's"),
    ("find", 'case $* in *-printf*) find "$@" | head -c 20000; exit 0;; esac', "cut off"),
    ("gzip", 'gzip "$@" | head -c 4000; exit 0', "cut off")])
def test_a_program_that_lies_makes_no_archive(kit, site, lying, name, how, told):
    (site.folder / "img" / "odd" / "picture5").write_bytes(os.urandom(400_000))
    (lying / f"{name}.how").write_text(how)
    refused(kit, told)


def test_a_folder_that_may_not_be_looked_into_is_named(kit, site):
    shut = site.folder / "img" / "shut"
    shut.mkdir(mode=0o700)      # root's: the account that logs in is another
    (shut / "file").touch()
    refused(kit, "'./img/shut': Permission denied")
    (shut / "file").unlink()
    shut.rmdir()


def test_a_restored_site_is_what_it_was(kit, site):
    made(kit)
    before = describe_tree(site.folder, CACHES)
    (site.folder / "img" / "odd" / "-rf").write_bytes(b"broken")
    (site.folder / "img" / "odd" / "link").unlink()
    done = kit.make("restore", "INSTANCE=far")
    assert done.returncode == 0, done.stderr
    assert describe_tree(site.folder, CACHES) == before
