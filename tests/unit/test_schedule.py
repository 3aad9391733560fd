"""When a line runs, which words it hands on, and what lines and timers say that a person may have changed."""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import UsageError
from scripts.schedule import lines, rules, times, units, wording
from scripts.schedule.lines import Job

TOP = Path(__file__).resolve().parents[2]
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("at", ["30 2 * * *", "*/5 0-6 1,15 jan-mar mon-fri", "0 0 * * 7", "1-59/2 * * * *",
                                "0 9 * DEC Sun", "@daily", "@reboot", "0 0 29 2 *"])
def test_what_cron_takes_is_taken(at):
    assert times.check(f" {at.replace(' ', '  ')} ") == at


@pytest.mark.parametrize(("at", "says"), [
    ("60 * * * *", "minute: expected"), ("* 24 * * *", "hour: expected"), ("* * 0 * *", "day of the month"),
    ("* * * 13 *", "month: expected"), ("* * * * 8", "day of the week"), ("5/15 * * * *", "minute: expected"),
    ("*/0 * * * *", "the step of"), ("*/60 * * * *", "the step of"), ("5-1 * * * *", "ends before it begins"),
    ("1,,2 * * * *", "found ''"), ("* * * *", "found 4"), ("0 30 2 * * *", "found 6"), ("@dayly", "mean @daily"),
    ("0 0 31 2 *", "never comes"), ("0 0 L * *", "found 'L'"), ("0 0 * * mon#1", "found 'mon#1'"), ("", "found 0"),
    ("\N{ARABIC-INDIC DIGIT THREE} * * * *", "minute")])
def test_what_cron_would_misread_is_refused_by_its_field(at, says):
    with pytest.raises(UsageError, match=re.escape(says)):
        times.check(at)


def test_the_night_the_clocks_change_has_its_run_once():
    spring, autumn = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)
    skipped = times.following("30 2 * * *", spring, BERLIN)     # there is no 02:30 that night
    assert skipped.astimezone(UTC) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    twice = times.following("30 2 * * *", autumn, BERLIN)
    assert times.following("30 2 * * *", twice, BERLIN).day == 26
    assert times.previous("30 2 * * *", datetime(2026, 10, 25, 12, tzinfo=UTC), BERLIN).astimezone(UTC).day == 25


def test_day_of_month_and_of_week_are_one_or_the_other():
    friday = times.following("0 0 13 * fri", datetime(2026, 11, 1, tzinfo=UTC), UTC)
    assert (friday.day, times.following("0 0 13 * fri", friday, UTC).day) == (6, 13)


def test_what_waits_for_a_boot_has_no_next_run():
    assert times.following("@reboot", datetime.now(UTC)) is None


# Words

WORDS = st.lists(st.text(st.sampled_from("ab%\\'\"$` *~#;=é"), max_size=12), min_size=1, max_size=4)


@given(WORDS)
def test_cron_and_the_shell_hand_on_the_very_words(words):
    command = " ".join(map(wording.quoted, words))
    assert shlex.split(wording.as_cron_runs_it(command)) == words


@given(WORDS)
def test_a_cron_that_takes_two_backslashes_for_one_hands_on_the_same(words):
    command = " ".join(map(wording.quoted, words))
    assert shlex.split(re.sub(r"\\([\\%])", r"\1", command)) == words


def test_a_line_is_a_plain_call_of_make():
    call = wording.call("/opt/trim", "backup", {"INSTANCE": "all", "KEEP": "7"}, "backup-all")
    assert wording.line("backup-all", "30 2 * * *", call, "/opt/trim/var/logs/cron.log") == (
        "30 2 * * * make -sC /opt/trim backup INSTANCE=all KEEP=7 UNATTENDED=1 CRON=backup-all "
        ">> /opt/trim/var/logs/cron.log 2>&1")


def test_what_no_line_can_hold_is_refused():
    with pytest.raises(UsageError, match="line breaks"):
        wording.quoted("a\nb")
    with pytest.raises(UsageError, match="longer than"):
        wording.line("x", "@daily", ["make", "x" * 1000], "/log")


# Lines

CRONTAB = """\
# m h dom mon dow command
MAILTO=root
30 2 * * * make -sC /opt/trim backup INSTANCE=all KEEP=7 UNATTENDED=1 CRON=backup-all >> /opt/trim/cron.log 2>&1
#30 3 * * * make -sC /opt/trim backup INSTANCE=off
@weekly  cd /opt/trim && nice make -s prove 'INSTANCE=blog,wiki'
0 4 * * * make -sC /other backup INSTANCE=all CRON=backup-all
5 4 * * * make -sC /opt/trim all; make -sC /opt/trim doctor # make update INSTANCE=x
15 5 * * * cd /opt/trim; .venv/bin/invoke show-destroy --id=due
20 5 * * * make -sC /opt/trim rehearse INSTANCE=a TEST='date +\\%F' CRON=r
30 5 * * * sh -c "make -sC /opt/trim stats INSTANCE=all"
"""


def test_lines_of_the_toolkit_are_found_however_a_person_wrote_them():
    found = lines.jobs(CRONTAB, "/opt/trim", rules.of(TOP))
    assert [(one.number, one.id, one.at, one.verb, one.instances) for one in found] == [
        (3, "backup-all", "30 2 * * *", "backup", "all"), (5, "", "@weekly", "prove", "blog,wiki"),
        (7, "", "5 4 * * *", "doctor", ""), (8, "", "15 5 * * *", "show-destroy", ""),
        (9, "r", "20 5 * * *", "rehearse", "a"), (10, "", "30 5 * * *", "stats", "all")]
    assert found[0].given == {"INSTANCE": "all", "KEEP": "7", "UNATTENDED": "1"}
    assert found[4].given["TEST"] == "date +%F"


def test_rules_are_read_from_the_makefile():
    known = rules.of(TOP)
    assert known["list"].verb == "instances"
    assert {"INSTANCE", "KEEP", "COMPRESS", "JOBS"} <= known["backup"].variables
    assert {"LAG", "FROM", "TO"} <= known["cloneandupdate"].variables   # through a list
    assert {"UNATTENDED", "CRON"} <= known["backup"].common
    assert known["backup"].wants("INSTANCE")
    assert known["clone"].wants("TO")
    assert not known["doctor"].wants("INSTANCE")
    assert "test" not in known


# Timers

def job(at: str = "30 2 * * *", **given: str) -> Job:
    return Job("backup-all", at, "backup", given or {"INSTANCE": "all"}, "")


@pytest.mark.parametrize(("at", "moments"), [
    ("30 2 * * *", ["*-*-* 02:30:00"]), ("*/20 * * * *", ["*-*-* *:00,20,40:00"]), ("@hourly", ["*-*-* *:00:00"]),
    ("0 3 * * 1-5", ["Mon,Tue,Wed,Thu,Fri *-*-* 03:00:00"]), ("0 3 * * 7", ["Sun *-*-* 03:00:00"]),
    ("0 3 1 jan *", ["*-01-01 03:00:00"]), ("@reboot", []),
    ("0 3 13 * fri", ["*-*-13 03:00:00", "Fri *-*-* 03:00:00"])])
def test_a_moment_of_cron_is_written_as_systemd_wants_it(at, moments):
    assert units.calendar(at) == moments


def test_a_timer_says_what_it_was_made_of_and_what_a_person_made_of_it():
    words = {"INSTANCE": "all", "TEST": 'say "50 %" $HOME \\ \'x\''}
    call = wording.call("/opt/my trim", "backup", words, "backup-all")
    made = (units.timer(job(**words)), units.service(job(**words), "/usr/bin/make", call, "/opt/my trim/log", False))
    found = units.read("trim-backup-all", *made, "/opt/my trim")
    assert (found.id, found.at, found.verb, found.given) == ("backup-all", "30 2 * * *", "backup",
                                                             {**words, "UNATTENDED": "1"})
    edited = made[0].replace("OnCalendar=*-*-* 02:30:00", "OnCalendar=weekly", 1)
    assert units.read("trim-backup-all", edited, made[1], "/opt/my trim").at == "OnCalendar=weekly"
    assert units.read("trim-backup-all", *made, "/opt/other") is None


def test_a_service_that_needs_sudo_is_not_kept_from_it():
    call = wording.call("/opt/trim", "backup", {}, "x")
    assert "NoNewPrivileges=yes" in units.service(job(), "make", call, "/log", False)
    for line in units.service(job(), "make", call, "/log", True).splitlines():
        assert not re.match("NoNew|Restrict|Lock|SystemCall", line)


def test_the_example_is_what_make_cron_writes():
    known = rules.of(TOP)
    text = (TOP / "conf/crontab.example").read_text(encoding="utf-8")
    found = lines.jobs(text, "/opt/trim", known)
    assert len(found) == len(re.findall(r"^[^#\n]", text, re.MULTILINE)) > 5
    for one in found:
        given = {name: value for name, value in one.given.items() if name != "UNATTENDED"}
        assert given.keys() <= known[one.verb].variables
        assert times.check(one.at) == one.at
        call = wording.call("/opt/trim", one.verb, given, one.id)
        assert one.text == wording.line(one.id, one.at, call, "/opt/trim/var/logs/cron.log")
    assert len({one.id for one in found}) == len(found)
