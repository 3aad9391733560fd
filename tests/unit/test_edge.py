"""What surrounds a verb: one line and an exit code for a fault, locks, signals, dry run, several instances."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import scripts.run
from scripts import edge, errors
from scripts.edge import Common
from scripts.errors import ArchiveError, BusyError, DatabaseError, Fault, Findings, RegistryError, UsageError
from scripts.hosts import process
from scripts.hosts.local import LocalHost
from scripts.present import output
from scripts.registry import locks, runs
from scripts.registry.locks import Lock

TOP = Path(__file__).resolve().parents[2]
FAULTS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Fault)]


@pytest.fixture(autouse=True)
def _toolkit(settings, monkeypatch) -> None:
    """The edge works in a toolkit of the test's own."""
    monkeypatch.setattr(edge, "TOP", settings.top)


@pytest.fixture
def log(settings):
    """Return the text of the one run log."""
    return lambda: next((settings.state / "logs").iterdir()).read_text()


def code_of(story, **switches: str) -> int:
    """Return the exit code with which a run of this story ends."""
    try:
        with edge.verb("backup", Common(**switches)) as run:
            story(run)
    except SystemExit as end:
        return end.code
    return 0


def failing(fault: BaseException):
    def story(*given):
        raise fault
    return story


# One verb

def test_what_keeps_our_own_memory_flat_goes_to_no_program_that_a_verb_starts(monkeypatch):
    given = re.search(r"^override FLAT := (.*)$", (TOP / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert "MALLOC_ARENA_MAX=2" in given
    for name, _, value in (one.partition("=") for one in given):
        monkeypatch.setenv(name, value)
    with edge.verb("backup", Common()):
        assert b"MALLOC_ARENA_MAX" not in (told := LocalHost("here").read("env")) and b"_THRESHOLD_" not in told


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_ends_the_run_with_its_own_code(kind):
    assert code_of(failing(kind("broken"))) == kind.exit_code


def test_every_kind_of_fault_has_a_code_of_its_own():
    assert len({kind.exit_code for kind in FAULTS}) == len(FAULTS)


def test_a_fault_is_one_line_on_stderr(capfd):
    code_of(failing(ArchiveError("blog: the archive\n  is damaged")))
    assert capfd.readouterr() == ("", "backup: blog: the archive is damaged\n")


def test_a_fault_stands_in_the_log(log):
    code_of(failing(ArchiveError("blog: is damaged")))
    assert "fault: backup: blog: is damaged" in log()


def test_a_bug_ends_with_code_1_and_one_line_that_names_the_log(capfd, settings):
    assert code_of(failing(ZeroDivisionError("by us"))) == 1
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "ZeroDivisionError: by us" in said
    assert str(next((settings.state / "logs").iterdir())) in said


def test_a_bug_s_traceback_is_in_the_log_alone(capfd, log):
    code_of(failing(ZeroDivisionError("by us")))
    assert "Traceback" in log()
    assert "Traceback" not in capfd.readouterr().err


def test_a_run_that_ends_well_says_nothing_of_itself(capfd):
    assert code_of(lambda run: None) == 0
    assert capfd.readouterr() == ("", "")


def test_an_error_in_the_settings_is_a_fault_like_any_other(settings, capfd):
    (settings.top / "conf").mkdir()
    (settings.top / "conf" / "settings.env").write_text("KEPP=7\n")
    assert code_of(lambda run: None) == RegistryError.exit_code
    assert "settings.env:1: KEPP is not a known key (did you mean KEEP?)" in capfd.readouterr().err


def test_the_log_is_ours_alone_and_names_every_command(settings, log):
    code_of(lambda run: process.read(LocalHost("here").command("echo", "two words")))
    path = next((settings.state / "logs").iterdir())
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "run [here] echo 'two words'" in log()


def test_the_log_takes_names_that_are_no_text(log):
    code_of(lambda run: output.say("caf\udce9") if output.manner.is_quiet else None, unattended="1")
    assert "caf\\xe9" in log()


# Switches and values

@pytest.mark.parametrize(("text", "value"), [(None, False), ("", False), ("1", True), ("yes", True), ("ON", True),
                                             ("0", False), ("no", False), ("off", False)])
def test_a_switch_is_on_or_off(text, value):
    assert edge.switch(text, "DRY") is value


@pytest.mark.parametrize("text", ["2", "ja", "y", " ", "-"])
def test_a_switch_that_says_neither_is_a_usage_error(text):
    with pytest.raises(UsageError, match="^DRY=.*expected 1, yes, on, or 0, no, off"):
        edge.switch(text, "DRY")


@pytest.mark.parametrize(("text", "value"), [(None, None), ("", None), ("1", 1), ("30", 30)])
def test_a_number_is_read(text, value):
    assert edge.number(text, "KEEP") == value


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "7d", " 7", "²", "0x7", "seven"])
def test_a_number_that_is_none_is_a_usage_error(text):
    with pytest.raises(UsageError, match="^KEEP="):
        edge.number(text, "KEEP")


def test_a_word_that_is_no_choice_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"COMPRESS=zstd: expected bz2 or zst \(did you mean zst\?\)"):
        edge.one_of("zstd", "COMPRESS", ("bz2", "zst"))


@pytest.mark.parametrize(("text", "parts"), [(None, ()), ("", ()), ("a", ("a",)), (" a, b c,,", ("a", "b c"))])
def test_a_comma_list_is_split(text, parts):
    assert edge.words(text) == parts


@pytest.mark.parametrize(("switches", "code"), [({"dry": "maybe"}, 2), ({"verbose": "2"}, 2), ({"json": "x"}, 2),
                                                ({"dry": "0"}, 0)])
def test_a_wrong_switch_stops_the_verb_before_it_begins(switches, code):
    told = []
    assert code_of(told.append, **switches) == code
    assert bool(told) is (code == 0)


def test_a_dry_run_shows_on_stdout_what_it_would_do(tmp_path, capfd):
    code_of(lambda run: LocalHost("here").run("touch", str(tmp_path / "made")), dry="1")
    assert capfd.readouterr().out == f"would: [here] touch {tmp_path}/made\n"
    assert not (tmp_path / "made").exists()


def test_with_json_stdout_holds_the_document_alone(capfd):
    def story(run):
        output.say("on the way")
        output.show_json([{"archive": "x"}, None])
    code_of(story, json="1")
    said = capfd.readouterr()
    assert json.loads(said.out) == [{"archive": "x"}]
    assert said.err == "on the way\n"


def test_an_unattended_run_is_silent_but_for_warnings(capfd):
    def story(run):
        output.say("on the way")
        output.warn("disk nearly full")
    code_of(story, unattended="1")
    assert capfd.readouterr() == ("", "warning: disk nearly full\n")


def test_v_shows_each_command_before_it_runs(capfd):
    code_of(lambda run: process.read(LocalHost("here").command("true")), verbose="1")
    assert capfd.readouterr().err == "+ [here] true\n"


def test_an_unknown_variable_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"^INSTNACE= is not a variable of make backup \(did you mean INSTANCE\?\)"):
        edge.refuse_variables("backup", "DRY INSTNACE", "INSTANCE KEEP DRY")


def test_a_password_on_the_command_line_is_refused_with_the_way_to_give_it():
    with pytest.raises(UsageError, match="DB_PASS= stands on make's command line"):
        edge.refuse_variables("blank", "DB_PASS NAME", "NAME")


# Which instance

def test_without_a_terminal_a_missing_answer_names_the_known_ones(register, capfd):
    register("blog")
    register("wiki")
    assert code_of(lambda run: run.instance(None)) == 2
    assert "INSTANCE= is missing: which instance? known: blog, wiki" in capfd.readouterr().err


def test_one_instance_is_loaded_by_its_name(register):
    register("blog")
    loaded = []
    code_of(lambda run: loaded.append(run.instance("blog").web_root))
    assert loaded == ["/srv/blog"]


@pytest.mark.parametrize("wanted", ["all", "blog,wiki", "b*", "tag:x"])
def test_where_one_instance_is_meant_several_are_refused(register, wanted):
    register("blog")
    assert code_of(lambda run: run.instance(wanted)) == 2


# Several instances

@pytest.fixture
def three(register) -> None:
    for name in ("blog", "forum", "wiki"):
        register(name)


def test_a_fault_of_one_instance_does_not_stop_the_others(three, capfd):
    done = []

    def story(instance):
        if instance.name == "forum":
            raise DatabaseError("forum: no such database")
        done.append(instance.name)
    assert code_of(lambda run: run.each("all", edge.storing, story)) == DatabaseError.exit_code
    assert done == ["blog", "wiki"]
    assert capfd.readouterr().err.splitlines() == ["backup: forum: no such database",
                                                   "backup: 1 of 3 instances failed: forum"]


def test_an_env_file_that_cannot_be_read_stays_with_its_instance(three, register):
    register("forum", "KEPP=7\n")
    done = []
    code = code_of(lambda run: run.each("all", edge.none, lambda one: done.append(one.name)))
    assert code == RegistryError.exit_code
    assert done == ["blog", "wiki"]


def test_a_bug_stops_the_run(three):
    done = []

    def story(instance):
        done.append(instance.name)
        raise ZeroDivisionError
    assert code_of(lambda run: run.each("all", edge.none, story)) == 1
    assert done == ["blog"]


def test_the_fault_of_a_single_instance_is_told_once(three, capfd):
    assert code_of(lambda run: run.each("blog", edge.none, failing(ArchiveError("blog: damaged")))) == 7
    assert capfd.readouterr().err == "backup: blog: damaged\n"


def test_results_come_in_the_order_of_names(three):
    results = []
    code_of(lambda run: results.extend(run.each("wiki,blog", edge.none, lambda one: one.name)))
    assert results == ["blog", "wiki"]


@pytest.mark.parametrize(("locks_of", "site", "store"), [(edge.reading, False, None), (edge.changing, True, True),
                                                         (edge.storing, False, True), (edge.none, None, None)])
def test_a_story_is_told_under_its_locks(three, settings, locks_of, site, store):
    def is_free(name: str, exclusive: bool) -> bool:
        try:
            with locks.hold(settings, [Lock(name, exclusive)], "other"):
                return True
        except BusyError:
            return False

    def story(instance):
        for name, held in (("blog", site), ("blog.store", store)):
            assert is_free(name, exclusive=True) is (held is None)
            assert is_free(name, exclusive=False) is (not held)
        return "told"
    told = []
    assert code_of(lambda run: told.extend(run.each("blog", locks_of, story))) == 0
    assert told == ["told"]
    assert is_free("blog", exclusive=True)


# Several instances side by side

@pytest.fixture
def program(tmp_path, monkeypatch):
    """A stand-in for this program that does as the text says; `$name` is the instance it is called for."""
    def make(text: str) -> None:
        path = tmp_path / "program"
        path.write_text("#!/bin/bash\nfor word; do case $word in --instance=*) name=${word#*=};; esac; done\n"
                        f"{text}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "argv", ["invoke", "backup", "--instance=all", "--jobs=2", "--keep=7"])
        monkeypatch.setattr(scripts.run, "again", lambda words: os.execv(path, [str(path), *words]))
    return make


def side_by_side(run) -> None:
    run.each("all", edge.none, failing(AssertionError("told in this process")))


def test_each_instance_gets_a_process_with_the_same_words(three, program, capfd):
    program('echo "$@"')
    assert code_of(side_by_side, jobs="2") == 0
    assert sorted(capfd.readouterr().out.splitlines()) == [f"{name}: backup --keep=7 --instance={name}"
                                                           for name in ("blog", "forum", "wiki")]


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_keeps_its_code_across_processes(three, program, kind):
    program(f'[ $name != forum ] || {{ echo "backup: forum: broken" >&2; exit {kind.exit_code}; }}')
    assert code_of(side_by_side, jobs="2") == kind.exit_code


def test_a_fault_of_one_process_does_not_end_the_others(three, program, capfd, tmp_path):
    program('[ $name != blog ] || { echo "backup: blog: broken" >&2; exit 6; }\n'
            f'sleep 0.2; touch {tmp_path}/$name.done')
    code_of(side_by_side, jobs="3")
    assert sorted(path.name for path in tmp_path.glob("*.done")) == ["forum.done", "wiki.done"]
    assert capfd.readouterr().err.splitlines() == ["backup: blog: broken", "backup: 1 of 3 instances failed: blog"]


def test_what_went_well_is_shown_though_others_failed(three, capfd):
    def story(instance):
        if instance.name == "forum":
            raise DatabaseError("forum: no such database")
        return {"instance": instance.name}
    assert code_of(lambda run: output.show_json(run.each("all", edge.none, story)), json="1") == 6
    assert [row["instance"] for row in json.loads(capfd.readouterr().out)] == ["blog", "wiki"]


def test_a_table_of_all_instances_comes_last_when_some_failed(three, capfd):
    code_of(lambda run: run.each("all", edge.none, lambda one: Path("/nowhere", one.name).stat()
                                 if one.name == "forum" else None))
    table = capfd.readouterr().out.splitlines()
    assert [line.split()[:2] for line in table[2:]] == [["blog", "ok"], ["forum", "fault"], ["wiki", "ok"]]


def test_findings_of_the_task_do_not_hide_an_instance_that_failed(three, capfd):
    def told(run):
        run.each("blog,forum", edge.none, failing(DatabaseError("broken")))
        raise Findings("wiki: 1 finding")
    assert code_of(told) == DatabaseError.exit_code
    assert capfd.readouterr().err.splitlines()[2:] == ["backup: wiki: 1 finding",
                                                       "backup: 2 of 2 instances failed: blog, forum"]


# Runs that nobody looks at

@pytest.mark.parametrize(("common", "mail_to", "is_unattended"), [
    (Common(), (), False), (Common(unattended="1"), (), True), (Common(unattended="no"), ("a@x",), True),
    (Common(unattended="perhaps"), (), True), (Common(), ("a@x",), True), (Common(mail_to="b@x"), (), True)])
def test_a_run_is_unattended_when_it_is_said_or_nobody_is_there(settings, monkeypatch, common, mail_to, is_unattended):
    monkeypatch.setattr(os, "isatty", lambda number: False)
    known = replace(settings, mail_to=mail_to)
    assert edge._is_unattended("backup", common, known) is is_unattended
    assert edge._is_unattended("show-gate", Common(), known) is False
    monkeypatch.setattr(os, "isatty", lambda number: number == 2)
    assert edge._is_unattended("backup", Common(), known) is False
    for of, is_as_its_whole in ((f"1-{os.getppid()}:1", True), (f"1-{os.getppid()}:0", False)):
        monkeypatch.setenv("TRIM_PART_OF", of)
        assert edge._is_unattended("backup", common, known) is is_as_its_whole


@pytest.mark.parametrize("given", [{"cron": "a b"}, {"wait": "soon"}, {"mail_to": "ann at home"}])
def test_a_wrong_variable_of_unattended_runs_is_a_usage_error(given):
    assert code_of(lambda run: None, **given) == UsageError.exit_code


def test_a_run_is_on_record_with_its_instances_and_how_it_ended(three, settings):
    def story(instance):
        assert runs.last(settings, "wiki").outcome == runs.RUNNING
        if instance.name == "wiki":
            raise BusyError("wiki: another run holds it")
    code_of(lambda run: run.each("blog,wiki", edge.none, story), cron="nightly", unattended="1")
    run = runs.last(settings, "blog", "backup", "nightly")
    assert (run.outcome, run.exit_code, run.instances, run.unattended) == ("busy", 8, ("blog", "wiki"), True)
    assert [(part.instance, part.outcome) for part in run.parts] == [("blog", "ok"), ("wiki", "busy")]
    assert [(fault.instance, fault.kind) for fault in run.faults] == [("wiki", "busy")]


def test_dry_runs_and_looks_at_tables_are_not_on_record(settings):
    code_of(lambda run: None, dry="1")
    with edge.verb("instances", Common()):
        pass
    assert runs.of(settings) == []


def test_a_record_that_cannot_be_written_keeps_no_run_from_its_work(settings, capfd):
    runs.folder(settings).parent.mkdir()
    runs.folder(settings).write_text("in the way")
    assert code_of(lambda run: output.say("done")) == 0
    assert capfd.readouterr() == ("done\n", "")


CONSIDERATE = """
import os, sys, psutil
from pathlib import Path
from scripts import edge
from scripts.edge import Common
from scripts.hosts.local import LocalHost
edge.TOP = Path(sys.argv[1])
with edge.verb("backup", Common(unattended=sys.argv[2])):
    print(LocalHost("here").read("nice").decode().strip(), int(psutil.Process().ionice().ioclass))
"""


@pytest.mark.parametrize("unattended", ["1", "0"])
def test_an_unattended_run_leaves_processor_and_disks_to_others(settings, unattended):
    ours = os.getpriority(os.PRIO_PROCESS, 0)  # the tests may run nicely themselves
    wanted = min(ours + 3, 19)
    (settings.top / "conf").mkdir()
    (settings.top / "conf" / "settings.env").write_text(f"NICE={wanted}\nIONICE=idle\n")
    run = subprocess.run([sys.executable, "-c", CONSIDERATE, settings.top, unattended], cwd=TOP, capture_output=True)
    said = f"{wanted} 3\n" if unattended == "1" else f"{ours} {int(psutil.Process().ionice().ioclass)}\n"
    assert (run.stdout, run.stderr) == (said.encode(), b"")


# A stdout that takes nothing, in a process of its own

SPEAKING = """
import sys
from pathlib import Path
from scripts import edge
from scripts.edge import Common
from scripts.errors import ArchiveError
from scripts.present import output
edge.TOP = top = Path(sys.argv[1])
with edge.verb(sys.argv[2], Common(json=sys.argv[4])) as run:
    how = sys.argv[3]
    for number in range(2):
        {"say": output.say, "answer": output.answer, "secret": output.tell_secret, "document": output.hand_over,
         "table": lambda line: output.show([{"a": line * 9000}], {"a": "A"}, ""), "nothing": lambda line: None,
         "json": lambda line: output.show_json([line]), "bytes": lambda line: output.write(line.encode()),
         "fault": output.say}[how](f"für {number}")
    (top / "done").touch()
    if how == "fault":
        raise ArchiveError("blog: is damaged")
"""


@pytest.fixture
def speak(settings):
    """Run a verb that speaks into such a stdout; return its exit code, its stderr, and whether it did its work."""
    def run(stdout: str, how: str, verb: str = "backup", **options) -> tuple[int, str, bool]:
        words = [sys.executable, "-c", SPEAKING, settings.top, verb, how, "1" if how == "json" else "0"]
        if stdout == "full":
            descriptor = os.open("/dev/full", os.O_WRONLY)
        else:
            reader, descriptor = os.pipe()
            os.close(reader)
        if stdout == "closed":
            words = ["bash", "-c", 'exec "$@" >&-', "bash", *words]
        done = subprocess.run(words, cwd=TOP, stdout=descriptor, **{"stderr": subprocess.PIPE, **options})
        os.close(descriptor)
        return done.returncode, (done.stderr or b"").decode(), (settings.top / "done").exists()
    return run


EVERY_WAY = ("say", "answer", "secret", "document", "table", "json")


@pytest.mark.parametrize("how", EVERY_WAY)
@pytest.mark.parametrize(("stdout", "code", "why"), [("full", 11, "No space left on device"),
                                                     ("gone", 141, "Broken pipe"), ("closed", 11, "it is closed")])
def test_what_cannot_be_said_keeps_no_verb_from_its_work_and_is_told_at_the_end(speak, stdout, code, why, how):
    ended, said, is_done = speak(stdout, how)
    assert (ended, is_done) == (code, True)
    assert re.fullmatch(rf"backup: stdout did not take all that was said: {why}\. The work is done all the same; "
                        r"its lines are in \S+_backup_\d+\.log\n", said), said


@pytest.mark.parametrize(("stdout", "code"), [("full", 11), ("gone", 141), ("closed", 11)])
def test_bytes_that_are_the_product_end_a_run_that_cannot_hand_them_over(speak, stdout, code):
    ended, said, is_done = speak(stdout, "bytes", "extract")
    assert (ended, is_done, said.count("\n")) == (code, False, 1)
    assert said.endswith("It is not whole\n")


def test_who_has_seen_enough_of_a_table_is_told_nothing(speak):
    assert speak("gone", "table", "archives") == (141, "", True)


def test_a_fault_counts_more_than_a_stdout_that_did_not_take_everything(speak):
    assert speak("full", "fault") == (ArchiveError.exit_code, "backup: blog: is damaged\n", True)


@pytest.mark.parametrize("how", ["say", "nothing"])
def test_where_stderr_takes_nothing_either_the_exit_code_still_tells(speak, how):
    with open("/dev/full", "wb") as full:
        assert speak("full", how, stderr=full)[::2] == (11 if how == "say" else 0, True)


def test_a_terminal_of_another_encoding_gets_what_it_can_show(speak, settings, tmp_path):
    words = [sys.executable, "-c", SPEAKING, settings.top, "backup", "say", "0"]
    done = subprocess.run(words, cwd=TOP, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"f\\xfcr 0\nf\\xfcr 1\n", b"")


# Signals, in a process of their own

RUN = """
import sys
from pathlib import Path
from scripts import edge
from scripts.edge import Common
from scripts.hosts.local import LocalHost
edge.TOP = Path(sys.argv[1])
with edge.verb("backup", Common()) as run:
    def story(instance):
        try:
            LocalHost("here").read("sleep", "60")
        finally:
            print("cleaned up", flush=True)
    run.each("blog", edge.storing, story)
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_unwinds_the_run_and_is_named(register, settings, sent):
    register("blog")
    run = subprocess.Popen([sys.executable, "-c", RUN, settings.top], cwd=TOP, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
    deadline = time.monotonic() + 10
    while not (children := psutil.Process(run.pid).children()) or children[0].name() != "sleep":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(run.pid, sent)
    said = run.communicate(timeout=8)
    assert (run.returncode, *said) == (128 + sent, b"cleaned up\n", f"ended by {sent.name}\n".encode())
    with locks.hold(settings, [Lock("blog", True)], "backup"):
        pass


def test_a_command_s_fault_passes_on_what_the_command_said(capfd):
    code_of(lambda run: LocalHost("here").read("bash", "-c", "echo no space left >&2; exit 3"))
    said = capfd.readouterr().err
    assert said.startswith("backup: [here] bash ") and said.endswith("ended with exit code 3: no space left\n")


