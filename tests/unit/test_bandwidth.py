"""BWLIMIT for streams that rsync has no part in."""

import os
import threading
import time

import pytest

from scripts.hosts import bandwidth, process
from scripts.hosts.streams import Source


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
