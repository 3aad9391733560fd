"""Which way a copy takes, and with which words rsync is called. Real ones are tried in tests/integration."""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.errors import CommandError, HostError
from scripts.hosts import identity, process, rsync_ways, shared, transfer
from scripts.hosts.command import Command
from scripts.hosts.local import LocalHost
from scripts.hosts.ssh import SshHost
from scripts.hosts.sudo import AccountHost
from tests.unit.recording_host import RecordingHost

HERE = LocalHost("here")
ASKED = ("sh", "-c", identity.LOGIN)


def recorded(name: str, login: str) -> RecordingHost:
    """A host that says who it is, and can start rsync."""
    return RecordingHost({ASKED: login.encode() + b"\n"}, name=name)


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SshHost]:
    """Make ssh hosts that seem to be connected; each says the login it is given."""
    monkeypatch.setattr(shared, "mark", lambda path: (1, 1))
    monkeypatch.setattr(shared, "answers", lambda path: True)
    monkeypatch.setattr(SshHost, "configured", lambda host: {
        "user": host.user or "from-config", "hostname": f"{host.address}.example.org", "port": str(host.port)})

    def make(name: str, login: str, **keys) -> SshHost:
        host = SshHost(name, name, str(tmp_path), **keys)
        logins[host.target] = login
        return host

    logins: dict[str, str] = {}

    def answer(command: Command, **_choices) -> bytes:
        return logins.get(command.argv[-3], "somebody of this machine").encode() + b"\n"

    monkeypatch.setattr(process, "read", answer)
    return make


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Command]]:
    """Every rsync that would have been started; each did its work."""
    found: list[Command] = []

    def work(command: Command, **_choices) -> bytes:
        found.append(command)
        return b"Number of regular files transferred: 2\ntotal size is 1  speedup is 1\n"

    monkeypatch.setattr(process, "run", work)
    monkeypatch.setattr(process, "pipe", lambda _hold, command: work(command))
    yield found


def reaching(host: RecordingHost, lands_on: str) -> RecordingHost:
    """Let ssh from this host land somewhere."""
    host.answers[("ssh",)] = lands_on.encode() + b"\n"
    return host


def test_two_folders_of_this_machine_are_one_plain_rsync(calls):
    transfer.copy(HERE, "/a", LocalHost("there"), "/b", ["--exclude=/x"], "wiki:www-data")
    assert calls[0].argv == ("rsync", "-aH", "--modify-window=-1", "--numeric-ids", "--delete", "--stats",
                             "--exclude=/x", "--chown=wiki:www-data", "--", "/a/", "/b/")


def test_a_limit_holds_between_machines_and_not_on_one(calls, far, monkeypatch):
    monkeypatch.setattr(process.conduct, "bwlimit", "500")
    for target in (HERE, far("t", "x")):
        transfer.copy(HERE, "/a", target, "/b")
    assert ["--bwlimit=500" in command.argv for command in calls] == [False, True]


def test_nothing_that_the_target_keeps_is_removed_by_being_excluded(calls, far):
    for source, target in ((HERE, HERE), (HERE, far("t", "x")), (far("s", "y"), HERE)):
        transfer.copy(source, "/a", target, "/b", ["--exclude=/db/local.php"])
    assert not any("--delete-excluded" in command.argv for command in calls)


def test_one_login_by_two_names_copies_at_home(far):
    one, other = (far(name, "wiki boot 1:2", user="wiki") for name in ("web1", "web2"))
    assert transfer.way(one, other) == "on web1 itself"


def test_one_machine_and_two_accounts_is_not_one_login(far):
    one, other = far("web1", "wiki boot 1:2"), recorded("other", "blog boot 1:2")
    assert transfer.way(other, one) == "other to web1 through the manager"


def test_the_source_sends_where_its_call_lands_on_the_target(far, calls):
    source, target = reaching(recorded("s", "s-login"), "t-login"), far("t", "t-login", port=2222)
    assert transfer.way(source, target) == "s sends to t directly"
    transfer.copy(source, "/a", target, "/b b")
    words = calls[0].argv
    assert words[-3:] == ("--", "/a/", "from-config@t.example.org:/b b/")
    shell = shlex.split(words[words.index("-e") + 1])
    assert shell[0] == "ssh" and shell[-2:] == ["-p", "2222"]
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=5"} <= set(shell)
    assert "--protect-args" in words and calls[0].shown.startswith("[s] rsync /a/ ")


def test_the_target_fetches_where_only_its_call_lands(far, calls):
    source, target = far("s", "s-login"), reaching(recorded("t", "t-login"), "s-login")
    assert transfer.way(source, target) == "t fetches from s directly"
    transfer.copy(source, "/a", target, "/b")
    assert calls[0].argv[-3:] == ("--", "from-config@s.example.org:/a/", "/b/")


def test_a_call_that_lands_elsewhere_is_no_way(far):
    source, target = reaching(recorded("s", "s-login"), "somebody else"), far("t", "t-login")
    assert transfer.way(source, target) == "s to t through the manager"


def test_a_call_that_fails_is_no_way_and_no_fault(far):
    class Refused(RecordingHost):
        def read(self, *words, **choices):
            if words[0] == "ssh":
                raise CommandError("ssh: Permission denied", code=255)
            return super().read(*words, **choices)

    source = Refused({ASKED: b"s-login\n"}, name="s")
    assert transfer.way(source, far("t", "t-login")) == "s to t through the manager"


def test_a_machine_that_cannot_say_which_it_is_has_no_way_of_its_own():
    one, other = (RecordingHost(name=name, fail_at=1) for name in "ab")
    assert rsync_ways.between(one, other) is None


def test_the_account_that_the_target_runs_as_is_entered_on_the_way(far, calls):
    source, target = reaching(recorded("s", "s-login"), "t-login"), far("t", "t-login", user="admin", account="wiki")
    transfer.copy(source, "/a", target, "/b")
    assert "--rsync-path=sudo -n -u wiki -- rsync" in calls[0].argv
    asked = next(words for words in source.reads if words[0] == "ssh")
    assert asked[-1] == shlex.join(["sudo", "-n", "-u", "wiki", "--", *ASKED])


def test_hosts_are_asked_once_for_all_trees(far, calls):
    source, target = reaching(recorded("s", "s-login"), "t-login"), far("t", "t-login")
    for folder in ("/a", "/b", "/c"):
        transfer.copy(source, folder, target, folder)
    assert len(calls) == 3 and len(source.reads) == 2


def test_an_account_of_this_machine_is_never_asked_for_an_address(far):
    assert transfer.way(far("s", "s-login"), AccountHost("manager's wiki", "wiki")).endswith("through the manager")


def test_through_the_manager_is_a_fetch_and_a_put(far, calls):
    source, target = recorded("s", "s-login"), far("t", "t-login")
    with pytest.raises(HostError, match="do not reach each other"):
        transfer.copy(source, "/a", target, "/b")
    source = far("s", "s-login")
    transfer.copy(source, "/a", target, "/b", ["--exclude=/x"], "wiki:wiki", through="/work/s")
    fetched, put = (command.argv for command in calls)
    assert fetched[-2:] == ("s:/a/", "/work/s/") and "--delete-excluded" in fetched
    assert put[-2:] == ("/work/s/", "t:/b/") and "--delete-excluded" not in put
    assert "--chown=wiki:wiki" not in fetched and "--chown=wiki:wiki" in put


def test_an_ipv6_address_keeps_its_colons_to_itself(far, calls):
    target = far("fe80::1", "t-login", user="wiki")
    transfer.copy(HERE, "/a", target, "/b")
    assert calls[0].argv[-1] == "wiki@[fe80::1]:/b/"
