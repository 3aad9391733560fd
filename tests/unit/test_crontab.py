"""The crontab is read where there is one, and what is written is read back."""

import pytest

from scripts.errors import CommandError
from scripts.hosts import crontab
from tests.unit.recording_host import RecordingHost


class Cron(RecordingHost):
    """A manager whose crontab -l fails with a code and these words."""

    def __init__(self, code: int, stderr: str) -> None:
        super().__init__()
        self.code, self.stderr = code, stderr

    def read(self, *words, **options):
        raise CommandError("[manager] crontab -l", code=self.code, stderr=self.stderr)


@pytest.mark.parametrize(("code", "stderr"), [(1, "no crontab for ann"), (127, "")])
def test_no_crontab_and_no_such_program_are_an_empty_one(monkeypatch, code, stderr):
    monkeypatch.setattr(crontab, "MANAGER", Cron(code, stderr))
    assert crontab.read() == ""


def test_a_crontab_that_may_not_be_read_is_a_fault(monkeypatch):
    monkeypatch.setattr(crontab, "MANAGER", Cron(1, "You (ann) are not allowed to use this program (crontab)"))
    with pytest.raises(CommandError):
        crontab.read()


def test_what_was_written_is_read_back(monkeypatch):
    host = RecordingHost({("crontab", "-l"): b"@daily true\n"})
    monkeypatch.setattr(crontab, "MANAGER", host)
    crontab.write("@daily true\n")
    assert host.changes == [["crontab", "-"]]
    with pytest.raises(CommandError, match="not what crontab -l shows"):
        crontab.write("@daily false\n")
