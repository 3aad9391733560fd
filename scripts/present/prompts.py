"""Questions at a terminal. Without one nothing is ever asked: the caller names what is missing instead."""

import getpass
import sys
from collections.abc import Callable

from scripts.errors import Fault, RefusedError, UsageError
from scripts.present.output import manner

Check = Callable[[str], None]
"""Raises a Fault that says what is wrong with an answer."""

_confirmed: set[tuple[str, str]] = set()


def can_ask() -> bool:
    """Whether somebody sits at a terminal and may be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not manner.is_quiet


def ask(question: str, default: str = "", check: Check = lambda answer: None, secret: bool = False) -> str:
    """Return an answer that passes the check; a wrong one is explained and asked for again.

    Raises UsageError at the end of input.
    """
    shown = f"{question}{f' [{default}]' if default else ''}: "
    while True:
        try:
            answer = (getpass.getpass(shown) if secret else _line(shown)).strip() or default
        except EOFError as error:
            raise UsageError(f"{question}: no answer was given") from error
        try:
            check(answer)
            return answer
        except Fault as fault:
            print(f"  {fault}", file=sys.stderr)


def confirmed(name: str, question: str) -> bool:
    """Ask for the name of what is about to be lost until it is typed; False when nobody can be asked.

    The same question is put once a run.
    """
    def is_name(answer: str) -> None:
        if answer != name:
            raise RefusedError(f"that is not {name}; end with Ctrl-C if you have second thoughts")

    if not can_ask():
        return False
    if (name, question) not in _confirmed:
        ask(question, check=is_name)
        _confirmed.add((name, question))
    return True


def choose(question: str, choices: list[str], default: int = 1) -> int:
    """Return the place (from 0) of the choice a person takes from a numbered list."""
    for number, choice in enumerate(choices, 1):
        print(f"  {number}) {choice}", file=sys.stderr)

    def is_listed(answer: str) -> None:
        if not answer.isdecimal() or not 1 <= int(answer) <= len(choices):
            raise UsageError(f"a number from 1 to {len(choices)}, please")

    return int(ask(question, str(default), is_listed)) - 1


def _line(shown: str) -> str:
    # The question goes to stderr: stdout may be a JSON document or a pipe.
    print(shown, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line
