"""What named folders are: asked here by Python, elsewhere by one call."""

import os
from pathlib import Path

import pytest

from scripts.errors import CommandError
from scripts.hosts.command import Command, shown
from scripts.hosts.host import Host
from scripts.hosts.local import MANAGER
from scripts.tiki import folder_facts
from scripts.tiki.folder_facts import Facts
from tests.unit.recording_host import RecordingHost


class OtherHost(Host):
    """This machine, asked by programs as one behind ssh is."""

    name = "other"

    def command(self, *words: str, stdin: bytes | None = None) -> Command:
        return Command(words, shown(self.name, words), stdin)


@pytest.mark.parametrize("host", [MANAGER, OtherHost()], ids=["here", "elsewhere"])
def test_folders_links_and_what_is_open_to_everybody_are_told_apart(tmp_path, host):
    tmp_path = Path(os.path.realpath(tmp_path))
    for name, mode in {"own": 0o755, "for all": 0o777, "open\nto all": 0o1777}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    (tmp_path / "link").symlink_to("open\nto all")
    (tmp_path / "nowhere").symlink_to("lost/and gone")
    names = ("own", "for all", "open\nto all", "link", "nowhere", "missing")
    looked = folder_facts.look(host, [f"{tmp_path}/{name}" for name in names])
    real = {name: str(tmp_path / name) for name in names}
    assert {name: looked.facts[f"{tmp_path}/{name}"] for name in names} == {
        "own": Facts(real["own"], True, True, False), "for all": Facts(real["for all"], True, True, False),
        "open\nto all": Facts(real["open\nto all"], True, True, True),
        "link": Facts(real["open\nto all"], True, True, True),
        "nowhere": Facts(f"{tmp_path}/lost/and gone", True, False, False), "missing": Facts(real["missing"])}
    assert looked.temporary == os.path.realpath(os.environ.get("TMPDIR", "/tmp"))


def test_the_root_itself_may_be_asked_for():
    assert folder_facts.look(OtherHost(), ["/"]).facts["/"].leads_on


@pytest.mark.parametrize("answer", [b"", b"/tmp\0", b"/tmp\0/srv/a\0", b"/tmp\0/srv/a\0/srv/a\0d 755\0"])
def test_an_answer_that_is_cut_off_is_a_fault(answer):
    with pytest.raises(CommandError, match="cut off"):
        folder_facts.look(RecordingHost({("sh",): answer}), ["/srv/a"])
