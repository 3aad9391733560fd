"""The connection to a host breaks while several clients fill a database there: the next run just works."""

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from scripts.hosts import ssh
from scripts.tiki import maintenance
from tests.integration.test_connections import masters
from tests.lab import forked
from tests.lab.compare import describe_database
from tests.lab.fault_fixtures import fast_lab
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.processes import told_of_each
from tests.lab.toolkit import Toolkit

__all__ = ["fast_lab"]  # a fixture

WAIT_SECONDS = 20
TURNS = 4           # in which the moment may go by unseen: a look at it starts a program
LONGEST_RUN = 25    # seconds; who waits for a lock that nobody gives up waits for a minute
# Each is more than waits on its way: who fills it when the connection breaks has not got all of it.
LARGE = "CREATE TABLE {name} (t TEXT) ENGINE={engine}; " \
        "INSERT INTO {name} SELECT REPEAT(SHA1(seq), 25) FROM seq_1_to_10000;"
OPTION_FILE = re.compile(rb"--defaults-file=\S*/trim-\w+-(\d+)\.")
CLONE = {"from_": "shop", "to": "copy", "full": "1"}


class Place:
    """A site behind ssh with two large tables, an archive of it, and a blank on the same host."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.kit = lab, Toolkit(lab.folder / "kit", lab)
        self.kit.set(compress="zst")
        self.sample = small_site(lab, "shop", is_far=True)
        self.kit.register("shop", web_root=self.sample.folder, **self.kit.over_ssh())
        self.kit.blank("copy", ssh=True)
        self.sample.sql(LARGE.format(name="large_isam", engine="MyISAM") + LARGE.format(name="large", engine="InnoDB"))
        assert self.run("backup", instance="shop").is_success
        [archive] = (self.kit.settings.archives / "shop").glob("*.tar.zst")
        self.restore = {"instance": "shop", "archive": archive.name}
        self.wanted = self.databases()["shop"]

    def run(self, verb: str, **words: str) -> Ended:
        return forked.run(self.kit.top, verb, **words)

    def databases(self) -> dict[str, dict[str, str]]:
        return {name: describe_database(self.lab.mariadb, name) for name in ("shop", "copy")}

    def locked(self, database: str) -> int:
        """Return how many of the large tables somebody holds a lock of."""
        told = self.lab.mariadb.sql(f"SHOW OPEN TABLES FROM {database} WHERE `Table` LIKE 'large%' AND In_use > 0")
        return len(told.splitlines())

    def page_is_on(self, name: str) -> bool:
        instance = self.kit.instance(name)
        return maintenance.state(instance.host, instance.web_root).is_on

    def broken(self, break_it: Callable[["Place"], None], verb: str, database: str, **words: str) -> Ended:
        """Return how a run ended that had its connection broken while clients of it filled large tables.

        Out of a file two do so at the same time; out of a stream the second table may come when the first is done.
        """
        for _ in range(TURNS):
            if ended := self._broken_once(break_it, verb, database, **words):
                return ended
            if verb == "restore":
                self.lack()
        raise AssertionError(f"the moment was missed {TURNS} times")

    def _broken_once(self, break_it: Callable[["Place"], None], verb: str, database: str, **words: str) -> Ended | None:
        """Return the same, or None when the moment went by unseen.

        The clients stand still from when they are seen until the connection is broken: none gets done meanwhile.
        """
        ended: list[Ended] = []
        run = threading.Thread(target=lambda: ended.append(self.run(verb, **words)))
        run.start()
        tables = 2 if verb == "restore" else 1
        # Before anything else is started: the run shall inherit nothing of it.
        appears(lambda: filling() or not run.is_alive())
        appears(lambda: self.locked(database) == tables or not run.is_alive())
        clients = filling()
        tell(clients, signal.SIGSTOP)
        is_seen = len(clients) >= tables and self.locked(database) == tables
        if is_seen:
            break_it(self)
        tell(clients, signal.SIGCONT)
        run.join()
        return ended[0] if is_seen else None

    def orphans(self) -> dict[int, int]:
        """Return the clients that are left, with a lock, of a restore that was killed behind a silent connection.

        What was on its way to them they still take: on a busy machine that may be all.
        """
        for _ in range(TURNS):
            ended = self.broken(fall_silent_and_kill_the_run, "restore", "shop", **self.restore, safety="no")
            assert ended.code == -signal.SIGKILL
            appears(self.masters_are_gone)
            if (left := filling()) and self.locked("shop"):
                return left
            self.run("restore", **self.restore, safety="no")
            self.lack()
        raise AssertionError(f"nothing there went on without the run, {TURNS} times")

    def lack(self) -> None:
        """Let the site lack what its archive has."""
        self.sample.sql("DROP TABLE IF EXISTS large; CREATE TABLE IF NOT EXISTS large_isam (t TEXT) ENGINE=MyISAM; "
                        "TRUNCATE large_isam")

    def masters_are_gone(self) -> bool:
        return not masters(self.kit.instance("shop").host)


def filling() -> dict[int, int]:
    """Return the client programs that load, each with the run it belongs to; ssh's own calls excepted."""
    found = {}
    for pid, line in told_of_each("cmdline"):
        words = line.split(b"\0")
        if b"--skip-column-names" in words and (named := OPTION_FILE.match(words[1])):
            found[pid] = int(named[1])
    return found


def tell(clients: Iterable[int], word: signal.Signals) -> None:
    for pid in clients:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, word)


def appears(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not look():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def kill_master(place: Place) -> None:
    for pid in masters(place.kit.instance("shop").host):
        os.kill(pid, signal.SIGKILL)


def end_sessions(place: Place) -> None:
    place.lab.sshd().drop_connections()


def fall_silent(place: Place) -> None:
    place.lab.sshd().silence_connections()


def fall_silent_and_kill_the_run(place: Place) -> None:
    fall_silent(place)
    for run in set(filling().values()):
        os.kill(run, signal.SIGKILL)


@pytest.fixture(scope="module")
def made(fast_lab: Lab) -> Place:
    return Place(fast_lab)


@pytest.fixture
def place(made: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A site that lacks what its archive has; runs give a silent connection up after four seconds, not sixty."""
    monkeypatch.setattr(ssh, "ALIVE_INTERVAL", "1")
    kill_master(made)   # which was opened with another one
    made.lack()
    yield made


@pytest.mark.parametrize("break_it", [kill_master, end_sessions, fall_silent])
def test_a_restore_fails_with_one_line_under_the_page_and_the_same_call_works(place, break_it):
    ended = place.broken(break_it, "restore", "shop", **place.restore, safety="no")
    assert ended.code == 5
    [warning, said] = ended.stderr.splitlines()
    assert "SAFETY=no" in warning
    assert re.fullmatch(r"restore: \[shop\] \S*mariadb .*: the ssh connection broke, or it was ended there\. The "
                        r"maintenance page stays\. Next: make restore INSTANCE=shop ARCHIVE=shop_\S+ SAFETY=no; "
                        r".*", said)
    assert place.page_is_on("shop")
    appears(lambda: not filling())      # those that were cut off at the server need a moment to see it
    assert place.locked("shop") == 0
    again = place.run("restore", **place.restore, safety="no")
    assert again.is_success and again.seconds < LONGEST_RUN, again
    assert place.databases()["shop"] == place.wanted and not place.page_is_on("shop")


def test_a_restore_whose_connection_fell_silent_puts_back_what_was_there(place):
    before = place.databases()["shop"]
    ended = place.broken(fall_silent, "restore", "shop", **place.restore)
    assert ended.code == 5 and ended.seconds < LONGEST_RUN
    assert "What was there before was put back, from shop_" in ended.stderr.splitlines()[-1]
    assert place.databases()["shop"] == before and not place.page_is_on("shop")
    appears(lambda: not filling())
    assert place.run("restore", **place.restore, safety="no").is_success
    assert place.databases()["shop"] == place.wanted


def test_clients_of_a_run_that_was_killed_meanwhile_are_ended_by_the_next(place):
    left = place.orphans()
    again = place.run("restore", **place.restore, safety="no")
    assert again.is_success and again.seconds < LONGEST_RUN, again
    assert not left.keys() & filling().keys()
    assert place.databases()["shop"] == place.wanted and not place.page_is_on("shop")


@pytest.mark.parametrize("break_it", [kill_master, fall_silent_and_kill_the_run])
def test_a_clone_that_lost_its_connection_is_made_by_the_same_call(place, break_it):
    place.run("restore", **place.restore, safety="no")
    ended = place.broken(break_it, "clone", "copy", **CLONE)
    assert not ended.is_success and place.page_is_on("copy")
    if break_it is kill_master:
        # Source and target share the connection: the one who finds out first tells.
        assert ended.code in (5, 6) and "The maintenance page stays. Next: make clone FROM=shop" in ended.stderr
        appears(lambda: not filling())
        assert place.locked("copy") == 0
    else:
        appears(place.masters_are_gone)
    again = place.run("clone", **CLONE)
    assert again.is_success and again.seconds < LONGEST_RUN, again
    ours, theirs = (place.databases()[name] for name in ("copy", "shop"))
    assert ours.keys() == theirs.keys() and {name: ours[name] for name in ("large", "large_isam")} == \
        {name: theirs[name] for name in ("large", "large_isam")}
    assert not place.page_is_on("copy")
