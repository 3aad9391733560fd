"""What people see: texts of strangers, as of mods, are shown and never obeyed."""

import io
import sys

import pytest

from scripts.present import output


@pytest.mark.parametrize(("line", "shown"), [
    ("a\tb\nc", "a\tb\nc"), ("für", "für"), ("\x1b[2Jx", r"\x1b[2Jx"), ("good\rbad", r"good\x0dbad"),
    ("end\r\n", "end\r\n"),
    ("f\udcfcr", r"f\xfcr"), ("\x9b2J", r"\x9b2J"), ("\0", r"\x00")])
def test_nothing_drives_the_terminal(monkeypatch, line, shown):
    seen = io.TextIOWrapper(io.BytesIO(), "utf-8", "strict", newline="")
    monkeypatch.setattr(sys, "stdout", seen)
    monkeypatch.setattr(sys, "stderr", seen)
    output.say(line)
    output.warn(line)
    seen.flush()
    assert seen.buffer.getvalue().decode() == f"{shown}\nwarning: {shown}\n"
