"""What a broken run tells to do next can be pasted as it stands, and works."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.registry import change
from scripts.steps import restoring
from scripts.tiki import maintenance
from tests.lab import forked
from tests.lab.faults import change_site
from tests.lab.lab import Lab
from tests.lab.one_site import OneSite

WAIT_SECONDS = 60


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@pytest.fixture(params=[False, True], ids=["here", "ssh"])
def one(lab: Lab, request: pytest.FixtureRequest) -> OneSite:
    """A protected site whose archive has lost its sha256, and which is no longer what that says."""
    one = OneSite(lab, request.param)
    one.run("backup", instance=one.name)
    [path] = (one.kit.settings.archives / one.name).glob("*.tar.zst")
    path.with_name(f"{path.name}.sha256").unlink()
    change_site(one.sample)
    change.set_values(one.kit.settings, one.name, {"PROTECTED": "yes"})
    one.archive = path.name
    return one


def broken(one: OneSite, **words: str) -> str:
    """Return what a restore said that was ended while it waited for a lock under the page."""
    top = one.kit.top
    given = [f"{name.upper()}={value}" for name, value in words.items()]
    with one.sample.server.holding(f"LOCK TABLES `{one.sample.database}`.tiki_pages READ"), \
            subprocess.Popen(["make", "-sC", str(top), "restore", f"INSTANCE={one.name}", f"ARCHIVE={one.archive}",
                              *given], start_new_session=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             text=True) as restore:
        deadline = time.monotonic() + WAIT_SECONDS
        while not one.sample.server.waiting():
            assert time.monotonic() < deadline and restore.poll() is None
            time.sleep(0.05)
        os.killpg(restore.pid, signal.SIGTERM)
        return restore.communicate()[1]


def pasted(one: OneSite, line: str) -> subprocess.CompletedProcess:
    return subprocess.run(["sh", "-c", line], cwd=one.kit.top, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


def test_both_lines_after_a_broken_restore_work_as_they_stand_there(one):
    said = broken(one, full="1", unverified="yes", confirm=one.name)
    told = re.search(r"Next: (make restore [^,;]+), or put back what was there before: (make restore [^,;\n]+); to "
                     r"open the site as it is: (make maintenance INSTANCE=\S+ STATE=off)", said)
    assert told, said
    onward, back, _ = told.groups()
    assert onward == f"make restore INSTANCE={one.name} ARCHIVE={one.archive} CONFIRM={one.name} FULL=1 UNVERIFIED=yes"
    instance = one.kit.instance(one.name)
    note = restoring.unfinished(instance)
    assert note.safety and back == f"make restore INSTANCE={one.name} ARCHIVE={note.safety} CONFIRM={one.name}"
    doctor = forked.run(one.kit.top, "doctor", instance=one.name).stdout
    assert onward.replace("make ", f"make -C {one.kit.top} ") in doctor
    done = pasted(one, onward)
    assert done.returncode == 0, done
    assert "were equal" not in done.stdout
    root = Path(instance.web_root)
    assert not (root / "files/came later.txt").exists()
    done = pasted(one, back)
    assert done.returncode == 0, done
    assert (root / "files/came later.txt").exists()
    assert not maintenance.state(instance.host, instance.web_root).is_on


def test_a_restore_without_safety_is_told_as_one(one):
    said = broken(one, safety="no", unverified="yes", confirm=one.name)
    told = re.search(r"Next: (make restore [^,;]+); to open the site as it is: ", said)
    assert told, said
    assert " SAFETY=no UNVERIFIED=yes" in told[1]
    done = pasted(one, told[1])
    assert done.returncode == 0, done
    assert not (one.sample.folder / "files/came later.txt").exists()
