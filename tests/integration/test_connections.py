"""One connection a host, whatever becomes of it: killed, hung, dropped, refused, full; and many runs that want it."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.errors import HostError
from scripts.hosts import process, shared
from scripts.hosts.ssh import SshHost, socket_folder
from tests.lab import fleet
from tests.lab.lab import Lab
from tests.lab.processes import told_of_each
from tests.lab.sshd import Sshd
from tests.lab.toolkit import Toolkit

PROMPT = 8      # seconds; well below ssh's own patience


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture
def sshd(lab: Lab) -> Sshd:
    return lab.sshd()


@pytest.fixture
def host(lab: Lab, sshd: Sshd) -> Iterator[SshHost]:
    host = host_of(lab, sshd, "web1")
    yield host
    for pid in masters(host):
        os.kill(pid, signal.SIGKILL)
    Path(host.control_path).unlink(missing_ok=True)


def host_of(lab: Lab, sshd: Sshd, name: str) -> SshHost:
    return SshHost(name, sshd.host, socket_folder(str(lab.folder / "sockets")), user=sshd.user, port=sshd.port,
                   key=str(sshd.key), known_hosts=str(sshd.known_hosts))


def masters(host: SshHost) -> list[int]:
    """Return the processes that hold the connections of a host open."""
    path = f"ControlPath={host.control_path}".encode()
    return [pid for pid, line in told_of_each("cmdline") if {b"-fN", path} <= set(line.split(b"\0"))]


def says(host: SshHost, text: str = "well") -> str:
    return host.read_line("echo", text)


def sessions(sshd: Sshd) -> int:
    """Return how many connections an sshd has let in so far."""
    return (sshd.folder / "sshd.log").read_text().count("Accepted publickey")


def test_instances_of_one_host_share_one_connection(lab, sshd, host):
    before = sessions(sshd)
    names = [f"site{number}" for number in range(12)]
    told = process.side_by_side(*(lambda name=name: says(host_of(lab, sshd, name), name) for name in names))
    assert told == names
    assert (len(masters(host)), sessions(sshd) - before) == (1, 1)


def test_a_master_that_was_killed_is_replaced(host):
    says(host)
    [first] = masters(host)
    os.kill(first, signal.SIGKILL)
    assert os.path.exists(host.control_path)    # which it had no time to remove
    assert says(host) == "well"
    [second] = masters(host)
    assert second != first


def test_a_master_that_hangs_holds_nobody_up(host):
    says(host)
    [first] = masters(host)
    os.kill(first, signal.SIGSTOP)
    begun = time.monotonic()
    assert says(host) == "well"
    assert time.monotonic() - begun < PROMPT
    assert len(masters(host)) == 2


def test_something_else_where_the_connection_should_be_is_replaced(host):
    Path(host.control_path).write_text("a file")
    assert says(host) == "well"
    assert len(masters(host)) == 1


def test_a_socket_that_nobody_serves_is_no_connection(host):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(host.control_path)
        assert not shared.answers(host.control_path)
        silent.listen()
        begun = time.monotonic()
        assert not shared.answers(host.control_path)
        assert time.monotonic() - begun < PROMPT


def test_after_a_lost_network_or_a_restarted_sshd_the_next_call_gets_through(sshd, host):
    for break_it in (sshd.drop_connections, lambda: (sshd.stop(), sshd.start())):
        says(host)
        break_it()
        assert says(host) == "well"


def test_a_connection_that_breaks_under_a_call_fails_that_call_alone_and_at_once(sshd, host):
    says(host)
    breaking = threading.Timer(0.5, sshd.drop_connections)
    breaking.start()
    begun = time.monotonic()
    with pytest.raises(Exception, match=r"\[web1\] sleep 30: ended with exit code 255"):
        host.read("sleep", "30")
    assert time.monotonic() - begun < PROMPT
    assert says(host) == "well"


def test_more_calls_than_sshd_allows_in_one_connection_get_connections_of_their_own(lab):
    folder = lab.folder / "narrow"
    folder.mkdir(mode=0o755)
    narrow = Sshd(folder)
    narrow.create()
    config = folder / "sshd_config"
    config.write_text(config.read_text().replace("MaxSessions 100", "MaxSessions 2"))
    narrow.start()
    try:
        host = host_of(lab, narrow, "narrow")
        warned: list[str] = []

        def ask() -> bytes:
            text = b"x" * 1_000_000    # what a call brings along must not be lost with the session that is refused
            words = host.command("sh", "-c", "sleep 1; wc -c", stdin=text)
            return process.read(words, on_stderr=warned.append)

        assert process.side_by_side(*[ask] * 6) == [b"1000000\n"] * 6
        assert set(warned) == {""}
        assert len(masters(host)) == 1 < sessions(narrow)
    finally:
        host.disconnect()
        narrow.stop()


def test_a_changed_host_key_is_told_in_one_line_with_what_to_do(lab):
    folder = lab.folder / "changing"
    folder.mkdir(mode=0o755)
    changing = Sshd(folder)
    changing.start()
    try:
        host = host_of(lab, changing, "changing")
        says(host)
        changing.change_host_key()
        with pytest.raises(HostError, match="host key of .* is not the one on record"):
            says(host)
        changing.known_hosts.write_text("")
        with pytest.raises(HostError, match="is not known yet"):     # asked anew: what was said before is no answer now
            says(host)
    finally:
        changing.stop()


def test_a_dead_host_is_tried_once_for_all_who_wait_for_it(lab, sshd, monkeypatch):
    tried = []
    monkeypatch.setattr(SshHost, "_open", lambda host: (tried.append(host.name), time.sleep(0.3), refuse(host)))
    hosts = [host_of(lab, sshd, f"site{number}") for number in range(5)]
    faults: list[str] = []

    def ask(host: SshHost) -> None:
        try:
            says(host)
        except HostError as fault:
            faults.append(str(fault))

    process.side_by_side(*(lambda host=host: ask(host) for host in hosts))
    assert len(tried) == 1
    assert sorted(fault.split(":")[0] for fault in faults) == [host.name for host in hosts]
    assert all("No route to host" in fault for fault in faults)
    ask(hosts[0])    # nobody waited: the host may be back
    assert len(tried) == 2
    monkeypatch.setattr(process.conduct, "refusals_since", time.time() - 1)
    ask(hosts[1])    # one run of many instances: it is known
    assert len(tried) == 2


def refuse(host: SshHost) -> None:
    from scripts.errors import CommandError
    raise CommandError("ssh", code=255, stderr=f"ssh: connect to host {host.address}: No route to host")


# Runs of a whole fleet

@pytest.fixture(scope="module")
def kit(lab: Lab) -> Toolkit:
    kit = Toolkit(lab.folder / "trim", lab)
    kit.set(compress="zst")
    fleet.build(kit, 6)
    return kit


def test_two_runs_at_once_over_a_fleet_open_one_connection(lab, sshd, kit):
    before = sessions(sshd)
    two = [subprocess.Popen(["make", "-sC", kit.top, "cli", f"INSTANCE={names}", "COMMAND=cache:clear", "JOBS=3"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE) for names in ("site00[123]", "site00[456]")]
    said = [run.communicate() for run in two]
    assert [run.returncode for run in two] == [0, 0], said
    assert sessions(sshd) - before == 1
    host = kit.instance("site001").host
    assert len(masters(host)) == 1
    assert all(kit.instance(name).host.control_path == host.control_path for name in fleet_names(kit))


def test_a_look_at_all_asks_each_host_once_and_one_that_is_dead_holds_up_none(lab, sshd, kit):
    kit.register("dead", access="ssh", ssh_host="192.0.2.1", ssh_user="nobody", web_root="/srv/dead")
    kit.register("gone", access="ssh", ssh_host="192.0.2.1", ssh_user="nobody", web_root="/srv/gone")
    begun = time.monotonic()
    kit.make("status", "LOOK=1", "V=1")
    assert time.monotonic() - begun < 25     # ssh gives up after ten seconds, once for both
    looks = {name: json.loads((kit.top / f"var/status/{name}.look.json").read_text())
             for name in [*fleet_names(kit), "dead", "gone"]}
    assert all(looks[name]["disk_size_bytes"] for name in fleet_names(kit))
    assert "cannot reach" in looks["dead"]["problem"] and looks["gone"]["problem"].startswith("gone: ")
    log = max((kit.top / "var/logs").glob("*_status_*"), key=lambda path: path.stat().st_mtime).read_text()
    calls = [line.split(" ", 2)[2] for line in log.splitlines() if line.split(" ")[1] == "run"]
    assert [sum(word in call for call in calls) for word in ("df --output", "ssh nobody@")] == [1, 1]


def test_doctor_tells_the_same_side_by_side(kit):
    one_by_one, at_once = (kit.make("doctor", "INSTANCE=site00[12]", "JSON=1", *jobs) for jobs in ((), ("JOBS=2",)))
    assert "site002" in one_by_one.stdout, one_by_one.stderr
    assert json.loads(at_once.stdout) == json.loads(one_by_one.stdout)
    assert at_once.returncode == one_by_one.returncode


def test_what_a_part_found_is_told_though_it_ends_with_findings_and_parts_wait_for_each_other(kit):
    # The first look of all: one of them prepares the release, which the other must not take for somebody else's work.
    for name in ("site001", "site002"):
        (Path(kit.instance(name).web_root) / "files" / "strange.php").write_text("<?php system($_GET[0]);")
    done = kit.make("check", "INSTANCE=site00[12]", "JOBS=2")
    assert "check: 2 of 2 instances failed: site001, site002" in done.stderr
    for name in ("site001", "site002"):
        assert any(line.startswith(f"{name}: ") and "files/strange.php" in line for line in done.stdout.splitlines())
    documents = json.loads(kit.make("check", "INSTANCE=site00[12]", "JOBS=2", "JSON=1").stdout)
    assert [one["instance"] for one in documents] == ["site001", "site002"]
    assert all("files/strange.php" in [found["name"] for found in one["findings"]] for one in documents)


def fleet_names(kit: Toolkit) -> list[str]:
    return [path.stem for path in sorted((kit.top / "instances.d").glob("site*.env"))]
