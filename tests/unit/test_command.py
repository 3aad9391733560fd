"""A command as data."""

import shlex

import pytest

from scripts.hosts.command import Command, shown


@pytest.mark.parametrize("argv", [("rm", None), ("rm", b"x"), ("kill", 9), ()])
def test_a_command_takes_words_only(argv):
    with pytest.raises(TypeError):
        Command(argv, "rm")


def test_shown_can_be_pasted_into_a_shell():
    words = ("ls", "--", "two words", "it's", "$HOME", "", "a*")
    assert shlex.split(shown("web1", words).removeprefix("[web1] ")) == list(words)


def test_shown_stays_on_one_line():
    assert "\n" not in shown("web1", ("php", "-r", "echo 1;\necho 2;"))


def test_program_is_the_name_behind_the_place():
    assert Command(("ssh", "web1", "--", "mysqldump wiki"), "[web1] mysqldump wiki").program == "mysqldump"


def test_what_a_command_is_given_on_stdin_is_not_shown():
    assert "secret" not in repr(Command(("tee",), "[here] tee", b"password=secret"))
