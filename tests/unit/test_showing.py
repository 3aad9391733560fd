"""Which shows there are, whose, and in what state."""

import json
import os
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from scripts.errors import BusyError, Fault, RefusedError, UsageError
from scripts.health import shows
from scripts.registry import locks
from scripts.steps import showing
from scripts.steps.showing import Show
from scripts.verbs import show_gate

NOW = datetime.now(UTC)
DEAD = 2**22 + 1  # the kernel gives no such number


@pytest.fixture
def settings(settings, tmp_path):
    object.__setattr__(settings, "show_root", str(tmp_path / "shows"))
    object.__setattr__(settings, "show_url", "https://*.show.example.org")
    return settings


def test_a_run_that_died_has_left_a_failure_and_no_lock():
    assert Show("a", "BUILD", pid=DEAD, begun=NOW.isoformat()).told_state == "FAIL"
    assert Show("a", "MAINT", pid=0).told_state == "FAIL"
    assert Show("a", "BUILD", pid=os.getpid(), begun=NOW.isoformat()).told_state == "BUILD"
    assert Show("a", "SNAPS", pid=DEAD, begun=NOW.isoformat()).told_state == "ACTIV"


def test_a_number_that_another_process_was_given_meanwhile_is_no_run_of_ours():
    before_we_started = datetime.fromtimestamp(psutil.Process().create_time(), UTC) - timedelta(hours=1)
    assert Show("a", "BUILD", pid=os.getpid(), begun=before_we_started.isoformat()).told_state == "FAIL"


@pytest.mark.parametrize(("expires", "is_due"), [(timedelta(hours=-1), True), (timedelta(hours=1), False)])
def test_a_show_is_due_once_it_has_expired(expires, is_due):
    assert Show("a", "ACTIV", expires=(NOW + expires).isoformat()).is_due(NOW) == is_due


def test_what_was_never_whole_is_due_but_not_while_it_is_made():
    assert Show("a", "BUILD", pid=DEAD, begun=NOW.isoformat()).is_due(NOW)
    assert not Show("a", "BUILD", pid=os.getpid(), begun=NOW.isoformat()).is_due(NOW)


def test_users_whose_names_differ_in_signs_alone_have_different_shows(settings):
    first = showing.new_id(settings, "12", "Ann.Lee", "aaaaaa")
    showing.write(settings, Show(first, "ACTIV", issue="12", user="Ann.Lee"))
    other = showing.new_id(settings, "12", "ann-lee", "bbbbbb")
    assert [one.id for one in showing.all_of(settings)] == ["ann-lee-12"]
    assert other == "ann-lee-12-bbbbbb"
    assert showing.find(settings, "12", "ann-lee") is None


def test_issues_are_not_compared_as_parts_of_text(settings):
    showing.write(settings, Show("ann-1", "ACTIV", issue="1", user="ann"))
    assert showing.find(settings, "11", "ann") is None
    assert showing.find(settings, "", "ann") is None
    assert showing.find(settings, "1", "ann").id == "ann-1"


@pytest.mark.parametrize(("issue", "user", "start"), [
    ("", "", "show-r"), ("7", "", "7-r"), ("", "Ann", "ann-r"), ("7812", "Ann Lee", "ann-lee-7812"),
    ("A" * 20, "b" * 40, "b" * 24)])
def test_an_id_is_a_label_of_a_hosts_name(settings, issue, user, start):
    made = showing.new_id(settings, issue, user, "r1a2b3")
    assert made.startswith(start)
    assert showing.ID.fullmatch(made)


@pytest.mark.parametrize(("issue", "user"), [("../1", ""), ("1;2", ""), ("x" * 21, ""), ("", "a:b"), ("", "a,b"),
                                             ("", "../b"), ("", "$(id)"), ("", "b" * 41), ("", " b")])
def test_owners_of_another_form_are_refused(issue, user):
    with pytest.raises(UsageError):
        showing.check_owner(issue, user)


@pytest.mark.parametrize("text", ["7", "0d", "d", "7m", "-1d", "12345d", "٧d"])
def test_a_lifetime_of_another_form_is_refused(text):
    with pytest.raises(UsageError, match="expected hours, days or weeks"):
        showing.lifetime(text)


def test_a_lifetime_is_hours_days_or_weeks():
    assert [showing.lifetime(text) for text in ("12h", "7d", "2w")] == [timedelta(hours=12), timedelta(days=7),
                                                                        timedelta(days=14)]


def test_a_damaged_file_is_a_show_that_can_be_destroyed(settings):
    showing.write(settings, Show("ann-1", "ACTIV"))
    (settings.state / "shows/ann-1.json").write_text("{half")
    found = showing.read(settings, "ann-1")
    assert found.told_state == "FAIL"
    assert found.is_due(NOW)


def test_a_shows_file_is_for_us_alone(settings):
    showing.write(settings, Show("ann-1", "ACTIV", viewer="ann:hash"))
    assert (settings.state / "shows/ann-1.json").stat().st_mode & 0o777 == 0o600
    assert "hash" not in str(showing.told(settings, showing.read(settings, "ann-1")))


def test_names_that_lead_out_of_the_folder_are_no_shows(settings):
    showing.write(settings, Show("ann-1", "ACTIV"))
    for name in ("../ann-1", "ann-1.json", "", ".", "ANN-1", "ann-1\n"):
        with pytest.raises(UsageError, match="there is no show"):
            showing.read(settings, name)


def test_work_ends_active_and_a_fault_leaves_a_failure_that_only_a_mend_takes(settings):
    showing.write(settings, Show("ann-1", "ACTIV"))
    with showing.working(settings, "ann-1", "MAINT", "update"):
        assert showing.read(settings, "ann-1").told_state == "MAINT"
    assert showing.read(settings, "ann-1").told_state == "ACTIV"
    with pytest.raises(ValueError), showing.working(settings, "ann-1", "MAINT", "update"):
        raise ValueError
    assert showing.read(settings, "ann-1").told_state == "FAIL"
    with pytest.raises(RefusedError, match="update did not come to its end"), \
            showing.working(settings, "ann-1", "SNAPS", "snapshot"):
        pass
    with showing.working(settings, "ann-1", "MAINT", "reset", mends=True):
        pass
    assert showing.read(settings, "ann-1").told_state == "ACTIV"


def test_two_runs_do_not_work_on_one_show(settings):
    showing.write(settings, Show("ann-1", "ACTIV"))
    with locks.hold(settings, [showing.lock("ann-1")], "show-reset"), \
            pytest.raises(BusyError, match="make show-reset"), showing.working(settings, "ann-1", "MAINT", "update"):
        pass
    assert showing.read(settings, "ann-1").told_state == "ACTIV"


def test_as_many_last_snapshots_are_kept_as_shows_can_go_at_once(settings):
    assert settings.show_keep >= settings.show_max


def answered(settings, capsys, monkeypatch, request_, role="front") -> dict:
    monkeypatch.setenv("SSH_ORIGINAL_COMMAND", request_)
    with pytest.raises((Fault, OSError)):
        show_gate.show_gate(settings, role, "")
    return json.loads(capsys.readouterr().out)


def test_the_gate_answers_a_wrong_forced_command(settings, capsys, monkeypatch):
    answer = answered(settings, capsys, monkeypatch, "info", role="root")
    assert (answer["state"], answer["code"]) == ("NONE", 2)
    assert answer["error"].startswith("ROLE=root")


def test_the_gate_answers_what_the_system_refused(settings, capsys, monkeypatch):
    def refused(*given):
        raise OSError(28, "No space left on device", "/srv/show")
    monkeypatch.setattr(show_gate, "_info", refused)
    answer = answered(settings, capsys, monkeypatch, "info what=shows")
    assert (answer["code"], "/srv/show: No space left on device" in answer["error"]) == (4, True)


def test_doctor_tells_of_what_broke_off_and_of_what_nobody_takes_away(settings):
    assert list(shows.checks(settings)) == []
    for show in (Show("well", "ACTIV", expires=(NOW + timedelta(days=1)).isoformat()),
                 Show("just-due", "ACTIV", expires=(NOW - timedelta(hours=1)).isoformat()),
                 Show("old", "ACTIV", expires=(NOW - timedelta(days=2)).isoformat()),
                 Show("half", "BUILD", reason="", expires=NOW.isoformat()),
                 Show("reset", "MAINT", reason="reset", expires=(NOW + timedelta(days=1)).isoformat())):
        showing.write(settings, show)
    found = [(one.problem, one.next) for checked in shows.checks(settings) for one in checked.findings]
    assert [problem.split(":")[0] for problem, _ in found] == [
        "1 expired more than a day ago and still there, as old", "show half", "show reset"]
    assert [mend.split()[-2:] for _, mend in found] == [["show-destroy", "ID=due"], ["show-destroy", "ID=half"],
                                                        ["show-reset", "ID=reset"]]
