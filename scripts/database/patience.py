"""Tries again what another client's lock kept from being done; for what may be done twice without harm."""

import time
from collections.abc import Callable
from typing import TypeVar

from scripts.database.faults import LOCKED, SqlError

TRIES = 3
PAUSE_SECONDS = 2   # a deadlock is gone by then; who waited in vain for a lock has waited for long
Result = TypeVar("Result")


def tried_again(do: Callable[[], Result]) -> tuple[Result, int]:
    """Return what do returns, and how often it was tried; raise the SqlError of the last time, if of a lock."""
    for tries in range(1, TRIES):
        try:
            return do(), tries
        except SqlError as error:
            if error.code not in LOCKED:
                raise
        time.sleep(PAUSE_SECONDS)
    return do(), TRIES
