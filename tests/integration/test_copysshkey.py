"""The way to a host is opened by ssh's own programs, and proven by a login without a password."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.sshd import Sshd
from tests.lab.terminal import type_at
from tests.lab.toolkit import Toolkit

PATH = "/usr/local/bin:/usr/bin:/bin"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@dataclass
class Door:
    """A host that knows one key, which an agent holds; a site there, whose own key is not made yet."""

    kit: Toolkit
    sshd: Sshd
    home: Path
    key: Path
    known: Path
    agent: dict[str, str]

    def make(self, *words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        given = self.agent if environment is None else environment
        return self.kit.make("copysshkey", "INSTANCE=far", *words, environment={"HOME": str(self.home), **given})

    def logs_in(self) -> bool:
        words = ["-p", str(self.sshd.port), "-i", self.key, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                 "-o", f"UserKnownHostsFile={self.known}"]
        return not subprocess.run(["ssh", *words, f"{self.sshd.user}@127.0.0.1", "true"], check=False,
                                  capture_output=True, env={"PATH": PATH}).returncode


@pytest.fixture
def door(lab: Lab, tmp_path: Path) -> Iterator[Door]:
    there = lab.folder / "there"
    there.mkdir(mode=0o700)
    give_to(lab_user(), there)
    sshd = lab.sshd(environment={"HOME": str(there)})
    kit = Toolkit(lab.folder / "kit", lab)
    known = tmp_path / "known_hosts"
    kit.set(known_hosts=known)
    home, key = tmp_path / "home", tmp_path / "home" / "keys" / "trim"
    (home / ".ssh").mkdir(parents=True)
    kit.register("far", access="ssh", ssh_host=sshd.host, ssh_port=sshd.port, ssh_user=sshd.user, ssh_key=key,
                 web_root="/srv/far")
    told = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True).stdout
    agent = dict(re.findall(r"(SSH_\w+)=([^;]+);", told))
    subprocess.run(["ssh-add", "-q", sshd.key], check=True, env={**agent, "PATH": PATH}, capture_output=True)
    yield Door(kit, sshd, home, key, known, {"SSH_AUTH_SOCK": agent["SSH_AUTH_SOCK"]})
    subprocess.run(["ssh-agent", "-k"], check=True, env={**agent, "PATH": PATH}, capture_output=True)
    for socket in (kit.top / "var" / "ssh").glob("*"):
        subprocess.run(["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "x"], check=False, capture_output=True)
    shutil.rmtree(kit.top)
    shutil.rmtree(there)


def test_a_key_is_made_installed_and_proven_and_then_nothing_is_left_to_do(door):
    done = door.make("HOST_KEYS=accept-new")
    assert done.returncode == 0, done.stderr
    assert f"made the key {door.key}" in done.stdout
    shown = re.search(r"shows 256 (SHA256:\S+) \(ED25519\)", done.stdout)[1]
    listed = subprocess.run(["ssh-keygen", "-lf", door.sshd.folder / "host_key.pub"], capture_output=True, text=True)
    assert shown in listed.stdout
    assert door.logs_in()
    assert door.key.stat().st_mode & 0o777 == 0o600
    known, authorized = door.known.read_text(), (door.sshd.folder.parent / "there/.ssh/authorized_keys").read_text()
    assert authorized == door.key.with_suffix(".pub").read_text()
    again = door.make("HOST_KEYS=accept-new", environment={})
    assert "lets us in by key already. Nothing was changed" in again.stdout
    assert door.known.read_text() == known
    assert (door.sshd.folder.parent / "there/.ssh/authorized_keys").read_text() == authorized
    assert door.kit.make("doctor", "INSTANCE=far").stdout.count("does not let us in") == 0


def test_a_key_that_is_there_is_used_as_it_is_and_its_lost_public_half_made_again(door):
    door.key.parent.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", door.key], check=True)
    private = door.key.read_bytes()
    door.key.with_suffix(".pub").unlink()
    door.known.write_text(door.sshd.known_hosts.read_text())
    done = door.make()
    assert done.returncode == 0, done.stderr
    assert "shows" not in done.stdout and "made the key" not in done.stdout
    assert door.key.read_bytes() == private
    assert door.logs_in()


def test_an_unknown_host_key_is_shown_and_not_taken_unseen(door):
    door.known.write_text("other.example ssh-ed25519 AAAA\n")
    done = door.make()
    assert "Error 9" in done.stderr
    assert "SHA256:" in done.stderr and "HOST_KEYS=accept-new" in done.stderr
    assert door.known.read_text() == "other.example ssh-ed25519 AAAA\n"
    assert not (door.sshd.folder.parent / "there/.ssh").exists()


@pytest.mark.parametrize(("answer", "is_taken"), [("2\n", True), ("1\n", False)])
def test_at_a_terminal_a_person_looks_at_the_host_key(door, answer, is_taken):
    clean = {"PATH": PATH, "HOME": str(door.home), "TERM": "dumb", **door.agent}
    code, shown = type_at(["make", "-sC", str(door.kit.top), "copysshkey", "INSTANCE=far"], clean,
                          [("Is that what its administrator tells you", answer)])
    assert (code == 0) is is_taken, shown
    assert door.known.exists() is is_taken
    assert not is_taken or door.logs_in()


def test_a_changed_host_key_is_never_replaced(door):
    wrong = door.sshd.key.with_suffix(".pub").read_text()
    door.known.write_text(f"[127.0.0.1]:{door.sshd.port} {wrong}")
    done = door.make("HOST_KEYS=accept-new")
    assert "is not the one on record" in done.stderr
    assert door.known.read_text() == f"[127.0.0.1]:{door.sshd.port} {wrong}"


def test_without_a_door_and_a_terminal_it_says_why_and_what_to_do(door):
    done = door.make("HOST_KEYS=accept-new", environment={})
    assert "Error 4" in done.stderr
    assert "still does not let us in" in done.stderr and "can only be typed at a terminal" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_key_with_a_passphrase_is_refused(door):
    door.key.parent.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret words", "-f", door.key], check=True)
    done = door.make("HOST_KEYS=accept-new")
    assert "cannot be used without a person" in done.stderr
    assert not (door.sshd.folder.parent / "there/.ssh").exists()


def test_a_dry_run_changes_nothing_here_or_there(door):
    done = door.make("HOST_KEYS=accept-new", "DRY=1")
    assert done.returncode == 0, done.stderr
    assert "would make the key" in done.stdout
    assert not door.key.exists() and not door.known.exists()
    assert not (door.sshd.folder.parent / "there/.ssh").exists()


def test_a_host_under_another_name_of_ssh_is_recorded_under_that_name(door):
    """What ssh's own configuration says counts: there the alias has an address and a port."""
    programs = door.home / "bin"
    programs.mkdir()
    config = door.home / "config"
    config.write_text(f"Host farhost\n HostName 127.0.0.1\n Port {door.sshd.port}\n")
    (programs / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
    (programs / "ssh").chmod(0o755)
    door.kit.register("far", access="ssh", ssh_host="farhost", ssh_port=door.sshd.port, ssh_user=door.sshd.user,
                      ssh_key=door.key, web_root="/srv/far")
    done = door.make("HOST_KEYS=accept-new", environment={**door.agent, "PATH": f"{programs}:{PATH}"})
    assert done.returncode == 0, done.stderr
    assert door.known.read_text().startswith(f"[127.0.0.1]:{door.sshd.port} ")


def test_a_local_site_has_no_way_to_open(door):
    door.kit.register("near", web_root="/srv/near")
    done = door.kit.make("copysshkey", "INSTANCE=near", environment={"HOME": os.environ.get("HOME", "/")})
    assert "Error 2" in done.stderr and "is on this machine" in done.stderr
