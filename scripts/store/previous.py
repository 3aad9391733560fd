"""The archive before the one that is made: which of its segments can be taken as they are."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.errors import ArchiveError
from scripts.hosts import jobs
from scripts.store import index
from scripts.store.index import Segment


class Previous:
    """An archive with its index. Both stay open: what removes them meanwhile does no harm."""

    def __init__(self, path: Path) -> None:
        """Open it; raise ArchiveError when it has no index that can be trusted, or cannot be read."""
        try:
            self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ArchiveError(f"{path.name}: cannot be read: {error.strerror}") from error
        self.path = path
        try:
            self.index = index.read(index.beside(path), stays_open=True)
        except BaseException:
            os.close(self.descriptor)
            raise
        self._by_content = {segment.raw_sha256: segment for segment in self.index.segments}
        self._judged: dict[int, bool] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.index.close()
        os.close(self.descriptor)

    def with_content(self, raw_sha256: str, raw_length: int) -> Segment | None:
        """Return the segment that holds these very bytes, if there is one and it is whole."""
        found = self._by_content.get(raw_sha256)
        return found if found and found.raw_length == raw_length and self.is_whole(found) else None

    def is_whole(self, segment: Segment) -> bool:
        """Whether the packed bytes of a segment are on the disk what they were; looked at once."""
        if segment.offset not in self._judged:
            self._judged[segment.offset] = index.is_on_disk(self.descriptor, segment)
        return self._judged[segment.offset]

    def packed(self, segment: Segment) -> bytes:
        """Return the packed bytes of a segment, as they are on the disk; none when it gives them back no more."""
        try:
            return os.pread(self.descriptor, segment.length, segment.offset)
        except OSError:
            return b""

    def condemn(self, segment: Segment) -> None:
        """Take a segment for damaged from now on: its bytes are what they were, but not what was packed."""
        self._judged[segment.offset] = False

    def check(self) -> None:
        """Look at all segments; `damaged` tells what was found. Of no use once a job beside it failed."""
        for segment in self.index.segments:
            if jobs.here.group.is_ended:
                return      # a large archive would keep a run that was ended for minutes
            self.is_whole(segment)

    @property
    def damaged(self) -> set[int]:
        """Return where those segments begin that were looked at and are not what they were."""
        return {offset for offset, is_whole in self._judged.items() if not is_whole}
