"""Work in forks of a process: what each says and how it ends is told, one at a time, and none outlives it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.hosts import forks, jobs, outcome, process, stall
from scripts.hosts.command import Command
from scripts.hosts.forks import Ended, Work

TOP = Path(__file__).resolve().parents[2]


def carry_out(*work, at_once: int = 2) -> list[tuple[int, int, str, str]]:
    """Return place, code, output and complaints of each, in order."""
    told = []

    def on_end(ended: Ended) -> None:
        told.append((ended.place, ended.code, ended.stdout.decode(), outcome.tail(ended.running.stderr)))

    forks.side_by_side([Work(f"[manager] work {place}", f"work{place}", one) for place, one in enumerate(work)],
                       at_once, on_end)
    return sorted(told)


def test_each_says_what_it_says_and_ends_as_it_ends():
    def complaining() -> None:
        print("out")
        print("complaint", file=sys.stderr)
        raise SystemExit(9)
    assert carry_out(lambda: print("well"), complaining, lambda: sys.exit(), lambda: sys.exit("why")) == [
        (0, 0, "well\n", ""), (1, 9, "out\n", "complaint\n"), (2, 0, "", ""), (3, 1, "", "")]


def test_a_bug_in_one_stays_there():
    _, (_, code, _, said) = carry_out(lambda: None, lambda: 1 / 0)
    assert code == 1
    assert said.endswith("ZeroDivisionError: division by zero\n")


def test_one_whose_output_finds_no_room_never_comes_back_into_its_parent():
    def fill() -> None:
        sys.stdout = open("/dev/full", "w", encoding="utf-8")
        print("lost")
    here = os.getpid()
    try:
        assert [code for _, code, _, _ in carry_out(fill)] == [1]
    finally:
        if os.getpid() != here:
            os._exit(99)


def test_one_that_is_killed_is_told_by_its_signal():
    [(_, code, _, _)] = carry_out(lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert code == -signal.SIGKILL


def test_no_more_at_once_than_allowed_and_no_fewer():
    def mark() -> None:
        print(time.monotonic())
        time.sleep(0.3)
        print(time.monotonic())
    spans = [tuple(map(float, said.split())) for _, _, said, _ in carry_out(*[mark] * 5, at_once=2)]
    assert max(sum(begun <= moment < ended for begun, ended in spans) for moment, _ in spans) == 2


def test_each_has_programs_standard_input_and_signals_of_its_own():
    def asks() -> None:
        print(process.read(Command(("echo", "of a program"), "echo")).decode(), end="")
        print(repr(sys.stdin.read()), jobs.here.group.programs, signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
    assert carry_out(asks)[0][2] == "of a program\n'' [] True\n"


def test_what_it_changes_is_not_changed_here():
    seen = []
    carry_out(lambda: seen.append(1))
    assert seen == []


def test_one_that_stands_still_is_ended_and_blamed(monkeypatch):
    monkeypatch.setattr(process.conduct, "stall_seconds", 0.5)
    told = {}

    def on_end(ended: Ended) -> None:
        told[ended.place] = str(ended.running.fault(ended.code)) if ended.code else "well"

    forks.side_by_side([Work("[manager] still", "still", lambda: time.sleep(60))], 1, on_end)
    assert told[0].startswith("[manager] still: moved no bytes")
    assert stall.watcher._watched == {}


ENDED = """
import os, signal, sys, time
from scripts.hosts import forks
from scripts.hosts.forks import Work
def leave(number, frame):
    raise SystemExit(143)
signal.signal(signal.SIGTERM, leave)
def work():
    signal.signal(signal.SIGTERM, lambda number, frame: (open(sys.argv[1], "a").write("cleaned up\\n"), sys.exit(143)))
    open(sys.argv[1], "a").write("begun\\n")
    time.sleep(60)
forks.side_by_side([Work("one", "one", work), Work("two", "two", work)], 2, print)
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_none_outlives_the_process_that_began_it(tmp_path, sent):
    notes = tmp_path / "notes"
    notes.touch()
    run = subprocess.Popen([sys.executable, "-c", ENDED, notes], cwd=TOP)
    deadline = time.monotonic() + 10
    while notes.read_text().count("begun") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run.send_signal(sent)
    assert run.wait(10) == (143 if sent == signal.SIGTERM else -sent)
    while notes.read_text().count("cleaned up") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
