"""The archive as it grows: segment behind segment, copied or new, and the index of them beside it."""

import collections
import errno
import os
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import IO, Any

from scripts.hosts import stall
from scripts.store import index
from scripts.store.index import CHUNK, MEMBERS, PIECE, Segment
from scripts.store.packing import Placed
from scripts.store.previous import Previous

NO_KERNEL_COPY = (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM)


@dataclass(frozen=True)
class About:
    """What the index is told of a segment besides where it is; members and sums as index.Writer takes them."""

    first: bytes
    count: int = 0
    state: str = ""
    members: bytes = b""
    sums: bytes = b""
    tables: Any = None


@dataclass
class Counts:
    """What became of the bytes of an archive, and how many segments that is."""

    raw_bytes: int = 0
    bytes_copied: int = 0
    bytes_packed: int = 0
    segments_copied: int = 0
    segments_packed: int = 0


class Row:
    """Puts segments into one archive, in the order in which they are told; new ones may still be at the packer's.

    The checksums of their files go into listing, up to `close_list`.
    """

    def __init__(self, descriptor: int, writer: index.Writer, previous: Previous | None, listing: IO[bytes],
                 on_bytes: Callable[[int], None] = lambda count: None) -> None:
        self._descriptor, self._writer, self._previous, self._on_bytes = descriptor, writer, previous, on_bytes
        self._list: IO[bytes] | None = listing
        self._files = 0
        self._waiting: collections.deque[Callable[[], object] | Future[Placed]] = collections.deque()
        self._to_copy: tuple[int, int] | None = None     # from, to: in the previous archive
        self._pieces: list[Segment] = []
        self._offset = 0
        self._written: list[Segment] = []
        self.counts = Counts()

    @property
    def size_bytes(self) -> int:
        return self._offset

    def written(self) -> list[Segment]:
        """Return the segments that are in the file by now, in order."""
        self._go_on(waits=False)
        self._copy_range()
        return list(self._written)

    def keep(self, segment: Segment) -> None:
        """Take a segment of the previous archive with all that is known of it."""
        self._later(lambda: self._keep(segment))

    def put(self, placed: "Future[Placed]", about: About) -> None:
        """Add a segment of whole members."""
        self._later(placed, lambda: self._write(self._segment(placed.result(), MEMBERS, about), about))

    def piece(self, placed: "Future[Placed]", first: bytes, tables: Any = None) -> None:
        """Add a piece of a large member; `whole` follows the last one."""
        about = About(first, tables=tables)
        self._later(placed, lambda: self._pieces.append(self._segment(placed.result(), PIECE, about)))

    def whole(self, about: About) -> None:
        """Tell of the large member whose pieces were added: that is known only behind them."""
        self._later(lambda: self._whole(about))

    def close_list(self) -> int:
        """Wait for all that was told, close the list of checksums, and return how many files are in it."""
        self.finish()
        self._list.close()
        self._list = None
        return self._files

    def finish(self) -> None:
        """Wait for all that was told, and return when it is in the file."""
        self._go_on(waits=True)
        self._copy_range()

    def _later(self, *steps: Callable[[], object] | Future) -> None:
        self._waiting.extend(steps)
        self._go_on(waits=False)

    def _go_on(self, *, waits: bool) -> None:
        while self._waiting:
            step = self._waiting[0]
            if isinstance(step, Future):
                if not waits and not step.done():
                    return
                step.result()
            self._waiting.popleft()
            if not isinstance(step, Future):
                step()

    def _keep(self, segment: Segment) -> None:
        moved = replace(segment, offset=self._offset)
        self._take(segment, moved.raw_length)
        members, sums = self._previous.index.packed_texts(segment)
        self._writer.add_packed(moved, members, sums)
        self._written.append(moved)
        self._note(zlib.decompress(sums) if sums else b"")

    def _segment(self, placed: Placed, kind: str, about: About) -> Segment:
        """Put the bytes of a segment into the archive, and return what the index will say of it."""
        segment = Segment(kind, self._offset, placed.length, placed.sha256, placed.raw_length, placed.raw_sha256,
                          about.first, about.count, about.state, about.tables)
        if placed.old:
            self._take(placed.old, placed.raw_length)
        else:
            self._copy_range()
            self._append(placed)
        return segment

    def _write(self, segment: Segment, about: About) -> None:
        segment = replace(segment, count=about.count, state=about.state)
        self._writer.add(segment, about.members, about.sums)
        self._written.append(segment)
        self._note(about.sums)

    def _note(self, sums: bytes) -> None:
        if self._list:
            self._list.write(sums)
            self._files += sums.count(b"\n")

    def _whole(self, about: About) -> None:
        pieces, self._pieces = self._pieces, []
        self._write(pieces[0], about)
        for piece in pieces[1:]:
            self._write(piece, About(about.first))

    def _append(self, placed: Placed) -> None:
        with open(placed.path, "rb", buffering=0) as file:
            copy_bytes(file.fileno(), self._descriptor, 0, placed.length)
        placed.remove()
        self._count(placed.length, placed.raw_length, is_new=True)

    def _take(self, old: Segment, raw_length: int) -> None:
        """Note a segment of the previous archive to be copied; neighbours go in one call."""
        if self._to_copy and self._to_copy[1] == old.offset:
            self._to_copy = (self._to_copy[0], old.end)
        else:
            self._copy_range()
            self._to_copy = (old.offset, old.end)
        self._count(old.length, raw_length, is_new=False)

    def _copy_range(self) -> None:
        if self._to_copy:
            start, end = self._to_copy
            copy_bytes(self._previous.descriptor, self._descriptor, start, end - start)
            self._to_copy = None

    def _count(self, length: int, raw_length: int, *, is_new: bool) -> None:
        self._offset += length
        self.counts.raw_bytes += raw_length
        if is_new:
            self.counts.bytes_packed += length
            self.counts.segments_packed += 1
        else:
            self.counts.bytes_copied += length
            self.counts.segments_copied += 1
        self._on_bytes(raw_length)


def copy_bytes(source: int, target: int, start: int, length: int) -> None:
    """Append a range of one file to another, inside the kernel where it can; raise OSError when the range is cut."""
    end, kernel_copies = start + length, True
    while start < end:
        if kernel_copies:
            try:
                moved = os.copy_file_range(source, target, end - start, offset_src=start)
            except OSError as error:
                if error.errno not in NO_KERNEL_COPY:
                    raise
                kernel_copies = False
                continue
        else:
            data = memoryview(os.pread(source, min(CHUNK, end - start), start))
            moved = len(data)
            while data:
                data = data[os.write(target, data):]
        if not moved:
            raise OSError(errno.EIO, "a file is shorter than it was")
        start += moved
        stall.watcher.moved(moved)
