"""Programs really started: how they end, who is to blame, and that nothing of them is left."""

import errno
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from scripts.errors import CommandError
from scripts.hosts import jobs, outcome, process
from scripts.hosts.command import Command
from scripts.hosts.local import LocalHost

TOP = Path(__file__).resolve().parents[2]
HERE = LocalHost("here")
MEGABYTE = 1 << 20


def bash(script: str, stdin: bytes | None = None) -> Command:
    return HERE.command("bash", "-c", script, stdin=stdin)


def swallow(source, sink) -> None:
    for _ in source.chunks():
        pass


def pass_on(source, sink) -> None:
    for chunk in source.chunks():
        sink.write(chunk)


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def open_files() -> set[str]:
    """Return what our descriptors are open on, but for the stall watch's short looks into /proc."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            found.add(os.readlink(f"/proc/self/fd/{name}"))
    return {target for target in found if not target.startswith("/proc/")}


# One program

def test_read_returns_every_byte_a_program_prints():
    assert process.read(bash(r"printf 'a\0b\n\xff'")) == b"a\0b\n\xff"


def test_a_code_that_was_not_expected_is_a_fault_with_that_code():
    with pytest.raises(CommandError) as caught:
        process.read(bash("exit 3"), ok=(0, 1))
    assert caught.value.code == 3


def test_an_expected_code_is_no_fault():
    assert process.read(bash("echo differs; exit 1"), ok=(0, 1)) == b"differs\n"


def test_a_fault_says_place_program_code_and_reason_in_one_line():
    with pytest.raises(CommandError) as caught:
        process.read(bash("echo no space >&2; echo left >&2; exit 28"))
    assert str(caught.value).startswith("[here] bash -c ")
    assert str(caught.value).endswith(": ended with exit code 28: no space / left")


def test_a_fault_names_the_signal_that_ended_a_program():
    with pytest.raises(CommandError, match="was ended by signal 9"):
        process.read(bash("kill -9 $$"))


def test_of_a_long_stderr_the_end_is_kept_from_the_start_of_a_line():
    with pytest.raises(CommandError) as caught:
        process.read(bash("for i in $(seq 1000); do echo line $i end; done >&2; exit 1"))
    lines = caught.value.stderr.splitlines()
    assert lines[-1] == "line 1000 end"
    assert lines[0] == f"line {1001 - len(lines)} end"
    assert len(caught.value.stderr) <= outcome.STDERR_TAIL


def test_a_stderr_that_is_no_utf_8_does_not_hide_the_fault():
    with pytest.raises(CommandError, match="caf.: gone"):
        process.read(bash(r"printf 'caf\xe9: gone' >&2; exit 1"))


def test_a_missing_program_is_named():
    with pytest.raises(CommandError, match="there is no program no-such-program") as caught:
        process.read(HERE.command("no-such-program", "word"))
    assert caught.value.code == 127


def test_words_that_are_too_long_for_the_kernel_are_a_fault_of_the_command():
    with pytest.raises(CommandError, match=r"^\[here\] echo x+: cannot be started: .*Argument list too long"):
        process.read(HERE.command("echo", "x" * (3 * MEGABYTE)))
    os.waitpid(-1, 0)  # sh does not wait for a child that could not become the program


def test_programs_speak_english_to_us(monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert process.read(bash("printf %s $LC_ALL")) == b"C"


def test_programs_of_the_sbin_folders_are_found_with_cron_s_path(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert process.read(HERE.command("ldconfig", "--version")).startswith(b"ldconfig")


# stdin

def test_stdin_reaches_the_program_whole():
    text = bytes(range(256)) * 12_000
    assert process.read(HERE.command("cat", stdin=text)) == text


def test_without_stdin_a_program_reads_nothing_and_does_not_wait():
    assert process.read(HERE.command("cat")) == b""


def test_a_program_that_does_not_read_its_stdin_is_no_fault():
    assert process.read(HERE.command("true", stdin=b"x" * (3 * MEGABYTE))) == b""


# Pipes: who is to blame

def test_a_pipe_carries_bytes_through_programs_and_our_own_stages():
    assert process.pipe(bash("printf abc"), pass_on, HERE.command("tr", "a-z", "A-Z")) == b"ABC"


def test_a_pipe_reads_from_a_file_and_writes_into_one(tmp_path):
    (tmp_path / "from").write_bytes(b"some\ntext\n")
    with open(tmp_path / "from", "rb") as source, open(tmp_path / "to", "wb") as target:
        process.pipe(HERE.command("tac"), out_of=source, into=target)
    assert (tmp_path / "to").read_bytes() == b"text\nsome\n"


def test_a_writer_ended_by_its_reader_s_fault_is_not_to_blame():
    with pytest.raises(CommandError, match="disk is full"):
        process.pipe(HERE.command("yes"), bash("read line; echo disk is full >&2; exit 4"))


def test_a_chain_of_writers_ended_by_the_last_reader_is_not_to_blame():
    with pytest.raises(CommandError, match="disk is full"):
        process.pipe(HERE.command("yes"), HERE.command("cat"), bash("read line; echo disk is full >&2; exit 4"))


def test_a_reader_that_fails_on_half_an_input_is_not_to_blame_for_it():
    with pytest.raises(CommandError, match="connection lost"):
        process.pipe(bash("echo half; echo connection lost >&2; exit 3"), bash("cat; echo no end mark >&2; exit 2"))


def test_a_writer_s_fault_is_seen_though_its_reader_ends_well():
    with pytest.raises(CommandError) as caught:
        process.pipe(bash("echo half; exit 3"), HERE.command("cat"))
    assert caught.value.code == 3


def test_a_reader_that_stops_early_and_says_all_is_well_is_a_fault():
    with pytest.raises(CommandError, match="yes"):
        process.pipe(HERE.command("yes"), HERE.command("head", "-n", "1"))


def test_ssh_s_bare_255_is_a_consequence_of_what_stands_behind_it():
    with pytest.raises(CommandError, match="disk is full"):
        process.pipe(bash("exit 255"), bash("cat; echo disk is full >&2; exit 4"))


def test_ssh_s_255_with_words_is_a_cause():
    with pytest.raises(CommandError, match="Connection reset"):
        process.pipe(bash("echo Connection reset >&2; exit 255"), bash("cat; exit 4"))


def test_the_fault_of_our_own_stage_is_raised_as_it_is():
    def refuse(source, sink):
        source.read(1)
        raise KeyError("of ours")
    with pytest.raises(KeyError, match="of ours"):
        process.pipe(HERE.command("yes"), refuse)


def test_the_fault_of_our_own_stage_comes_before_that_of_its_reader():
    def break_off(source, sink):
        sink.write(b"half")
        raise KeyError("of ours")
    with pytest.raises(KeyError, match="of ours"):
        process.pipe(break_off, bash("cat; exit 5"))


def test_our_own_stage_whose_reader_is_gone_is_not_to_blame():
    def pour(source, sink):
        while True:
            sink.write(b"x" * MEGABYTE)
    with pytest.raises(CommandError, match="enough"):
        process.pipe(pour, bash("echo enough >&2; exit 6"))


# Memory

def test_a_big_stream_does_not_grow_our_memory():
    tracemalloc.start()
    try:
        process.pipe(HERE.command("head", "-c", str(200 * MEGABYTE), "/dev/zero"), pass_on, swallow)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * MEGABYTE


def test_a_big_stream_between_programs_goes_past_us(tmp_path):
    before = psutil.Process().memory_info().rss
    with open(os.devnull, "wb") as nowhere:
        process.pipe(HERE.command("head", "-c", str(200 * MEGABYTE), "/dev/zero"), HERE.command("cat"), into=nowhere)
    assert psutil.Process().memory_info().rss - before < 8 * MEGABYTE


# Dry run

@pytest.fixture
def dry(monkeypatch) -> list[str]:
    shown: list[str] = []
    process.conduct.dry_run, process.conduct.on_dry = True, shown.append
    return shown


def test_a_dry_run_shows_a_change_and_does_not_make_it(dry, tmp_path):
    process.run(HERE.command("touch", str(tmp_path / "made")))
    assert dry == [f"[here] touch {tmp_path}/made"]
    assert not (tmp_path / "made").exists()


def test_a_dry_run_shows_a_pipe_and_starts_none_of_it(dry, tmp_path):
    def write(source, sink):
        (tmp_path / "made").touch()
    process.pipe(HERE.command("mysqldump", "wiki"), write, HERE.command("bzip2", "-9"))
    assert dry == ["[here] mysqldump wiki | [here] bzip2 -9"]
    assert not (tmp_path / "made").exists()


def test_a_dry_run_still_reads(dry):
    assert process.read(bash("echo real")) == b"real\n"


# Standing still

def test_a_pipe_in_which_nothing_moves_is_ended_and_says_so():
    process.conduct.stall_seconds = 0.3
    begun = time.monotonic()
    with pytest.raises(CommandError, match=r"sleep 60: moved no bytes .* was ended"):
        process.pipe(HERE.command("sleep", "60"), HERE.command("cat"))
    assert time.monotonic() - begun < 20  # of the 60 it would have slept
    assert children() == []


def test_a_program_that_ignores_being_asked_is_killed(monkeypatch):
    monkeypatch.setattr(jobs, "GRACE_SECONDS", 0.3)
    process.conduct.stall_seconds = 0.3
    with pytest.raises(CommandError, match="moved no bytes"):
        process.read(bash("trap '' TERM; while true; do read -t 60 <> <(:); done"))
    assert children() == []


def test_a_slow_program_that_still_moves_bytes_is_not_ended():
    process.conduct.stall_seconds = 0.5
    slow = bash("for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done")
    assert process.pipe(slow, HERE.command("cat")) == b"1\n2\n3\n4\n5\n6\n"


def test_a_program_that_computes_without_a_word_is_not_ended():
    process.conduct.stall_seconds = 0.4
    assert process.read(bash("until ((SECONDS >= 2)); do :; done; echo done")) == b"done\n"


def test_our_own_stage_that_moves_bytes_keeps_a_waiting_program_alive():
    process.conduct.stall_seconds = 0.4

    def trickle(source, sink):
        for _ in range(8):
            sink.write(b"x")
            time.sleep(0.15)
    assert process.pipe(trickle, HERE.command("cat")) == b"x" * 8


# Side by side

def test_results_come_in_the_order_of_the_jobs():
    jobs = [lambda number=number: process.read(bash(f"sleep 0.{3 - number}; echo {number}")) for number in range(3)]
    assert process.side_by_side(*jobs) == [b"0\n", b"1\n", b"2\n"]


def test_at_most_so_many_jobs_run_at_once():
    running, most, counting = [0], [0], threading.Lock()

    def job():
        with counting:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.03)
        with counting:
            running[0] -= 1
    process.side_by_side(*[job] * 8, at_once=3)
    assert most == [3]


def test_the_first_fault_ends_the_programs_of_the_other_jobs():
    begun = time.monotonic()
    with pytest.raises(CommandError, match="broken"):
        process.side_by_side(lambda: process.read(HERE.command("sleep", "60")),
                             lambda: process.read(bash("sleep 0.1; echo broken >&2; exit 1")))
    assert time.monotonic() - begun < 3
    assert children() == []


def test_a_fault_ends_the_programs_of_jobs_within_the_other_jobs_too():
    def within():
        return process.side_by_side(*[lambda: process.read(HERE.command("sleep", "60"))] * 2)
    begun = time.monotonic()
    with pytest.raises(CommandError, match="broken"):
        process.side_by_side(within, lambda: process.read(bash("sleep 0.2; echo broken >&2; exit 1")))
    assert time.monotonic() - begun < 10
    assert children() == []


def test_jobs_that_had_not_begun_are_not_begun_after_a_fault():
    begun: list[str] = []

    def fail():
        raise KeyError("first")
    with pytest.raises(KeyError):
        process.side_by_side(fail, lambda: begun.append("second"), at_once=1)
    assert begun == []


def test_a_program_that_starts_while_another_job_fails_is_ended_too():
    is_starting = threading.Event()

    def while_the_other_fails(command):
        is_starting.set()
        time.sleep(0.3)
    process.conduct.on_start = while_the_other_fails

    def fail():
        is_starting.wait()
        raise KeyError("first")
    begun = time.monotonic()
    with pytest.raises(KeyError):
        process.side_by_side(lambda: process.read(HERE.command("sleep", "5")), fail)
    assert time.monotonic() - begun < 2


# Background

def test_a_server_runs_while_the_block_does_and_not_longer():
    with process.background(HERE.command("sleep", "60")) as is_running:
        assert is_running()
    assert not is_running()
    assert children() == []


def test_a_server_may_stand_still():
    process.conduct.stall_seconds = 0.2
    with process.background(HERE.command("sleep", "60")) as is_running:
        time.sleep(0.7)
        assert is_running()


def test_a_server_is_ended_when_the_block_fails():
    with pytest.raises(KeyError), process.background(HERE.command("sleep", "60")):
        raise KeyError
    assert children() == []


def test_a_dry_run_starts_no_server(dry):
    with process.background(HERE.command("sleep", "60")) as is_running:
        assert not is_running()
        assert children() == []
    assert dry == ["[here] sleep 60"]


# A pipe that cannot be put together

def pour(source, sink):
    while True:
        sink.write(b"x" * MEGABYTE)


def breaking_at(call: int, real, error: Exception):
    """Return what does as real does, but for one call."""
    calls = itertools.count(1)

    def act(*given, **more):
        if next(calls) == call:
            raise error
        return real(*given, **more)
    return act


class Daemon(threading.Thread):
    """A thread that keeps no failed test from its end."""

    def __init__(self, **given) -> None:
        super().__init__(daemon=True, **given)


@pytest.mark.parametrize(("module", "name", "call", "error"), [
    (tempfile, "TemporaryFile", 1, OSError(errno.ENOSPC, "No space left on device")),
    (os, "pipe", 2, OSError(errno.EMFILE, "Too many open files")),
    (os, "pipe", 3, OSError(errno.EMFILE, "Too many open files")),
    (threading, "start", 2, RuntimeError("can't start new thread"))],
    ids=["no inode", "no descriptor in the middle", "no descriptor at the end", "no thread"])
def test_a_pipe_that_cannot_be_put_together_ends_what_writes_into_it(monkeypatch, module, name, call, error):
    fail_in_every_way()     # what sh and the stall watch need is there
    before, caught = open_files(), []
    real = getattr(Daemon, name) if module is threading else getattr(module, name)
    broken = breaking_at(call, real, error)
    thread = type("Thread", (Daemon,), {name: broken}) if module is threading else Daemon
    monkeypatch.setattr(process, "threading", SimpleNamespace(**{**vars(threading), "Thread": thread}))
    if module is not threading:
        monkeypatch.setattr(process, module.__name__, SimpleNamespace(**{**vars(module), name: broken}))

    def work() -> None:
        try:
            process.pipe(pour, HERE.command("cat"), pass_on)
        except type(error) as fault:
            caught.append(fault)
    running = Daemon(target=work)
    running.start()
    running.join(timeout=10)
    assert caught == [error]
    assert children() == [] and open_files() - before == set()


# Nothing is left

def break_off(source, sink):
    raise KeyError("of ours")


def fail_in_every_way() -> None:
    """Run pipes that end well, badly, half-started and by our own fault."""
    for stages in ((bash("echo x"), HERE.command("cat")),
                   (HERE.command("yes"), bash("exit 3")),
                   (HERE.command("yes"), HERE.command("no-such-program"), HERE.command("cat")),
                   (HERE.command("cat", stdin=b"x"), break_off),
                   (break_off, HERE.command("no-such-program"))):
        with suppress(CommandError, KeyError):
            process.pipe(*stages)


def test_no_file_descriptor_is_left_open():
    fail_in_every_way()
    before = open_files()
    for _ in range(10):
        fail_in_every_way()
    assert open_files() - before == set()


def test_no_child_and_no_zombie_is_left_after_a_fault():
    fail_in_every_way()
    assert children() == []


def test_no_thread_is_left_after_a_fault():
    fail_in_every_way()
    before = set(threading.enumerate())
    fail_in_every_way()
    for thread in set(threading.enumerate()) - before:  # sh's own end a moment after their program
        thread.join(timeout=5)
    assert not any(thread.is_alive() for thread in set(threading.enumerate()) - before)


def test_a_descriptor_of_one_program_does_not_reach_another(tmp_path):
    # An inherited writing end would keep a reader waiting for ever.
    listed = process.pipe(bash("ls /proc/$$/fd; cat >/dev/null"), HERE.command("cat"))
    assert listed.split() == [b"0", b"1", b"2"]


def start_run(*lines: str, is_lasting: bool = True) -> subprocess.Popen:
    """Start a Python that runs these lines; when it lasts, wait until a child of it runs."""
    text = "\n".join(["from scripts.hosts import process", "from scripts.hosts.local import LocalHost",
                      "here = LocalHost('here')", *lines])
    run = subprocess.Popen([sys.executable, "-c", text], cwd=TOP, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 10
    while is_lasting and not any(child.name() == "sleep" for child in psutil.Process(run.pid).children(recursive=True)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return run


def ended(processes: list[psutil.Process]) -> bool:
    deadline = time.monotonic() + 5
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("line", [
    "process.read(here.command('sleep', '60'))",
    "process.side_by_side(lambda: process.read(here.command('sleep', '60')))",
    "process.pipe(here.command('sleep', '60'), lambda source, sink: sink.write(source.read()), here.command('cat'))",
])
def test_children_end_when_we_are_killed(line):
    run = start_run(line)
    offspring = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.communicate()
    assert ended(offspring)


EXIT_AT_SIGTERM = ("import signal, sys", "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))")


@pytest.mark.parametrize("line", [
    "process.read(here.command('sleep', '60'))",
    "process.read(here.command('bash', '-c', 'exec >&-; exec sleep 60'))",
    "process.side_by_side(lambda: process.read(here.command('sleep', '60')))",
    "process.pipe(lambda source, sink: sink.write(b'x' * 10_000_000), here.command('sleep', '60'))",
])
def test_sigterm_unwinds_a_run_and_ends_its_children(line):
    run = start_run(*EXIT_AT_SIGTERM, line)
    offspring = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGTERM)
    said = run.communicate(timeout=8)[1]
    assert (run.returncode, said) == (143, b"")
    assert ended(offspring)


def test_a_program_starts_though_another_thread_loads_the_codec_that_sh_uses_in_the_child():
    # The child has no other thread: what is locked when it is forked stays so.
    run = start_run("import importlib._bootstrap as bootstrap", "import sh, threading, time",
                    "sh.DEFAULT_ENCODING = sh.Command.__call__.__globals__['DEFAULT_ENCODING'] = 'cp500'",
                    "held = threading.Event()",
                    "def load():",
                    "    with bootstrap._ModuleLockManager('encodings.cp500'):",
                    "        held.set(), time.sleep(0.5)",
                    "threading.Thread(target=load).start()",
                    "held.wait()",
                    "assert here.read('echo', 'done') == b'done\\n'", is_lasting=False)
    try:
        said = run.communicate(timeout=8)[1]
    finally:
        run.kill()
    assert (run.returncode, said) == (0, b"")


def test_a_signal_at_the_very_start_of_a_program_loses_none():
    # The child sends it, between the fork and the program's own beginning.
    run = start_run(*EXIT_AT_SIGTERM, "import os", "prepare = process.die_with_parent",
                    "process.die_with_parent = lambda: (prepare(), os.kill(os.getppid(), signal.SIGTERM))",
                    "process.pipe(lambda source, sink: sink.write(b'x' * 10_000_000), here.command('sleep', '60'))",
                    is_lasting=False)
    assert (run.communicate(timeout=8)[1], run.returncode) == (b"", 143)


# The terminal

def test_attach_returns_the_code_of_the_program():
    text = ("import sys; from scripts.hosts import process; from scripts.hosts.local import LocalHost; "
            "sys.exit(process.attach(LocalHost('here').command('bash', '-c', 'read line; exit $line')))")
    run = subprocess.run([sys.executable, "-c", text], cwd=TOP, input=b"7\n", timeout=10, check=False)
    assert run.returncode == 7

