"""Shows whose making or end is broken off at any point, and fifty of them at once: nothing of them stays."""

import json
import os
import signal
import sys
from datetime import timedelta

import pytest

from scripts.errors import CommandError, Fault
from scripts.hosts import process
from scripts.present import output
from scripts.steps import showing
from scripts.verbs import show_destroy, show_reset
from tests.lab.shows import VERSION, show_kit


@pytest.fixture(scope="module")
def kit():
    with show_kit() as kit:
        yield kit


@pytest.fixture(scope="module")
def base(kit):
    return kit.ready()


@pytest.fixture(autouse=True)
def _quiet(kit):
    """Say nothing meanwhile; one test that fails must not let the others fail too."""
    output.manner.is_quiet = True
    yield
    kit.destroyed()
    output.manner.is_quiet = False


class FailingAt:
    """Lets the Nth program of a run fail before it starts."""

    def __init__(self, number: int) -> None:
        self.left, self.failed = number, ""

    def __call__(self, command) -> None:
        self.left -= 1
        if self.left == 0:
            self.failed = command.shown
            raise CommandError(f"{command.shown}: made to fail")


class KilledAt(FailingAt):
    """Kills the run before its Nth program."""

    def __call__(self, command) -> None:
        try:
            super().__call__(command)
        except CommandError:
            os.kill(os.getpid(), signal.SIGKILL)


def in_fork(number: int, work) -> bool:
    """Do something in a fork that is killed before its Nth program; return whether it lived to its end."""
    child = os.fork()
    if not child:
        process.conduct.on_start = KilledAt(number)
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001 - shown to who reads the test's output
            print(f"the fork failed: {error!r}", file=sys.__stderr__, flush=True)
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return status == 0


def test_whatever_call_fails_nothing_of_the_show_stays(kit, base):
    """Old: a branch for failures left only a sub-shell, and went on."""
    number = 0
    while True:
        number += 2
        failing = process.conduct.on_start = FailingAt(number)
        try:
            one = kit.made("94", "ann")
            assert not failing.failed or " rm -f " in failing.failed  # of an option file
            process.conduct.on_start = lambda command: None
            kit.destroyed(one)
            if not failing.failed:
                break
        except Fault:
            process.conduct.on_start = lambda command: None
            assert kit.nothing_is_left(), failing.failed
        finally:
            process.conduct.on_start = lambda command: None
    assert number > 16


def test_what_a_killed_run_left_is_no_lock_and_goes_with_the_next_show(kit, base):
    """Old: stale locks were a to-do."""
    number = 5
    while not in_fork(number, lambda: kit.made("95", "ann")):
        left = [one for one in showing.all_of(kit.settings) if one.id == "ann-95"]
        assert not left or left[0].told_state == "FAIL"
        if number % 2:
            other = kit.made()
            kit.destroyed(other)
            assert kit.nothing_is_left(), number
        number += 5     # about twenty programs are started for a show
    assert number > 15
    kit.destroyed({"id": "ann-95"})
    assert kit.nothing_is_left()


@pytest.mark.parametrize("verb", ["reset", "destroy"])
def test_a_reset_or_a_destruction_that_was_killed_can_be_ended(kit, base, verb):
    one = kit.made("96", "ann")
    work = {"reset": lambda: show_reset.show_reset(kit.settings, "ann-96"),
            "destroy": lambda: show_destroy.show_destroy(kit.settings, ["ann-96"], True)}[verb]
    number = 2
    while not in_fork(number, work):
        number += 13
        if verb == "reset" and showing.read(kit.settings, "ann-96").told_state == "FAIL" and number % 2:
            again = show_reset.show_reset(kit.settings, "ann-96")
            assert kit.page(again).status == 200
    if verb == "reset":
        kit.destroyed(one)
    assert kit.nothing_is_left()


def test_fifty_shows_side_by_side_all_go_when_they_expire(kit, base):
    """Old: no expiry existed."""
    jobs = [lambda count=count: kit.made(str(count), "crowd") for count in range(50)]
    every = process.side_by_side(*jobs, at_once=4)
    assert len({one["id"] for one in every}) == 50
    assert len({one["admin_password"] for one in every} | {one["viewer_password"] for one in every}) == 100
    assert [kit.page(one).status for one in every[::10]] == [200] * 5
    rows = json.loads(kit.make("shows", "JSON=1").stdout)
    assert [row["state"] for row in rows] == ["ACTIV"] * 50
    assert kit.make("show", f"VERSION={VERSION}").returncode != 0  # SHOW_MAX
    assert kit.make("show-destroy", "ID=due", "UNATTENDED=1").stdout == ""
    assert len(showing.all_of(kit.settings)) == 50
    for one in every:
        showing.change(kit.settings, one["id"], expires=(showing.now() - timedelta(minutes=1)).isoformat())
    done = kit.make("show-destroy", "ID=due", "UNATTENDED=1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert kit.nothing_is_left()
