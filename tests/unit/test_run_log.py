"""What the log and the record of a run hold of the call of make."""

import sys

import pytest

from scripts.registry.run_log import RunLog
from scripts.registry.settings import Settings
from scripts.steps import on_record


@pytest.mark.parametrize(("words", "line"), [
    (["--provider=ftp://ann:s3cret@host/x", "--mod=lib-x"], "make mods-install PROVIDER='ftp://***@host/x' MOD=lib-x"),
    (["--mod=lib-x", "--set=key=s3cret"], "make mods-install MOD=lib-x SET='***'")])
def test_neither_holds_a_login_or_an_answer(tmp_path, monkeypatch, words, line):
    monkeypatch.setattr(sys, "argv", ["invoke", "mods-install", *words])
    log = RunLog("mods-install")
    log.open(Settings(tmp_path))
    log.close()
    assert "s3cret" not in log.path.read_text() and "***" in log.path.read_text()
    assert on_record.make_line("mods-install", {}) == line
