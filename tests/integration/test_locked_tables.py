"""Another client of the database holds a table: a restore outlasts a short lock, and tells of one that stays."""

import threading
import time
from collections.abc import Iterator

import pytest

from scripts.tiki import maintenance
from tests.lab import forked
from tests.lab.faults import change_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.one_site import OneSite

WAIT_SECONDS = 60
NAMES = ("lock_wait_timeout", "innodb_lock_wait_timeout")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@pytest.fixture(params=[False, True], ids=["here", "ssh"])
def one(lab: Lab, request: pytest.FixtureRequest) -> Iterator[OneSite]:
    """A site that is no longer what its archive says, on a server on which nobody waits long for a lock."""
    one = OneSite(lab, request.param)
    one.run("backup", instance=one.name)
    change_site(one.sample)
    before = lab.mariadb.sql(f"SELECT @@global.{NAMES[0]}, @@global.{NAMES[1]}").split()
    lab.mariadb.sql("; ".join(f"SET GLOBAL {name} = 1" for name in NAMES))
    yield one
    lab.mariadb.sql("; ".join(f"SET GLOBAL {name} = {value}" for name, value in zip(NAMES, before)))


def restored(one: OneSite, seconds: float) -> Ended:
    """Return how a restore ended during which a table was held, for so long after the page was up."""
    ended: list[Ended] = []
    words = {"instance": one.name, "archive": "1", "full": "1", "safety": "no"}
    restore = threading.Thread(target=lambda: ended.append(forked.run(one.kit.top, "restore", **words)))
    with one.sample.server.holding(f"LOCK TABLES `{one.sample.database}`.tiki_pages READ"):
        restore.start()
        page, deadline = one.sample.folder / maintenance.KEPT, time.monotonic() + WAIT_SECONDS
        while not page.exists():
            assert restore.is_alive() and time.monotonic() < deadline
            time.sleep(0.05)
        restore.join(seconds)
    restore.join()
    return ended[0]


def test_a_restore_outlasts_a_lock_that_goes_and_tells_of_one_that_stays(one):
    ended = restored(one, WAIT_SECONDS)
    assert ended.code == 6, ended
    assert "another client holds a lock, and did not give it up in time" in ended.stderr
    assert "look who it is (SHOW FULL PROCESSLIST), then repeat the call" in ended.stderr
    assert f"The maintenance page stays. Next: make restore INSTANCE={one.name}" in ended.stderr
    one.run("maintenance", instance=one.name, state="off")
    ended = restored(one, 1.5)
    assert ended.is_success, ended
    assert one.sample.sql("SELECT COUNT(*) FROM tiki_pages WHERE data = 'changed'").strip() == "0"
