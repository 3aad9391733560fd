"""Locks between runs: real processes, since a lock within one proves little."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.errors import BusyError
from scripts.registry import locks
from scripts.registry.locks import Lock

TOP = Path(__file__).resolve().parents[2]
OTHER_RUN = """
import sys
from pathlib import Path
from scripts.registry import locks
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
with locks.hold(Settings(top=Path(sys.argv[1])), [Lock(sys.argv[2], sys.argv[3] == "exclusive")], "backup"):
    print("held", flush=True)
    sys.stdin.read()
"""
STARTING = """
import os, signal, sys, time
from pathlib import Path
from scripts.registry import locks
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
with locks.hold(Settings(top=Path(sys.argv[1])), [Lock("blog", True)], "clone"):
    if os.fork():
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.6)
"""


@contextmanager
def another_run(settings, name: str, kind: str):
    """Hold a lock in another process; yield that process."""
    run = subprocess.Popen([sys.executable, "-c", OTHER_RUN, settings.top, name, kind], cwd=TOP,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert run.stdout.readline() == b"held\n"
        yield run
    finally:
        run.kill()
        run.communicate()


def can_hold(settings, name: str, exclusive: bool) -> bool:
    try:
        with locks.hold(settings, [Lock(name, exclusive)], "restore"):
            return True
    except BusyError:
        return False


@pytest.mark.parametrize(("held", "exclusive", "allowed"), [("shared", False, True), ("shared", True, False),
                                                            ("exclusive", False, False), ("exclusive", True, False)])
def test_readers_share_and_who_changes_is_alone(settings, held, exclusive, allowed):
    with another_run(settings, "blog", held):
        assert can_hold(settings, "blog", exclusive) is allowed


def test_who_waits_gets_what_is_set_free_meanwhile(settings):
    with another_run(settings, "blog", "exclusive") as run:
        threading.Timer(0.3, run.kill).start()
        with locks.hold(settings, [Lock("blog", True)], "restore", wait_seconds=20):
            pass


def test_who_waited_in_vain_is_told_how_long_and_who_holds_it(settings):
    with another_run(settings, "blog", "exclusive") as run, pytest.raises(BusyError) as caught, \
            locks.hold(settings, [Lock("blog", True)], "restore", wait_seconds=1.2):
        pass
    assert f"process {run.pid}, since" in str(caught.value)
    assert str(caught.value).endswith(", and has not ended in 1 s. Wait for it to end, or end it")


def test_several_locks_are_waited_for_no_longer_than_one(settings):
    begun = time.monotonic()
    with another_run(settings, "blog", "shared"), another_run(settings, "wiki", "shared"), \
            pytest.raises(BusyError, match="^blog"), \
            locks.hold(settings, [Lock("blog", True), Lock("wiki", True)], "restore", wait_seconds=0.4):
        pass
    assert time.monotonic() - begun < 10


def test_a_lock_of_another_name_is_free(settings):
    with another_run(settings, "blog", "exclusive"):
        assert can_hold(settings, "blog.store", True)


def test_who_comes_second_is_told_who_holds_it(settings):
    with another_run(settings, "blog", "exclusive") as run, pytest.raises(BusyError) as caught, \
            locks.hold(settings, [Lock("blog", True)], "restore"):
        pass
    assert str(caught.value).startswith(f"blog: another run holds it: make backup, process {run.pid}, since 20")


def test_who_came_second_does_not_overwrite_the_holder_s_name(settings):
    with another_run(settings, "blog", "exclusive") as run:
        can_hold(settings, "blog", True)
        assert f'"pid": {run.pid}' in (settings.state / "locks" / "blog.lock").read_text()


def test_a_killed_run_holds_nothing(settings):
    with another_run(settings, "blog", "exclusive") as run:
        run.kill()
        run.wait()
        assert can_hold(settings, "blog", True)


def test_what_a_killed_run_was_just_starting_is_waited_for(settings):
    """Between fork and exec a child has what its parent held."""
    run = subprocess.run([sys.executable, "-c", STARTING, settings.top], cwd=TOP, check=False)
    assert run.returncode == -signal.SIGKILL
    begun = time.monotonic()
    assert can_hold(settings, "blog", True)
    assert 0.1 < time.monotonic() - begun < locks.GONE_SECONDS


def test_a_lock_ends_with_its_block_also_by_a_fault(settings):
    with pytest.raises(KeyError), locks.hold(settings, [Lock("blog", True)], "backup"):
        raise KeyError
    assert can_hold(settings, "blog", True)


def test_the_locks_got_first_are_free_again_when_a_later_one_is_busy(settings):
    with another_run(settings, "wiki", "exclusive"):
        with pytest.raises(BusyError, match="^wiki"), \
                locks.hold(settings, [Lock("wiki", True), Lock("blog", True)], "clone"):
            pass
        assert can_hold(settings, "blog", True)


def test_the_first_in_the_order_of_names_is_asked_for_first(settings):
    with another_run(settings, "blog", "exclusive"), another_run(settings, "wiki", "exclusive"):
        for order in (["wiki", "blog"], ["blog", "wiki"]):
            with pytest.raises(BusyError, match="^blog"), \
                    locks.hold(settings, [Lock(name, True) for name in order], "clone"):
                pass


@pytest.mark.parametrize("order", [[False, True], [True, False]])
def test_one_run_may_read_and_change_the_same_site(settings, order):
    # The kernel tells two openings of one file apart, also within one process.
    with locks.hold(settings, [Lock("blog", exclusive) for exclusive in order], "clone"):
        assert not can_hold(settings, "blog", exclusive=False)


def test_a_started_program_does_not_inherit_a_lock(settings):
    with locks.hold(settings, [Lock("blog", True)], "backup"):
        left_running = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        assert can_hold(settings, "blog", True)
    finally:
        left_running.kill()
        left_running.wait()


def test_the_lock_files_are_ours_alone(settings):
    with locks.hold(settings, [Lock("blog", True)], "backup"):
        assert os.stat(settings.state / "locks").st_mode & 0o777 == 0o700
        assert os.stat(settings.state / "locks" / "blog.lock").st_mode & 0o777 == 0o600
