"""A program is started once and asked many times; nothing hangs on one that ends, lies or is busy."""

import threading
import time

import pytest

from scripts.errors import CommandError
from scripts.hosts import dialogue, jobs, process
from scripts.hosts.command import Command
from scripts.hosts.dialogue import Dialogue

ECHO = 'while read -r line; do case $line in end) exit 0 ;; fail) echo gone >&2; exit 3 ;; esac; echo "$$ $line."; done'


def shell(script: str = ECHO) -> Dialogue:
    return Dialogue(Command(("sh", "-c", script), "[here] sh"))


def is_line(text: bytes) -> bool:
    return text.endswith(b".\n")


@pytest.fixture
def talk():
    found = shell()
    yield found
    found.close()


def process_of(answer: bytes) -> bytes:
    return answer.split()[0]


def test_two_questions_are_answered_by_one_program(talk):
    first, second = (talk.ask(text, is_line) for text in (b"one\n", b"two\n"))
    assert process_of(first) == process_of(second)
    assert (first.split()[1], second.split()[1]) == (b"one.", b"two.")


def test_a_program_that_failed_is_blamed_and_the_next_question_starts_another(talk):
    first = talk.ask(b"one\n", is_line)
    with pytest.raises(CommandError, match="ended with exit code 3: gone"):
        talk.ask(b"fail\n", is_line)
    assert process_of(talk.ask(b"two\n", is_line)) != process_of(first)


def test_what_a_program_said_before_it_ended_well_is_handed_on_as_it_is(talk):
    assert talk.ask(b"end\n", is_line) == b""
    assert talk.ask(b"one\n", is_line).endswith(b"one.\n")


def test_a_program_that_ended_between_two_questions_is_started_again(talk):
    first = talk.ask(b"one\n", is_line)
    process.run(Command(("kill", "-9", process_of(first).decode()), "kill"))
    time.sleep(0.05)
    assert talk.ask(b"two\n", is_line).endswith(b"two.\n")


def test_one_that_stood_still_for_long_is_started_again(talk, monkeypatch):
    first = talk.ask(b"one\n", is_line)
    monkeypatch.setattr(dialogue, "LONGEST_PAUSE", -1)
    assert process_of(talk.ask(b"two\n", is_line)) != process_of(first)


def test_a_busy_one_and_a_long_question_are_left_to_a_program_of_their_own(talk):
    assert talk.ask(b"x" * (dialogue.LONGEST_QUESTION + 1), is_line) is None
    slow = shell("read -r line; sleep 0.4; echo done.")
    waiting = threading.Thread(target=lambda: slow.ask(b"one\n", is_line))
    waiting.start()
    time.sleep(0.1)
    assert slow.ask(b"two\n", is_line) is None
    waiting.join()
    slow.close()


def test_one_that_never_answers_is_ended_as_hung(monkeypatch):
    monkeypatch.setattr(process.conduct, "stall_seconds", 0.3)
    silent = shell("read -r line; exec sleep 30")
    with pytest.raises(CommandError, match="was ended"):
        silent.ask(b"one\n", is_line)


def test_one_that_rests_between_questions_is_not_hung(talk, monkeypatch):
    monkeypatch.setattr(process.conduct, "stall_seconds", 0.3)
    first = talk.ask(b"one\n", is_line)
    time.sleep(0.8)
    assert process_of(talk.ask(b"two\n", is_line)) == process_of(first)


def test_a_failure_beside_it_ends_a_question(talk):
    slow = shell("read -r line; echo early; exec sleep 30")

    def fail() -> None:
        time.sleep(0.2)
        raise CommandError("the other job")

    with pytest.raises(CommandError, match="the other job"):
        process.side_by_side(lambda: slow.ask(b"one\n", is_line), fail)


def test_one_that_a_job_started_answers_after_the_job_has_ended(talk):
    first = process.side_by_side(lambda: talk.ask(b"one\n", is_line))[0]
    time.sleep(0.1)
    assert process_of(talk.ask(b"two\n", is_line)) == process_of(first)


def test_close_ends_the_program_even_when_it_does_not_want_to(monkeypatch):
    monkeypatch.setattr(jobs, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(dialogue, "LEAVING_SECONDS", 0.2)
    stubborn = shell('trap "" TERM; while :; do read -r line && echo "$$ $line."; done')
    number = int(process_of(stubborn.ask(b"one\n", is_line)))
    stubborn.close()
    with pytest.raises(CommandError):
        process.read(Command(("kill", "-0", str(number)), "kill"))
