"""Holds streams from other hosts to what BWLIMIT allows, all of this run together; rsync does that by itself."""

import threading
import time
from collections.abc import Iterator

from scripts.hosts import process
from scripts.hosts.host import Host
from scripts.hosts.streams import CHUNK, Filter, Sink, Source

UNITS = {"k": 1024, "m": 1024 ** 2}
PARTS = 10              # in which a second's bytes are read: the other side shall not stand still for long
FEWEST = 1024           # bytes that are read at once


class _Line:
    """What all streams of a run share; a backup reads trees and the dump at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._earliest = 0.0

    def begin(self) -> None:
        """Let a new stream have nothing of the time before it."""
        with self._lock:
            self._earliest = max(self._earliest, time.monotonic())

    def pause(self, size: int, limit: int) -> float:
        """Return how many seconds to wait after so many bytes."""
        with self._lock:
            now = time.monotonic()
            # What was not used in time is lost, else a stream that began slowly would run free afterwards.
            self._earliest = max(self._earliest, now - 1 / PARTS) + size / limit
            return max(0.0, self._earliest - now)


_line = _Line()


def stages(host: Host) -> tuple[Filter, ...]:
    """Return the stage that holds to the limit what a program of this host prints; none where nothing is held."""
    return (_pass_on,) if host.is_remote and process.conduct.bwlimit else ()


def chunks(source: Source) -> Iterator[bytes]:
    """Yield everything up to the end, no faster than the run's limit."""
    limit = bytes_a_second(process.conduct.bwlimit)
    if not limit:
        yield from source.chunks()
        return
    size = min(CHUNK, max(FEWEST, limit // PARTS))
    _line.begin()
    while data := source.read(size):
        yield data
        time.sleep(_line.pause(len(data), limit))


def bytes_a_second(word: str) -> int:
    """Return what rsync's word for a limit means: kilobytes, or 1.5m; 0 for none."""
    number, unit = (word[:-1], word[-1].lower()) if word[-1:].isalpha() else (word, "k")
    return int(float(number or 0) * UNITS[unit])


def _pass_on(source: Source, sink: Sink) -> None:
    for chunk in chunks(source):
        sink.write(chunk)
