"""Holds signals back for the moments in which an unwinding would lose sight of a program."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
KEYBOARD = (signal.SIGINT, signal.SIGQUIT)


@contextmanager
def held_back() -> Iterator[None]:
    """Let a signal that comes meanwhile act at the end of the block.

    Blocking it would not do: the kernel would give it to another of our threads, and Python to the main one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python's handlers run in the main thread only
        return
    came: list[int] = []
    kept = {sent: handler for sent in ENDING if callable(handler := signal.getsignal(sent))}
    for sent in kept:
        signal.signal(sent, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for sent, handler in kept.items():
            signal.signal(sent, handler)
        for number in came[:1]:
            signal.raise_signal(number)


@contextmanager
def left_to_program() -> Iterator[None]:
    """Leave the keyboard's signals to the program that has the terminal: it gets them too, and knows what they mean.

    Not ignored but caught: the program would inherit that they are ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {sent: signal.signal(sent, lambda number, frame: None) for sent in KEYBOARD}
    try:
        yield
    finally:
        for sent, handler in kept.items():
            signal.signal(sent, handler)
