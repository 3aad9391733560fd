"""Signals: whose they are while a program has the terminal."""

import os
import signal

from scripts.hosts import signals


def test_a_signal_of_the_keyboard_is_left_to_the_program_and_not_inherited_as_ignored():
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        with signals.left_to_program():
            os.kill(os.getpid(), signal.SIGINT)
            assert callable(signal.getsignal(signal.SIGINT))
        assert came == []
        os.kill(os.getpid(), signal.SIGINT)
        assert came == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)
