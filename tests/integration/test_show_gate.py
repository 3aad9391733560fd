"""make show-gate behind a real sshd: what a key in authorized_keys may ask for, and what nobody may."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from scripts.steps import showing
from tests.lab.shows import VERSION, show_kit
from tests.lab.sshd import Sshd, create_key

ATTACKS = [
    b"create version=24.4 issue=1 user=$(touch ATTACKED)", b"info; touch ATTACKED", b"info `touch ATTACKED`",
    b"info\ntouch ATTACKED", b"info issue=1'; touch ATTACKED; '", b'info issue=1"; touch ATTACKED; "',
    b"$(shell touch ATTACKED)", b"info SHELL=/bin/sh", b"--collection=ATTACKED", b"show-destroy --id=all",
    b"destroy id=* role=admin", b"\xff\xfe info", b"info user=\xff", b"x" * 50_000,
    b"create version=24.4 issue=1 user=ann source=ATTACKED", b"",
]


@pytest.fixture(scope="module")
def kit():
    with show_kit() as kit:
        kit.ready()
        yield kit


class Gate(Sshd):
    """An sshd on which each key is good for the gate alone, as docs/show.md has it."""

    def __init__(self, kit, folder: Path) -> None:
        folder.mkdir()
        super().__init__(folder)
        if os.geteuid() == 0:
            self.user = "root"  # TRIM's own account
        self.kit = kit

    def open(self) -> None:
        """Write a line for each kind of caller, and start."""
        self.create()
        invoke = f"cd {self.kit.top} && exec .venv/bin/invoke show-gate"
        callers = {"front": f"{invoke} --role=front", "ann": f"{invoke} --role=user --for-user=ann",
                   "admin": f"{invoke} --role=admin", "make": f"make -sC {self.kit.top} show-gate ROLE=front"}
        lines = []
        for name, command in callers.items():
            create_key(self.folder / name)
            public = (self.folder / f"{name}.pub").read_text()
            lines.append(f'restrict,command="{command}" {public}')
        (self.folder / "authorized_keys").write_text("".join(lines))
        self.start()

    def ask(self, caller: str, request: bytes) -> tuple[dict, int]:
        """Send a request as ssh does; return the answer and the exit code."""
        options = ["-p", str(self.port), "-i", str(self.folder / caller), "-o", "IdentitiesOnly=yes",
                   "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={self.known_hosts}"]
        words = ["ssh", *options, f"{self.user}@{self.host}", "--", *([request] if request else [])]
        done = subprocess.run(words, capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
        assert done.stdout, done.stderr
        return json.loads(done.stdout), done.returncode


@pytest.fixture(scope="module")
def gate(kit):
    gate = Gate(kit, kit.lab.folder / "gate")
    gate.open()
    yield gate
    gate.stop()


def test_a_front_end_makes_looks_at_and_destroys_a_show(kit, gate):
    assert gate.ask("front", b"info issue=12 user=ann") == ({"state": "NONE"}, 0)
    assert gate.ask("front", b"info what=versions")[0] == {"versions": [VERSION]}
    made, code = gate.ask("front", f"create version={VERSION} issue=12 user=ann".encode())
    assert (made["state"], made["id"], code) == ("ACTIV", "ann-12", 0)
    assert kit.page(made).status == 200
    again, _ = gate.ask("front", f"create version={VERSION} issue=12 user=ann".encode())
    assert again["id"] == "ann-12"
    assert "admin_password" not in again
    looked, _ = gate.ask("front", b"info issue=12 user=ann")
    assert looked["url"] == made["url"]
    assert "password" not in json.dumps(looked)
    taken, _ = gate.ask("front", b"snapshot issue=12 user=ann")
    assert len(taken["snapshots"]) == 2
    reset, _ = gate.ask("make", b"reset issue=12 user=ann")
    assert reset["admin_password"] != made["admin_password"]
    assert (reset["viewer"], reset["viewer_password"] != made["viewer_password"]) == (made["viewer"], True)
    assert gate.ask("front", b"update issue=12 user=ann")[0]["state"] == "ACTIV"
    gone, code = gate.ask("front", b"destroy issue=12 user=ann")
    assert (gone["state"], code) == ("NONE", 0)
    assert kit.nothing_is_left()


def test_who_did_not_make_a_show_cannot_reset_or_destroy_it(kit, gate):
    """Old: user name and id came from the browser, so that the creator check could be bypassed."""
    kit.made("13", "bob")
    for caller, request in (("ann", b"destroy id=bob-13"), ("ann", b"destroy issue=13 user=bob"),
                            ("ann", b"destroy id=bob-13 role=admin"), ("ann", b"reset id=bob-13 user=ann"),
                            ("front", b"destroy id=bob-13 user=ann"), ("front", b"reset id=bob-13")):
        answer, code = gate.ask(caller, request)
        assert (answer["code"], code) == (9, 9), request
    assert showing.read(kit.settings, "bob-13").told_state == "ACTIV"
    assert gate.ask("ann", b"info id=nobody-1") == ({"state": "NONE"}, 0)
    answer, code = gate.ask("ann", b"destroy id=nobody-1")
    assert (answer["state"], code, "bob-13" in answer["error"]) == ("NONE", 2, False)
    assert gate.ask("ann", b"info what=shows")[0] == {"shows": []}
    assert gate.ask("admin", b"destroy id=bob-13")[1] == 0
    assert kit.nothing_is_left()


def test_a_request_that_is_not_wholly_understood_does_nothing(kit, gate):
    """Old: branch, repository and path of a request were not cleaned."""
    kit.made("14", "ann")
    for request in ATTACKS:
        answer, code = gate.ask("front", request)
        assert (answer["code"], code) == (2, 2), request
        assert len(answer["error"]) < 200
    done = gate.ask("make", b"info; touch ATTACKED $(shell touch ATTACKED)")
    assert done[0]["code"] == 2
    found = [path for folder in (kit.top, gate.folder, Path.home()) for path in folder.glob("*ATTACKED*")]
    assert found == []
    assert showing.read(kit.settings, "ann-14").told_state == "ACTIV"
    kit.destroyed()


def test_only_prepared_versions_can_be_asked_for(kit, gate):
    answer, code = gate.ask("front", b"create version=23.x issue=15 user=ann")
    assert (answer["state"], code) == ("NONE", 9)
    assert f"prepared: {VERSION}" in answer["error"]


def test_maintenance_is_told_to_who_asks(kit, gate):
    kit.set(show_maintenance="a new disk")
    try:
        assert gate.ask("front", b"info issue=16 user=ann")[0] == {"state": "MAINT", "reason": "a new disk"}
        answer, code = gate.ask("front", f"create version={VERSION} issue=16 user=ann".encode())
        assert (answer["state"], code) == ("MAINT", 9)
    finally:
        kit.set(show_maintenance="")


def test_a_show_that_is_being_made_is_told_as_such(kit, gate):
    show = showing.Show("ann-17", showing.BUILD, VERSION, issue="17", user="ann", pid=os.getpid(),
                        begun=showing.now().isoformat())
    showing.write(kit.settings, show)
    assert gate.ask("front", b"info issue=17 user=ann")[0]["state"] == "BUILD"
    showing.forget(kit.settings, show.id)
