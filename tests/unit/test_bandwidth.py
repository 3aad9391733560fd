"""BWLIMIT for streams that rsync has no part in."""

import os
import threading
import time

import pytest

from scripts.database import dump, programs
from scripts.database.client import Client
from scripts.database.programs import Programs
from scripts.hosts import bandwidth, process
from scripts.hosts.local import LocalHost
from scripts.hosts.ssh import SshHost
from scripts.hosts.streams import Source

HERE, FAR = LocalHost("here"), SshHost("far", "far.example.org", "/tmp")


@pytest.mark.parametrize(("word", "limit"), [("", 0), ("0", 0), ("500", 512_000), ("1.5m", 1_572_864), ("2K", 2048),
                                             ("0.5", 512)])
def test_a_limit_means_what_it_means_to_rsync(word, limit):
    assert bandwidth.bytes_a_second(word) == limit


def passed(size: int) -> tuple[int, float]:
    """Return how many bytes came through, and in what time."""
    reading, writing = os.pipe()
    data = os.urandom(size)

    def write() -> None:
        with open(writing, "wb") as file:
            file.write(data)

    thread = threading.Thread(target=write)
    thread.start()
    source, started = Source(reading), time.monotonic()
    came = b"".join(bandwidth.chunks(source))
    thread.join()
    source.close()
    assert came == data
    return len(came), time.monotonic() - started


def test_a_stream_is_no_faster_than_its_limit_and_hardly_slower(monkeypatch):
    monkeypatch.setattr(process.conduct, "bwlimit", "500")
    size, seconds = passed(300_000)
    assert 0.9 * size / 512_000 < seconds < 1.5 * size / 512_000 + 0.5


def test_a_stream_without_a_limit_does_not_wait(monkeypatch):
    monkeypatch.setattr(process.conduct, "bwlimit", "")
    assert passed(3_000_000)[1] < 1


def test_streams_of_one_run_share_the_limit(monkeypatch):
    monkeypatch.setattr(process.conduct, "bwlimit", "500")
    started = time.monotonic()
    process.side_by_side(*[lambda: passed(150_000)] * 2)
    assert 0.9 * 300_000 / 512_000 < time.monotonic() - started < 1.5 * 300_000 / 512_000 + 0.5


@pytest.mark.parametrize(("host", "word", "is_held"), [(FAR, "500", True), (FAR, "", False), (HERE, "500", False)])
def test_a_dump_is_held_where_it_travels(monkeypatch, host, word, is_held):
    monkeypatch.setattr(process.conduct, "bwlimit", word)
    monkeypatch.setattr(SshHost, "connect", lambda self: None)
    monkeypatch.setattr(programs, "on", lambda host: Programs("mariadb", "mariadb-dump", frozenset(), 1))
    command, *stages = dump.stream(Client(host, "/tmp/options", "wiki"))
    assert "mariadb-dump" in command.shown and len(stages) == is_held
    text, came = os.urandom(200_000), bytearray()
    started = time.monotonic()
    process.read_through(HERE.command("cat", stdin=text), *stages,
                         lambda source, sink: [came.extend(chunk) for chunk in source.chunks()])
    assert came == text
    assert (time.monotonic() - started > 0.9 * len(text) / 512_000) == is_held
