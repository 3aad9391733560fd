"""Reads an archive back from the disk and compares it with what was packed, also while the rest of it is written."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.errors import ArchiveError
from scripts.hosts import stall
from scripts.store import verify
from scripts.store.index import CHUNK, Segment


class ReadBack:
    """Reads each byte of an archive once, in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._whole = hashlib.sha256()
        self._seen: list[Segment] = []

    def follow(self, segments: Sequence[Segment]) -> None:
        """Read what was not read of these segments, which are all in the file so far, as they are on the disk.

        Raises ArchiveError for one whose sha256 is another.
        """
        start = self._seen[-1].end if self._seen else 0
        verify.forget_cached(self._path, start)     # what was read may stay: the next backup reads it again
        with open(self._path, "rb", buffering=0) as file, ThreadPoolExecutor(1) as beside:
            file.seek(start)
            summed = beside.submit(int)
            for segment in segments[len(self._seen):]:
                part, left = hashlib.sha256(), segment.length
                while left and (data := file.read(min(CHUNK, left))):
                    summed.result()     # one after the other, and no more than two in memory
                    summed = beside.submit(self._whole.update, data)
                    part.update(data)
                    left -= len(data)
                    stall.watcher.moved(len(data))
                if part.hexdigest() != segment.sha256:
                    raise ArchiveError(f"{self._path.name}: what was read back is not what was packed, from byte "
                                       f"{segment.offset} on; the disk is at fault")
                self._seen.append(segment)

    def finish(self, segments: Sequence[Segment]) -> str:
        """Read the rest, compare with all that the index names, and return the sha256 of the file."""
        self.follow(segments)
        if list(map(_place, self._seen)) != list(map(_place, segments)):
            raise ArchiveError(f"{self._path.name}: its index, read back, names other segments than were packed; the "
                               "disk is at fault")
        if self._path.stat().st_size != (self._seen[-1].end if self._seen else 0):
            raise ArchiveError(f"{self._path.name}: is longer than what was written")
        return self._whole.hexdigest()


def _place(segment: Segment) -> tuple[int, int, str]:
    return segment.offset, segment.length, segment.sha256
