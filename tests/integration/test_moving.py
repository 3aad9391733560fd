"""Trees move from any side to any other, the way that is there, and are equal afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from scripts.errors import CommandError, HostError
from scripts.hosts import process, transfer
from scripts.hosts.host import Host
from scripts.hosts.local import LocalHost
from scripts.hosts.ssh import SshHost, socket_folder
from scripts.hosts.sudo import AccountHost
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_tree
from tests.lab.lab import Lab
from tests.lab.sshd import Sshd

HERE = LocalHost("here")
ODD_NAMES = ("a file", "-rf", "it's \"$HOME\" `id` *?[x] ;&|", "line\nbreak", "back\\slash", "ünï😀", b"no utf8 \xe9")
# As if this were another machine: its root lies elsewhere.
OTHER_ROOT = '[ "$*" = "-c %d:%i /" ] && echo 0:0 || exec /usr/bin/stat "$@"'
KILLED_HALF_WAY = """
import sys
from scripts.hosts import transfer
from scripts.hosts.ssh import SshHost
name, sockets, port, key, known, user, folder, into = sys.argv[1:]
host = SshHost("far", "127.0.0.1", sockets, user=user, port=int(port), key=key, known_hosts=known)
transfer.copy(host, folder, host, into, ["--bwlimit=10"])
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture
def place(lab: Lab, request: pytest.FixtureRequest) -> Path:
    """A folder of the lab's user, for one test."""
    folder = lab.folder / request.node.name.partition("[")[0][-40:] / str(len(list(lab.folder.rglob("source"))))
    folder.mkdir(parents=True)
    give_to(lab_user(), folder)
    return folder


@pytest.fixture
def tree(place: Path) -> Path:
    """A folder with everything that could get lost."""
    top = place / "source"
    for name in ("temp/cache", "img/wiki_up", "empty"):
        (top / name).mkdir(parents=True)
    for name in ODD_NAMES:
        Path(os.fsdecode(os.path.join(os.fsencode(top / "img"), os.fsencode(name)))).write_bytes(os.fsencode(name))
    (top / "tiki-index.php").write_bytes(bytes(range(256)) * 100)
    (top / "tiki-index.php").chmod(0o640)
    (top / "img/wiki_up/link").symlink_to("../nowhere at all")
    os.link(top / "tiki-index.php", top / "same file.php")
    (top / "temp/cache/made").write_text("by the source")
    os.utime(top / "tiki-index.php", (1, 1_600_000_000))
    give_to(lab_user(), top)
    return top


@pytest.fixture
def into(place: Path) -> Path:
    """A folder that holds what must go, and what must stay."""
    target = place / "target with 'odd' name"
    for name in ("db", "temp/cache", "gone/with all"):
        (target / name).mkdir(parents=True)
    (target / "db/local.php").write_text("the target's own")
    (target / "temp/cache/stale").write_text("by the target")
    (target / "tiki-index.php").write_text("older")
    give_to(lab_user(), target)
    return target


@pytest.fixture
def shims(lab: Lab) -> Iterator[Path]:
    """A folder that comes first on the PATH of one host."""
    folder = lab.folder / f"shims{len(list(lab.folder.glob('shims*')))}"
    folder.mkdir()
    yield folder


def shim(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def host_of(lab: Lab, sshd: Sshd, name: str, **changes) -> SshHost:
    return SshHost(name, sshd.host, socket_folder(str(lab.folder / "sockets")), user=sshd.user, port=sshd.port,
                   key=str(sshd.key), known_hosts=str(sshd.known_hosts), **changes)


@pytest.fixture
def two_machines(lab: Lab, shims: Path) -> Iterator[tuple[SshHost, SshHost, Path, Path]]:
    """Two hosts that do not know each other, each with the folder that its PATH begins with."""
    other = shims.with_name(f"{shims.name}-other")
    other.mkdir()
    shim(other, "stat", OTHER_ROOT)
    one, two = lab.sshd(path=shims), lab.sshd(path=other)
    yield host_of(lab, one, f"one{one.port}"), host_of(lab, two, f"two{two.port}"), shims, other


def let_in(folder: Path, host: SshHost, call: str = '"$@"') -> None:
    """Give whoever has this folder on PATH a key for that host, and the host's own key, as its account would have."""
    key = folder / "key"
    key.write_bytes(Path(host.key).read_bytes())
    key.chmod(0o600)
    give_to(lab_user(), key)
    known = folder / "known_hosts"
    known.write_bytes(Path(host.known_hosts).read_bytes())
    shim(folder, "ssh", f"exec /usr/bin/ssh -F none -i {key} -o UserKnownHostsFile={known} {call}")


def moved(source: Host, tree: Path, target: Host, into: Path, **choices) -> transfer.Copied:
    """Copy as clone does: the target keeps its db/local.php, and caches of both sides go."""
    filters = ["--exclude=/db/local.php", "--filter=H /temp/cache/*"]
    return transfer.copy(source, str(tree), target, str(into), filters, **choices)


def assert_equal(tree: Path, into: Path) -> None:
    own = {b"temp/cache/made", b"temp/cache/stale", b"db", b"db/local.php"}
    assert describe_tree(into, own) == describe_tree(tree, own)
    assert (into / "db/local.php").read_text() == "the target's own"
    assert list((into / "temp/cache").iterdir()) == []


def through_of(place: Path) -> str:
    (place / "work").mkdir()
    return str(place / "work")


# Which way


def test_both_here_is_one_rsync(tree, into):
    assert transfer.way(HERE, LocalHost("there")) == "on this machine"
    copied = moved(HERE, tree, LocalHost("there"), into)
    assert_equal(tree, into)
    assert copied.files == len(ODD_NAMES) + 1 and copied.size_bytes > 25600


@pytest.mark.parametrize("is_far", [(False, True), (True, False)])
def test_from_here_to_a_host_and_back(lab, tree, into, is_far):
    far = host_of(lab, lab.sshd(), "far")
    source, target = (far if side else HERE for side in is_far)
    assert transfer.way(source, target) == ("from far" if is_far[0] else "to far")
    moved(source, tree, target, into)
    assert_equal(tree, into)


def test_two_names_of_one_login_copy_on_that_host(lab, tree, into):
    sshd = lab.sshd()
    source, target = host_of(lab, sshd, "prod"), host_of(lab, sshd, "dev")
    assert transfer.way(source, target) == "on prod itself"
    assert moved(source, tree, target, into).files == len(ODD_NAMES) + 1
    assert_equal(tree, into)
    assert moved(source, tree, target, into).files == 0


def test_one_account_by_sudo_and_by_ssh_is_one_login(lab, tree, into):
    by_sudo, by_ssh = AccountHost("sudo", lab_user()), host_of(lab, lab.sshd(), "ssh")
    assert transfer.way(by_sudo, by_ssh) == "on sudo itself"
    moved(by_sudo, tree, by_ssh, into)
    assert_equal(tree, into)


@pytest.mark.parametrize("is_far", [(False, True), (True, False), (True, True)])
def test_an_account_on_this_machine_may_be_either_side(tree, into, is_far):
    source, target = (AccountHost("account", lab_user()) if side else HERE for side in is_far)
    moved(source, tree, target, into)
    assert_equal(tree, into)
    assert (into / "tiki-index.php").owner() == lab_user()


@pytest.mark.parametrize("who_reaches", ["source", "target"])
def test_hosts_that_reach_each_other_copy_past_the_manager(two_machines, tree, into, who_reaches):
    one, two, of_one, of_two = two_machines
    if who_reaches == "source":
        let_in(of_one, two)
        assert transfer.way(one, two) == f"{one.name} sends to {two.name} directly"
    else:
        let_in(of_two, one)
        assert transfer.way(one, two) == f"{two.name} fetches from {one.name} directly"
    assert moved(one, tree, two, into).files == len(ODD_NAMES) + 1
    assert_equal(tree, into)


def test_hosts_that_do_not_reach_each_other_go_through_the_manager(two_machines, tree, into, place):
    one, two, *_ = two_machines
    assert transfer.way(one, two) == f"{one.name} to {two.name} through the manager"
    with pytest.raises(HostError, match="no folder to copy through"):
        moved(one, tree, two, into)
    assert (into / "tiki-index.php").read_text() == "older"
    moved(one, tree, two, into, through=through_of(place))
    assert_equal(tree, into)


def test_a_name_that_leads_to_another_machine_is_no_direct_way(two_machines):
    one, two, of_one, _ = two_machines
    shim(of_one, "ssh", 'for call; do :; done; exec sh -c "$call"')  # every name leads to itself
    assert transfer.way(one, two).endswith("through the manager")


def test_a_host_with_another_key_than_the_one_on_record_is_no_direct_way(two_machines):
    one, two, of_one, _ = two_machines
    let_in(of_one, two)
    (of_one / "known_hosts").write_bytes(Path(one.known_hosts).read_bytes())
    assert transfer.way(one, two).endswith("through the manager")


def test_a_direct_way_keeps_to_the_account_that_the_target_runs_as(lab, two_machines, tree, into):
    one, two, of_one, of_two = two_machines
    shim(of_two, "sudo", f'echo "$@" >>{into.parent}/sudo; shift 4; exec "$@"')
    as_other = host_of_account(two, "wiki")
    let_in(of_one, two)
    assert transfer.way(one, as_other) == f"{one.name} sends to {two.name} directly"
    moved(one, tree, as_other, into)
    assert_equal(tree, into)
    assert "-u wiki -- rsync --server" in (into.parent / "sudo").read_text()


# When it goes wrong


def test_a_direct_way_that_breaks_is_a_fault_and_no_other_way(two_machines, tree, into, place):
    one, two, of_one, _ = two_machines
    let_in(of_one, two)
    assert transfer.way(one, two) == f"{one.name} sends to {two.name} directly"
    shim(of_one, "ssh", "exit 255")
    with pytest.raises(CommandError, match="rsync"):
        moved(one, tree, two, into, through=through_of(place))
    assert list((place / "work").iterdir()) == []


@pytest.mark.parametrize("script", ['/usr/bin/rsync "$@" | head -n 3; exit 0', "exit 0"])
def test_an_rsync_that_ends_early_with_exit_0_is_a_fault(two_machines, tree, into, script):
    one, _, of_one, _ = two_machines
    shim(of_one, "rsync", script)
    with pytest.raises(CommandError, match="ended before its work was done"):
        moved(one, tree, one, into)


def test_files_that_vanish_meanwhile_are_told_on_every_way(two_machines, tree, into, place):
    one, two, of_one, _ = two_machines
    shim(of_one, "rsync", '/usr/bin/rsync "$@"; echo "file has vanished: \\"/x/y\\"" >&2; exit 24')
    assert moved(one, tree, one, into).vanished == ["/x/y"]
    assert moved(one, tree, two, into, through=through_of(place)).vanished == ["/x/y"]


def test_what_cannot_be_read_is_a_fault_on_the_source_s_host(two_machines, tree, into):
    one, *_ = two_machines
    (tree / "secret").write_text("")
    (tree / "secret").chmod(0)
    if os.geteuid() == 0:
        os.chown(tree / "secret", 0, 0)
    with pytest.raises(CommandError, match="Permission denied"):
        moved(one, tree, one, into)


def test_a_dry_run_shows_the_call_and_changes_nothing(two_machines, tree, into, place, monkeypatch):
    one, two, of_one, _ = two_machines
    told = []
    monkeypatch.setattr(process.conduct, "on_dry", told.append)
    monkeypatch.setattr(process.conduct, "dry_run", True)
    before = describe_tree(into)
    moved(one, tree, one, into)
    moved(one, tree, two, into, through=through_of(place))
    assert describe_tree(into) == before and list((place / "work").iterdir()) == []
    assert [line.split(" ")[:2] for line in told] == [[f"[{name}]", "rsync"] for name in (one.name, one.name, two.name)]


def test_a_killed_run_leaves_no_rsync_at_work_on_the_host(lab, tree, into):
    """Nothing of it passes the manager, so nothing else would end it, and the next run would meet it."""
    (tree / "large").write_bytes(os.urandom(1 << 20))
    give_to(lab_user(), tree)
    sshd = lab.sshd()
    words = ["far", socket_folder(str(lab.folder / "sockets")), str(sshd.port), str(sshd.key), str(sshd.known_hosts),
             sshd.user, str(tree), str(into)]
    for sent in (signal.SIGTERM, signal.SIGKILL):
        run = subprocess.Popen([sys.executable, "-c", KILLED_HALF_WAY, *words], stderr=subprocess.DEVNULL)
        wait_until(lambda: rsyncs(into) > 1)
        run.send_signal(sent)
        assert run.wait(10) != 0
        wait_until(lambda: rsyncs(into) == 0)


def rsyncs(into: Path) -> int:
    return sum(f"{into}/" in found.info["cmdline"] and found.info["name"] == "rsync"
               for found in psutil.process_iter(["name", "cmdline"]) if found.info["cmdline"])


def wait_until(is_so, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def host_of_account(host: SshHost, account: str) -> SshHost:
    return SshHost(**{**vars(host), "account": account})


CHANGES = {
    "content": lambda top: (top / "empty/new").write_text("new"),
    "mode": lambda top: (top / "empty").chmod(0o700),
    "one gone": lambda top: (top / "img/a file").unlink(),
    "one more": lambda top: (top / "img/second name").hardlink_to(top / "img/a file"),
}


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_look_ahead_sees_whatever_a_copy_would_do_and_changes_nothing(tree, into, side, change):
    sides = (HERE, str(tree), HERE, str(into))
    assert not transfer.is_equal(*sides)
    transfer.copy(*sides)
    assert transfer.is_equal(*sides)
    CHANGES[change](tree if side == "source" else into)
    before = describe_tree(into)
    assert not transfer.is_equal(*sides)
    assert describe_tree(into) == before


def test_a_look_ahead_that_ends_early_with_exit_0_does_not_take_trees_for_equal(tree, into, shims, monkeypatch):
    transfer.copy(HERE, str(tree), HERE, str(into))
    shim(shims, "rsync", "exit 0")
    monkeypatch.setenv("PATH", f"{shims}:{os.environ['PATH']}")
    assert not transfer.is_equal(HERE, str(tree), HERE, str(into))


def test_a_file_that_was_written_twice_in_one_second_with_the_same_size_travels_again(place):
    source, target = place / "source", place / "target"
    source.mkdir()
    for moment, text in enumerate(("24.3", "24.4")):
        (source / "version").write_text(text)
        os.utime(source / "version", ns=(0, 1_600_000_000_000_000_000 + moment))
        transfer.copy(HERE, str(source), HERE, str(target))
    assert (target / "version").read_text() == "24.4"
