"""How a run is put on record and told, when that itself meets what a night can bring."""

import io
import itertools
import os
from dataclasses import replace

import pytest

from scripts import edge
from scripts.edge import Common
from scripts.errors import ArchiveError
from scripts.notify import causes, deliver, outbox, telling, told
from scripts.present import output
from scripts.registry import runs
from scripts.registry.runs import Run
from scripts.steps import on_record

NIGHT = Common(unattended="1", mail_to="ann@example.org")


@pytest.fixture(autouse=True)
def _toolkit(settings, monkeypatch) -> None:
    """The edge works in a toolkit of the test's own, and gives its runs the ids 1, 2 ..."""
    ids = map(str, itertools.count(1))
    monkeypatch.setattr(edge, "TOP", settings.top)
    monkeypatch.setattr(runs, "new_id", lambda: next(ids))


@pytest.fixture
def mails(monkeypatch) -> list[str]:
    """Take mails, and return the list of their subjects."""
    taken = []
    monkeypatch.setattr(deliver, "through", lambda settings, channel, letter: taken.append(letter.subject) or ())
    return taken


def ended(fault: BaseException | None = None, common: Common = NIGHT) -> type[BaseException] | None:
    """Run a story that ends so; return what the run left with."""
    try:
        with edge.verb("backup", common):
            if fault:
                raise fault
    except BaseException as error:  # noqa: BLE001
        return type(error)
    return None


def goes(monkeypatch) -> None:
    """Let the processes of all runs but the second count as gone."""
    monkeypatch.setattr(runs, "is_alive", lambda path: path.stem == "2")


def test_a_full_disk_under_stderr_keeps_no_failure_from_being_told(settings, mails, monkeypatch):
    with monkeypatch.context() as patched:
        full = open("/dev/full", "wb", buffering=0)
        patched.setattr("sys.stderr", io.TextIOWrapper(full, write_through=True))
        assert ended(ArchiveError("blog: is damaged")) is SystemExit
    assert runs.last(settings).outcome == runs.FAULT
    assert len(mails) == 1 and mails[0].endswith("archive damaged or missing")


def test_a_run_in_which_a_pipe_broke_was_no_good_one(settings, mails):
    assert ended(BrokenPipeError(32, "Broken pipe")) is SystemExit
    assert runs.last(settings).outcome == runs.FAULT
    assert len(mails) == 1


def test_a_run_that_could_not_say_what_was_asked_is_told_as_one_that_did_its_work(settings, mails, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout", open("/dev/full", "w", encoding="utf-8"))
        with pytest.raises(SystemExit) as end, edge.verb("stats", NIGHT):
            output.hand_over("a document")
    assert end.value.code == 11
    assert (runs.last(settings).outcome, runs.last(settings).exit_code) == (runs.FINDINGS, 11)
    assert len(mails) == 1 and mails[0].endswith("output not written")


def test_a_failure_is_told_though_its_cause_cannot_be_looked_for(settings, mails, monkeypatch):
    monkeypatch.setattr(causes, "of", lambda *given: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    ended(ArchiveError("blog: is damaged"))
    assert [subject.rpartition(": ")[2] for subject in mails] == ["failed"]
    assert runs.last(settings).outcome == runs.FAULT


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_a_run_that_is_ended_while_it_mails_is_told_by_the_next_as_what_it_was(settings, mails, monkeypatch, end):
    with monkeypatch.context() as patched:
        patched.setattr(telling, "tell", lambda *given: (_ for _ in ()).throw(end(143)))
        ended(ArchiveError("blog: is damaged"))
    goes(monkeypatch)
    ended()
    assert [subject.rpartition(": ")[2] for subject in mails] == ["archive damaged or missing", "works again"]
    assert [run.outcome for run in runs.of(settings)] == [runs.OK, runs.FAULT]


def test_a_failure_that_can_neither_be_sent_nor_kept_is_told_by_the_next_run(settings, mails, monkeypatch, capfd):
    settings.state.mkdir(exist_ok=True)
    outbox.folder(settings).touch()     # no folder can be made there
    with monkeypatch.context() as patched:
        patched.setattr(deliver, "through", lambda *given: (_ for _ in ()).throw(OSError(111, "refused")))
        ended(ArchiveError("blog: is damaged"))
    assert "nobody was told of this: HostError: mail:" in capfd.readouterr().err
    assert told.failing(settings) == [] and mails == []
    goes(monkeypatch)
    ended()
    assert [subject.rpartition(": ")[2] for subject in mails] == ["archive damaged or missing", "works again"]


def test_only_what_the_whole_itself_starts_is_a_part_of_it(monkeypatch):
    monkeypatch.setenv(on_record.PART_OF, f"20260101-000000-{os.getppid()}:1")
    assert on_record.whole() == (f"20260101-000000-{os.getppid()}", True)
    monkeypatch.setenv(on_record.PART_OF, f"20260101-000000-{os.getpid()}:1")   # as a hook's own call of make
    assert on_record.whole() == ("", False)


def test_a_killed_run_that_cannot_be_told_keeps_no_other_one_back(settings, monkeypatch):
    for name in ("a", "b"):
        runs.begin(settings, Run(name, "backup", unattended=True))
    goes(monkeypatch)
    heard = []

    def tell(run: Run) -> None:
        heard.append(run.id)
        if run.id == "a":
            raise ValueError
    with pytest.raises(ValueError):
        runs.close_killed(settings, tell)
    assert heard == ["a", "b"]
    assert sorted(run.outcome for run in runs.of(settings)) == [runs.KILLED, runs.RUNNING]


def test_a_killed_run_is_told_once_though_the_disk_is_full(settings, monkeypatch):
    runs.begin(settings, Run("a", "backup", unattended=True))
    goes(monkeypatch)
    whole, heard = os.write, []
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, text: whole(descriptor, text[:9]))
        with pytest.raises(OSError, match="No space left"):
            runs.end(settings, replace(runs.last(settings), outcome=runs.KILLED))
    runs.close_killed(settings, heard.append)
    assert heard == []


def test_what_one_run_sends_holds_up_no_other(settings):
    with runs.alone(settings, "killed"):
        runs.begin(settings, Run("a", "backup"))
        runs.close_killed(settings, pytest.fail)


def test_one_that_takes_long_hides_no_newer_run(settings):
    runs.begin(settings, Run("long", "backup", started=1.0))
    runs.end(settings, Run("short", "backup", started=100.0, ended=101.0, outcome=runs.OK))
    assert [run.id for run in runs.of(settings, since=50.0)] == ["short"]
