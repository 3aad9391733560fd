"""Jobs of a load: what may be done at the same time, what has to wait, and how much waits in memory."""

import random
import threading
import time

import pytest

from scripts.database import load_jobs, load_parts
from scripts.database.load_jobs import Ended, Job, Jobs
from scripts.database.load_parts import Parts
from scripts.database.splitting import HEAD, REST, ROWS, TABLE, Piece

BEFORE = (b"\nCREATE TABLE `%b` (\n  `id` int(11) NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB CHARSET=utf8;\n"
          b"LOCK TABLES `%b` WRITE;\n/*!40000 ALTER TABLE `%b` DISABLE KEYS */;\n")
BEHIND = b"/*!40000 ALTER TABLE `%b` ENABLE KEYS */;\nUNLOCK TABLES;\nCREATE TRIGGER `%b`;\n"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, size in ((load_parts, "PAYS", 0), (load_parts, "LARGE", 400), (load_parts, "BLOCK", 100),
                               (load_jobs, "WAITING_BYTES", 600)):
        monkeypatch.setattr(module, name, size)


class Server:
    """Does jobs with so many connections, slowly, and notes what each statement found done."""

    def __init__(self, most: int, seed: int = 0) -> None:
        self.jobs, self.done = Jobs(most), []
        self._chance, self._noting = random.Random(seed), threading.Lock()
        self.connections = [threading.Thread(target=self._work, args=(number,)) for number in range(most)]
        for one in self.connections:
            one.start()

    def _work(self, number: int) -> None:
        if not self.jobs.is_wanted(number):
            return
        self.jobs.enter(number)
        while job := self.jobs.take(number):
            texts = [text for _, _, text in self.jobs.blobs(job)]
            with self._noting:
                self.done += [(number, text) for text in texts]
                seconds = self._chance.choice([0, 0.001, 0.005])
            threading.Timer(seconds, self.jobs.done, [job]).start()

    def ends(self) -> list[tuple[int, bytes]]:
        for one in self.connections:
            one.join(20)
            assert not one.is_alive()
        while self.jobs.undone():
            time.sleep(0.001)
        return self.done


def pieces(tables: list[tuple[str, int]]) -> list[Piece]:
    """Return a dump's pieces: a sequence, tables with so many blocks of rows, and a rest."""
    found = [Piece(HEAD, "", b"SET NAMES utf8mb4 ;\n", True), Piece(REST, "", b"sequence\n", True)]
    for table, blocks in tables:
        name = table.encode()
        found += [Piece(TABLE, table, BEFORE % (name, name, name), True),
                  *(Piece(ROWS, table, b"rows of %b %d %b\n" % (name, block, b"x" * 90), True)
                    for block in range(blocks)),
                  Piece(TABLE, table, BEHIND % (name, name), True)]
    return [*found, Piece(REST, "", b"views\n", True), Piece(REST, "", b"end\n", True)]


@pytest.mark.parametrize("most", [1, 2, 4])
@pytest.mark.parametrize("seed", range(8))
def test_each_statement_comes_when_what_it_needs_is_done(most, seed):
    chance = random.Random(seed)
    tables = [(f"t{place}", chance.choice([0, 1, 3, 12])) for place in range(12)]
    server = Server(most, seed)
    parts = Parts(server.jobs, lambda head: head, {}, lambda names: None)
    for piece in pieces(tables):
        parts.take(piece)
    parts.finish()
    texts = [text for _, text in server.ends()]
    assert texts[0] == b"sequence\n"
    assert texts[-2:] == [b"views\n", b"end\n"]
    for table, blocks in tables:
        name = table.encode()
        mine = [text for text in texts if b"`%b`" % name in text or b"rows of %b " % name in text]
        assert b"CREATE TABLE" in mine[0]
        assert b"CREATE TRIGGER" in mine[-1]
        assert len(mine) == blocks + 2
        is_shared = most > 1 and blocks > 2
        assert (b"LOCK TABLES" in b"".join(mine)) != is_shared


def test_a_large_table_is_brought_by_all_connections():
    server = Server(2)
    parts = Parts(server.jobs, lambda head: head, {}, lambda names: None)
    for piece in pieces([("large", 200)]):
        parts.take(piece)
    parts.finish()
    assert {number for number, text in server.ends() if text.startswith(b"rows of large")} == {0, 1}


def test_a_second_connection_brings_rows_once_the_first_ones_are_there(monkeypatch):
    """Both would lock the empty table: a deadlock."""
    monkeypatch.setattr(load_jobs, "WAITING_BYTES", 10_000)
    jobs, taken = Jobs(2), []
    parts = Parts(jobs, lambda head: head, {}, lambda names: None)
    for piece in pieces([("large", 6)]):
        if piece.kind != REST:
            parts.take(piece)
    parts.finish()
    structure = jobs.take(0)
    jobs.done(structure)
    first = jobs.take(0)
    assert [blob.data[:15] for blob in first.blobs] == [b"rows of large 0"]
    other = threading.Thread(target=lambda: taken.append(jobs.take(1)))
    other.start()
    other.join(0.3)
    assert not taken
    jobs.done(first)
    other.join(5)
    assert [blob.data[:15] for blob in taken[0].blobs] == [b"rows of large 1"]


def test_only_so_many_bytes_wait():
    jobs = Jobs(1)
    first = jobs.add(Job("a"))
    jobs.put(first, "a", 1, b"x" * 500)
    jobs.close(first)
    second = jobs.add(Job("b"))
    is_put = threading.Event()
    reader = threading.Thread(target=lambda: (jobs.put(second, "b", 1, b"y" * 500), is_put.set()))
    reader.start()
    assert not is_put.wait(0.2)
    assert [text for *_, text in jobs.blobs(jobs.take(0))] == [b"x" * 500]
    assert is_put.wait(5)
    reader.join()


def test_who_waits_stops_when_the_load_has_failed():
    jobs = Jobs(1)
    faults = []

    def take() -> None:
        try:
            jobs.take(0)
        except Ended as fault:
            faults.append(fault)
    waiting = threading.Thread(target=take)
    waiting.start()
    jobs.end()
    waiting.join(5)
    assert len(faults) == 1
    with pytest.raises(Ended):
        jobs.add(Job("a"))


def test_a_table_that_is_there_already_is_left_alone_and_its_triggers_are_loaded():
    made = BEFORE.split(b"LOCK")[0].strip().removesuffix(b";") % b"same"
    dropped = []
    server = Server(2)
    alike = {"same": made.decode(), "other": made.decode(), "empty": made.decode().replace("same", "empty")}
    parts = Parts(server.jobs, lambda head: head, alike, dropped.extend)
    head, *others = pieces([("same", 3), ("other", 1), ("empty", 0)])
    parts.take(Piece(HEAD, "", head.data + b"SET TIME_ZONE='+00:00' ;\n", True))
    for piece in others:
        parts.take(piece)
    parts.finish()
    texts = b"".join(text for _, text in server.ends())
    assert parts.kept == ["same", "empty"]
    assert dropped == ["other"]
    assert b"rows of same" not in texts and b"CREATE TABLE `empty`" not in texts
    assert b"rows of other" in texts
    for name in (b"same", b"other", b"empty"):
        assert texts.count(b"CREATE TRIGGER `%b`" % name) == 1
