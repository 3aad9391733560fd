"""The two ends that a stage of our own has in a pipe."""

import os
from collections.abc import Callable, Iterator

from scripts.hosts import stall

CHUNK = 1 << 18  # bytes moved at once


class Source:
    """The readable end our own stage takes its bytes from; one that is not ours is closed by who gave it."""

    def __init__(self, descriptor: int, is_ours: bool = True) -> None:
        self._file = open(descriptor, "rb", buffering=0, closefd=is_ours)

    def read(self, size: int = CHUNK) -> bytes:
        """Return up to size bytes, or b"" at the end."""
        data = self._file.read(size)
        stall.watcher.moved(len(data))
        return data

    def chunks(self) -> Iterator[bytes]:
        """Yield everything up to the end."""
        while data := self.read():
            yield data

    def close(self) -> None:
        self._file.close()


class Sink:
    """The writable end our own stage gives its bytes to; a write takes everything."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._descriptor, view)
            stall.watcher.moved(written)
            view = view[written:]

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        os.close(self._descriptor)


Filter = Callable[[Source, Sink], object]
"""A stage of ours in a pipe: reads the stage before it to the end, writes to the stage after it."""
