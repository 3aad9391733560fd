"""Holds a stream from another host to what BWLIMIT allows; rsync does that by itself."""

import time
from collections.abc import Iterator

from scripts.hosts import process
from scripts.hosts.streams import CHUNK, Source

UNITS = {"k": 1024, "m": 1024 ** 2}
PARTS = 10              # in which a second's bytes are read: the other side shall not stand still for long
FEWEST = 1024           # bytes that are read at once


def chunks(source: Source) -> Iterator[bytes]:
    """Yield everything up to the end, no faster than the run's limit."""
    limit = bytes_a_second(process.conduct.bwlimit)
    if not limit:
        yield from source.chunks()
        return
    size, earliest = min(CHUNK, max(FEWEST, limit // PARTS)), time.monotonic()
    while data := source.read(size):
        yield data
        # What was not used in time is lost, else a stream that began slowly would run free afterwards.
        earliest = max(earliest, time.monotonic() - 1 / PARTS) + len(data) / limit
        time.sleep(max(0.0, earliest - time.monotonic()))


def bytes_a_second(word: str) -> int:
    """Return what rsync's word for a limit means: kilobytes, or 1.5m; 0 for none."""
    number, unit = (word[:-1], word[-1].lower()) if word[-1:].isalpha() else (word, "k")
    return int(float(number or 0) * UNITS[unit])
