"""How a host behind ssh is called, and what ssh's words mean. A real sshd is tried in tests/integration."""

import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.errors import HostError
from scripts.hosts import process, shared, ssh
from scripts.hosts.ssh import SshHost


@pytest.fixture
def host(tmp_path, monkeypatch) -> SshHost:
    """A host whose shared connection seems to be there already."""
    monkeypatch.setattr(shared, "mark", lambda path: (1, 1))
    monkeypatch.setattr(shared, "answers", lambda path: True)
    return SshHost("web1", "web1.example.org", str(tmp_path), user="wiki", port=2222, key="/keys/wiki")


def option(words: list[str], name: str) -> str:
    return next(word for word in words if word.startswith(f"{name}=")).removeprefix(f"{name}=")


@pytest.mark.parametrize("word", ["two words", "it's", '"', "$HOME", "`id`", "", "-rf", "a;b", "line\nbreak", "*", "\\",
                                  "caf\udce9", "~root"])
def test_a_word_comes_out_of_the_far_shell_as_it_went_in(host, word):
    assert shlex.split(host.command("ls", "--", word).argv[-1]) == ["ls", "--", word]


def test_the_command_stands_behind_two_dashes_as_one_word(host):
    assert host.command("ls", "/srv").argv[-3:] == ("wiki@web1.example.org", "--", "ls /srv")


def test_a_run_that_is_to_be_considerate_is_so_at_the_host_too(host, monkeypatch):
    monkeypatch.setattr(process.conduct, "nice", 10)
    assert host.command("ls", "/srv").argv[-1] == "nice -n 10 ls /srv"
    assert host.command("ls", "/srv").shown == "[web1] ls /srv"


def test_messages_show_the_host_s_name_and_not_ssh_s_options(host):
    assert host.command("ls", "/srv").shown == "[web1] ls /srv"


def test_stdin_goes_with_the_command(host):
    assert host.command("tee", "x", stdin=b"text").stdin == b"text"


def test_ssh_never_asks_and_does_not_wait_for_ever(host):
    words = host.options()
    assert option(words, "BatchMode") == "yes"
    assert int(option(words, "ConnectTimeout")) <= 30
    assert int(option(words, "ServerAliveInterval")) > 0


def test_port_and_key_are_the_instance_s_own(host):
    words = host.options()
    assert words[words.index("-p") + 1] == "2222"
    assert words[words.index("-i") + 1] == "/keys/wiki"
    assert option(words, "IdentitiesOnly") == "yes"


def test_without_a_key_ssh_decides(tmp_path):
    assert "-i" not in SshHost("web1", "web1", str(tmp_path)).options()


def test_unknown_host_keys_are_refused_unless_it_is_set_otherwise(tmp_path):
    strict = SshHost("web1", "web1", str(tmp_path)).options()
    trusting = SshHost("web1", "web1", str(tmp_path), host_keys="accept-new").options()
    assert option(strict, "StrictHostKeyChecking") == "yes"
    assert option(trusting, "StrictHostKeyChecking") == "accept-new"


@pytest.mark.parametrize("other", [{"user": "root"}, {"port": 22}, {"key": "/keys/other"}, {"known_hosts": "/k"},
                                   {"host_keys": "accept-new"}, {"address": "web2"}])
def test_a_connection_is_not_shared_with_another_way_to_the_host(tmp_path, other):
    way = {"address": "web1", "user": "wiki", "port": 2222, "key": "/keys/wiki"}
    one, two = (SshHost("web1", sockets=str(tmp_path), **kind) for kind in (way, way | other))
    assert one.control_path != two.control_path


def test_rsync_splits_the_shell_into_the_same_words(tmp_path):
    host = SshHost("web1", "web1", str(tmp_path), key="/my keys/wiki")
    assert shlex.split(host.rsync_shell) == ["ssh", *host.options()]


@pytest.mark.parametrize(("said", "meaning", "next_step"), [
    ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
     "is not the one on record", "ssh-keygen -f /known -R '[web1.example.org]:2222'"),
    ("No ED25519 host key is known for [web1]:2222\nHost key verification failed.",
     "is not known yet", "ssh-keyscan -p 2222 web1.example.org >> /known"),
    ("wiki@web1: Permission denied (publickey).", "does not let us in by key",
     "ssh-copy-id -p 2222 -i /keys/wiki wiki@web1.example.org"),
    ("ssh: connect to host web1 port 2222: Connection refused", "Connection refused", "make doctor"),
    ("", "no reason given", "make doctor"),
])
def test_what_ssh_says_is_explained_with_the_next_step(tmp_path, said, meaning, next_step):
    host = SshHost("web1", "web1.example.org", str(tmp_path), user="wiki", port=2222, key="/keys/wiki",
                   known_hosts="/known")
    explained = ssh.why_not_connected(host, said)
    assert meaning in explained
    assert next_step in explained


def test_the_usual_port_is_not_mentioned_in_the_next_step(tmp_path):
    assert "-p" not in ssh.why_not_connected(SshHost("web1", "web1", str(tmp_path)), "Permission denied")


def test_a_host_that_cannot_be_reached_is_a_host_s_fault(tmp_path):
    nowhere = SshHost("web1", "127.0.0.1", str(tmp_path), port=1)
    with pytest.raises(HostError, match=r"^web1: cannot reach 127\.0\.0\.1 on port 1: .*refused"):
        nowhere.read("true")


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough for sockets, wherever pytest keeps its own."""
    with tempfile.TemporaryDirectory(prefix="trim-") as folder:
        yield Path(folder)


def test_the_socket_folder_is_made_for_us_alone(short):
    folder = ssh.socket_folder(str(short / "ssh"))
    assert (folder, os.stat(folder).st_mode & 0o777) == (str(short / "ssh"), 0o700)


def test_a_socket_s_path_stays_within_the_kernel_s_limit(tmp_path, short, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    wanted = str(tmp_path / ("x" * 100))
    host = SshHost("web1", "web1", ssh.socket_folder(wanted))
    assert host.control_path.startswith(str(short))
    assert len(host.control_path) + len(".1234567890123456") < 104


def test_a_socket_folder_that_others_may_use_is_refused(short):
    (short / "ssh").mkdir()
    (short / "ssh").chmod(0o755)
    with pytest.raises(HostError, match="only you"):
        ssh.socket_folder(str(short / "ssh"))


def test_a_socket_folder_that_is_a_link_is_refused(short):
    (short / "real").mkdir(mode=0o700)
    (short / "ssh").symlink_to("real")
    with pytest.raises(HostError, match="not a folder"):
        ssh.socket_folder(str(short / "ssh"))


def test_a_socket_folder_that_is_a_file_is_refused(short):
    (short / "ssh").touch()
    with pytest.raises(HostError, match="not a folder"):
        ssh.socket_folder(str(short / "ssh"))
