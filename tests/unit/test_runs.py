"""The record of runs, also of those that never came to their end, and the logs that do not grow for ever."""

import gzip
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.registry import rotation, runs
from scripts.registry.runs import Part, Run, RunFault

TOP = Path(__file__).resolve().parents[2]
OTHER_RUN = """
import sys
from pathlib import Path
from scripts.registry import runs
from scripts.registry.settings import Settings
runs.begin(Settings(top=Path(sys.argv[1])), runs.Run(sys.argv[2], "backup", ("blog",), started=1.0, unattended=True))
print("begun", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(settings):
    """Begin a run in a process of its own; return the process."""
    begun = []

    def begin(run_id: str = "other") -> subprocess.Popen:
        run = subprocess.Popen([sys.executable, "-c", OTHER_RUN, settings.top, run_id], cwd=TOP, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
        assert run.stdout.readline() == b"begun\n"
        begun.append(run)
        return run
    yield begin
    for run in begun:
        run.kill()
        run.communicate()


def ended(settings, number: int, **values) -> Run:
    run = Run(**{"id": str(number), "verb": "backup", "instances": ("blog",), "started": float(number),
                 "ended": number + 0.5, "exit_code": 0, "outcome": runs.OK} | values)
    runs.end(settings, run)
    return run


def told(settings) -> list[str]:
    found = []
    runs.close_killed(settings, lambda run: found.append(f"{run.id} {run.outcome}"))
    return found


def test_a_run_comes_back_from_its_record_as_it_was(settings):
    run = ended(settings, 1, cron_id="nightly", faults=(RunFault("blog", "hung", "ü\n", "two\nlines", "/log"),),
                parts=(Part("blog", "fault", 1.5),), mail_to=("a@x",), line="make backup")
    assert runs.of(settings) == [run]
    assert run.seconds == 0.5


def test_the_last_run_of_each_line_is_found_whatever_runs_said_of_it(settings):
    ended(settings, 1, cron_id="a")
    ended(settings, 2, cron_id="a", faults=(RunFault("", "x", '"cron_id": "b"'),))
    ended(settings, 3, cron_id="a", parent="2")
    ended(settings, 4)
    assert {name: run.id for name, run in runs.last_of_lines(settings, {"a", "b", ""}).items()} == {"a": "2"}


def test_a_run_of_a_clock_that_was_ahead_hides_none_that_came_after_it(settings):
    now = time.time()
    month, month_ahead = (time.strftime("%Y-%m", time.localtime(moment)) for moment in (now, now + 90 * runs.DAY))
    runs.end(settings, Run("ahead", "backup", cron_id="night", started=now + 90 * runs.DAY))
    (runs.folder(settings) / f"{month}.jsonl").rename(runs.folder(settings) / f"{month_ahead}.jsonl")
    for run_id, started in (("older", now - 9 * runs.DAY), ("soon", now + 7 * runs.DAY), ("newest", now - 30)):
        runs.end(settings, Run(run_id, "backup", cron_id="night", started=started))
    assert [run.id for run in runs.of(settings)] == ["newest", "older", "ahead", "soon"]
    assert runs.last_of_lines(settings, {"night"})["night"].id == "newest"


def test_the_record_is_read_once_for_all_lines(settings, monkeypatch):
    ended(settings, 1, cron_id="a")
    opened = []
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, **how: opened.append(path.suffix) or read(path, **how))
    runs.last_of_lines(settings, {"a", "b", "c"})
    assert opened == [".jsonl"]     # a year of them is long, and monitors wait seconds


def test_runs_come_newest_first_and_by_what_is_asked(settings):
    for number, values in enumerate(({}, {"verb": "prove"}, {"instances": ("blog", "wiki")}, {"cron_id": "nightly"})):
        ended(settings, number, **values)

    def ids(**wanted) -> str:
        return "".join(run.id for run in runs.of(settings, **wanted))
    assert (ids(), ids(instance="wiki"), ids(verb="backup"), ids(verb="backup", cron_id="nightly"), ids(limit=2)) == (
        "3210", "2", "320", "3", "32")
    assert ids(since=2) == "32"
    assert runs.last(settings, "blog", "prove").id == "1"
    assert runs.last(settings, "nix") is None


def test_an_instance_of_several_has_an_outcome_of_its_own(settings):
    run = Run("1", "backup", ("a", "b"), outcome=runs.FAULT, parts=(Part("a", runs.OK, 1), Part("b", runs.FAULT, 1)))
    assert [run.outcome_of(name) for name in ("a", "b", "c")] == [runs.OK, runs.FAULT, runs.FAULT]


def test_parts_of_a_run_are_found_by_it_alone(settings):
    ended(settings, 1, parent="whole")
    assert runs.of(settings) == []
    assert [run.id for run in runs.of(settings, parent="whole")] == ["1"]


def test_a_line_that_was_cut_off_costs_only_itself(settings):
    ended(settings, 1)
    [path] = runs.folder(settings).glob("*.jsonl")
    with path.open("a") as file:
        file.write('{"id": "2", "verb')
    ended(settings, 3)
    assert [run.id for run in runs.of(settings)] == ["3", "1"]


def test_a_run_that_goes_on_is_on_record_and_not_killed(settings, other):
    other()
    assert [run.outcome for run in runs.of(settings, "blog")] == [runs.RUNNING]
    assert told(settings) == []


def test_a_killed_run_is_told_once(settings, other):
    run = other()
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert told(settings) == ["other killed"]
    assert told(settings) == []
    [killed] = runs.of(settings)
    assert (killed.outcome, killed.seconds) == (runs.KILLED, None)


def test_a_killed_run_is_told_again_when_the_telling_was_killed(settings, other):
    run = other()
    run.kill()
    run.wait()

    def killed(run):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        runs.close_killed(settings, killed)
    assert told(settings) == ["other killed"]


def test_a_later_process_of_the_same_number_is_another_one(settings):
    runs.begin(settings, Run("mine", "backup", started=1.0))
    path = runs.folder(settings) / "now" / "mine.json"
    assert told(settings) == []
    path.write_text(path.read_text().replace('"start": "', '"start": "1'))
    assert told(settings) == ["mine killed"]


def test_a_machine_that_went_down_is_told_from_a_killed_process(settings):
    runs.begin(settings, run := Run("mine", "backup", started=1.0))
    path = runs.folder(settings) / "now" / "mine.json"
    assert not runs.machine_went_down(settings, run)
    path.write_text(path.read_text().replace('"boot": "', '"boot": "0'))
    assert runs.machine_went_down(settings, run)


def test_the_records_are_ours_alone(settings):
    runs.begin(settings, Run("mine", "backup", started=1.0))
    ended(settings, 1)
    paths = [runs.folder(settings), *runs.folder(settings).rglob("*")]
    assert {(path.is_dir(), path.stat().st_mode & 0o777) for path in paths} == {(True, 0o700), (False, 0o600)}


# Logs

def test_logs_go_after_log_days_and_records_after_a_year(settings):
    folder = settings.state / "logs"
    folder.mkdir(parents=True)
    runs.folder(settings).mkdir()
    ages = {"2026-01-01_00-00-00_backup_1.log": 91, "2026-01-02_00-00-00_backup_1.log": 89, "notes": 999}
    for name, days in ages.items():
        (folder / name).touch()
        os.utime(folder / name, (0, time.time() - days * 86_400))
    (runs.folder(settings) / "2020-01.jsonl").touch()
    ended(settings, 1)
    rotation.rotate(settings)
    assert sorted(path.name for path in folder.iterdir()) == ["2026-01-02_00-00-00_backup_1.log", "notes"]
    assert len(list(runs.folder(settings).glob("*.jsonl"))) == 1


def test_logs_are_looked_at_once_a_day(settings):
    ended(settings, 1)
    (settings.state / "logs").mkdir()
    rotation.rotate(replace(settings, log_days=0))
    old = settings.state / "logs" / "2020-01-01_00-00-00_backup_1.log"
    old.touch()
    os.utime(old, (0, 0))
    rotation.rotate(settings)
    assert old.exists()


def test_logs_are_looked_at_again_when_the_clock_was_ahead_the_last_time(settings):
    logs = settings.state / "logs"
    logs.mkdir(parents=True)
    runs.folder(settings).mkdir(parents=True)
    mark, old = runs.folder(settings) / rotation.ROTATED, logs / "2020-01-01_00-00-00_backup_1.log"
    for path, moment in ((mark, time.time() + 900 * runs.DAY), (old, time.time() - 900 * runs.DAY)):
        path.touch()
        os.utime(path, (moment, moment))
    rotation.rotate(settings)
    assert not old.exists()


def test_cron_s_log_is_turned_over_when_it_is_long_and_the_oldest_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(rotation, "MOST_BYTES", 3)
    log = tmp_path / "cron.log"
    for number in range(8):
        log.write_text(f"{number} is long\n")
        rotation.turn_over(log)
        assert not log.exists()
    log.write_text("8\n")
    rotation.turn_over(log)
    assert log.exists()
    assert (tmp_path / "cron.log.1").read_text() == "7 is long\n"
    kept = [gzip.decompress((tmp_path / f"cron.log.{number}.gz").read_bytes()) for number in range(2, 6)]
    assert kept == [b"6 is long\n", b"5 is long\n", b"4 is long\n", b"3 is long\n"]
    assert len(list(tmp_path.iterdir())) == 6
