"""A stdout that takes nothing, or goes away early, changes nothing of what a verb does."""

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from tests.lab.compare import describe_tree
from tests.lab.fault_fixtures import fast_lab
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

__all__ = ["fast_lab"]  # a fixture

NOT_SAID, READER_GONE, COMMAND = 11, 141, 5     # exit codes
STDOUTS = {"a full disk": (">/dev/full", NOT_SAID), "no stdout": (">&-", NOT_SAID),
           "no reader": ("| true", READER_GONE), "a reader of one line": ("| head -n 1", READER_GONE)}
# Stands in for rsync: the first call of a run fails.
BREAKS_ONCE = """#!/bin/sh
[ -e "$0.failed" ] || { : >"$0.failed"; echo "the disk went away" >&2; exit 11; }
exec /usr/bin/rsync "$@"
"""


@dataclass
class Place:
    """A toolkit with a site that has an archive, and what the site was then."""

    kit: Toolkit
    site: Instance
    sample: SampleTiki
    was: dict

    def make(self, line: str, stdout: str, path: str = "") -> tuple[int, str]:
        """Type `make LINE` into a shell with such a stdout; return the code of the verb and what stderr got."""
        words = f"make -sC {shlex.quote(str(self.kit.top))} {line}"
        done = subprocess.run(["bash", "-c", f"{words} {stdout}"], capture_output=True, text=True, timeout=200,
                              stdin=subprocess.DEVNULL,
                              env={"PATH": f"{path}:/usr/local/bin:/usr/bin:/bin".lstrip(":"), "HOME": "/"})
        last = done.stderr.strip().rpartition("\n")[2]
        return int(last.rpartition(" Error ")[2]) if last.startswith("make: ***") else 0, done.stderr

    def archives(self) -> set[Path]:
        return set((self.kit.settings.archives / "blog").glob("blog_*.tar.zst"))

    def spoil(self) -> None:
        """Do to the site what a restore takes back."""
        (self.sample.folder / "tiki-index.php").write_text("<?php // spoilt\n")
        (self.sample.folder / "files" / "strange.txt").write_text("new")

    def is_as_it_was(self) -> bool:
        return describe_tree(self.sample.folder, {b"temp", b"templates_c"}) == self.was

    def is_open(self) -> bool:
        return fetch(self.site.web_url).status == 200


@pytest.fixture(scope="module")
def place(fast_lab: Lab) -> Place:
    kit = Toolkit(fast_lab.folder / "kit", fast_lab)
    kit.set(compress="zst")
    site, sample = kit.tiki("blog", files=5, versions=1)
    assert kit.make("backup", "INSTANCE=blog").returncode == 0
    return Place(kit, site, sample, describe_tree(sample.folder, {b"temp", b"templates_c"}))


@pytest.mark.parametrize("stdout", list(STDOUTS)[:3])  # it says little more than a line
def test_a_backup_is_made(place, stdout):
    redirection, code = STDOUTS[stdout]
    before = place.archives()
    ended, said = place.make("backup INSTANCE=blog KEEP=50", redirection)
    assert ended == code and "Traceback" not in said, said
    assert "backup: stdout did not take all that was said" in said
    new = place.archives() - before
    assert len(new) == 1 and all(Path(f"{path}.sha256").exists() for path in new)


@pytest.mark.parametrize("stdout", STDOUTS)
def test_a_restore_comes_to_its_end(place, stdout):
    redirection, code = STDOUTS[stdout]
    place.spoil()
    first = min(place.archives()).name
    ended, said = place.make(f"restore INSTANCE=blog ARCHIVE={first} SAFETY=no", redirection)
    assert ended == code and "Traceback" not in said, said
    assert "The work is done all the same" in said
    assert place.is_as_it_was() and place.is_open()


@pytest.mark.parametrize("stdout", STDOUTS)
def test_a_restore_that_breaks_is_put_back(place, tmp_path, stdout):
    (tmp_path / "rsync").write_text(BREAKS_ONCE)
    (tmp_path / "rsync").chmod(0o755)
    place.spoil()
    spoilt = describe_tree(place.sample.folder, {b"temp", b"templates_c"})
    first = min(place.archives()).name
    ended, said = place.make(f"restore INSTANCE=blog ARCHIVE={first}", STDOUTS[stdout][0], str(tmp_path))
    assert ended == COMMAND and "Traceback" not in said, said
    assert "; putting back what was there, from blog_" in said and "What was there before was put back" in said
    assert describe_tree(place.sample.folder, {b"temp", b"templates_c"}) == spoilt and place.is_open()


def test_a_table_and_a_file_that_nobody_took_are_no_success(place):
    assert place.make("archives INSTANCE=blog", ">/dev/full")[0] == NOT_SAID
    assert place.make("completion FOR=bash", ">/dev/full")[0] == NOT_SAID
    assert place.make("backup INSTANCE=blog DRY=1 JSON=1", ">/dev/full")[0] == NOT_SAID
    ended, said = place.make("extract INSTANCE=blog FILE=tiki-index.php DEST=-", ">/dev/full")
    assert ended == NOT_SAID and "It is not whole" in said, said
    ended, said = place.make("archives INSTANCE=blog", "| true")
    assert (ended, said.count("\n")) == (READER_GONE, 1), said


def test_several_sites_side_by_side_are_backed_up_all_the_same(place):
    before = place.archives()
    place.kit.tiki("wiki", files=5, versions=1)
    ended, said = place.make("backup INSTANCE=all JOBS=2 KEEP=50", ">/dev/full")
    assert ended == NOT_SAID and "Traceback" not in said, said
    assert len(place.archives() - before) == 1 and list((place.kit.settings.archives / "wiki").glob("*.tar.zst"))
