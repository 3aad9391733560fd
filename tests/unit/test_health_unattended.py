"""What doctor tells of failures that nobody would hear of."""

import time
from dataclasses import replace

import pytest

from scripts.errors import CommandError
from scripts.health import unattended
from scripts.notify import outbox
from scripts.notify.outbox import Waiting
from scripts.registry import runs
from scripts.registry.runs import Run
from scripts.schedule.lines import Job
from scripts.steps import scheduling


@pytest.fixture
def jobs(monkeypatch):
    """Let the crontab have these jobs."""
    def known(*given: dict[str, str]) -> None:
        found = [Job("x", "@daily", "backup", one, "") for one in given]
        monkeypatch.setattr(scheduling, "jobs", lambda settings: found)
    known()
    return known


def told(settings) -> list[str]:
    return [f"{one.check}: {one.problem}" for checked in unattended.checks(settings) for one in checked.findings]


def test_jobs_of_which_nobody_would_hear_are_told_unless_they_say_whom_to_tell(settings, jobs):
    jobs({"INSTANCE": "all"}, {"MAIL_TO": "a@x"}, {"INSTANCE": "blog"})
    assert told(settings) == ["mail: 2 jobs run unattended and MAIL_TO is not set: nobody hears of a failure"]
    assert told(replace(settings, mail_to=("a@x",))) == []
    assert told(replace(settings, apprise_file="chats")) == []
    jobs({"MAIL_TO": "a@x"})
    assert told(settings) == []


def test_a_crontab_that_may_not_be_read_is_not_this_check_s_finding(settings, monkeypatch):
    def denied(settings):
        raise CommandError("crontab -l: you are not allowed")
    monkeypatch.setattr(scheduling, "jobs", denied)
    assert told(settings) == []


def test_messages_that_wait_are_told_with_the_reason(settings, jobs):
    outbox.put(settings, Waiting("TRIM x: backup blog: hung", "", "", (), ("mail",), 0.0, 1.0, "mail: x:25: refused"))
    [said] = told(settings)
    assert said.startswith("mail: 1 message could not be sent, the oldest since 19")
    assert said.endswith("TRIM x: backup blog: hung (mail: x:25: refused)")


def test_a_killed_run_is_told_until_it_has_run_again(settings, jobs):
    def ended(number: int, outcome: str, **values) -> None:
        known = {"verb": "backup", "instances": ("blog",), "line": "make backup INSTANCE=blog", "unattended": True}
        runs.end(settings, Run(str(number), started=time.time() + number, ended=1.0, outcome=outcome, **known | values))
    ended(1, runs.KILLED, unattended=False)
    assert told(settings) == []
    ended(2, runs.KILLED)
    [said] = told(settings)
    assert said.startswith("killed runs: make backup INSTANCE=blog, begun 2") and "has not run since" in said
    ended(3, runs.OK, instances=("wiki",))
    assert len(told(settings)) == 1
    ended(4, runs.OK, unattended=False)
    assert told(settings) == []
