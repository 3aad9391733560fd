"""Makes the one tar stream of an archive out of several folders, and knows the sha256 of every file in it.

The folders are packed by GNU tar one after the other; their end marks are taken out on the way, so that any tar
reads the whole as one archive. What tar really delivered is compared with what it was asked for: its exit code
alone says too little.
"""

import collections
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from scripts.errors import ArchiveError, CommandError
from scripts.hosts import process
from scripts.hosts.host import MANAGER
from scripts.hosts.streams import Sink, Source
from scripts.store import checksums, walk
from scripts.store.tar_stream import BLOCK, TarStream

RECORD = 20 * BLOCK     # tar's usual unit of writing; some readers complain of anything else
TAR_DIFFERS = 1         # a file changed while it was read
TAR_FAILED = 2          # among others: a file vanished between our list and tar's look
HARMLESS = re.compile(r"tar: .*(Cannot stat: No such file or directory|File removed before we read it"
                      r"|file changed as we read it|File shrank by \d+ bytes; padding with zeros"
                      r"|Exiting with failure status due to previous errors|socket ignored)")


@dataclass
class Packed:
    """What went into a stream."""

    files: int = 0
    stream_bytes: int = 0
    stream_sha256: str = ""
    vanished: list[str] = field(default_factory=list)


class ArchiveStream:
    """Writes the tar stream of one archive into sink, part by part; `finish` closes it.

    top is the archive's one top folder. The checksum list grows in list_path while parts are added.
    """

    def __init__(self, sink: Sink, top: str, list_path: Path,
                 on_bytes: Callable[[int], None] = lambda count: None) -> None:
        self._sink, self._top, self._list, self._on_bytes = sink, top, open(list_path, "wb"), on_bytes
        self._hash = hashlib.sha256()
        self.packed = Packed()

    def add_tree(self, folder: str, inside: str, leave_out: walk.LeaveOut) -> None:
        """Add a folder with all below it as `top/inside`; links stay as they are."""
        prefix = f"{self._top}/{inside}"
        # Names and hard links move below the prefix, the targets of symbolic links do not (S).
        rename = f"--transform=flags=rhS;s,^\\.,{_replacement(prefix)},"
        self._add(folder, walk.members(folder, leave_out), os.fsencode(prefix), [rename])

    def add_files(self, folder: str, names: list[str]) -> None:
        """Add single files and folders (without their content) that already lie below folder as `top/...`."""
        self._add(folder, (b"./" + os.fsencode(name) for name in names), b"", ["--transform=flags=r;s,^\\./,,"])

    def close_list(self) -> None:
        """Close the checksum list, so that it can be packed itself."""
        self._list.close()

    def finish(self) -> None:
        """Write the end mark."""
        end = 2 * BLOCK
        self._write(bytes(end + -(self.packed.stream_bytes + end) % RECORD))
        self.packed.stream_sha256 = self._hash.hexdigest()

    def _add(self, folder: str, names, prefix: bytes, options: list[str]) -> None:
        delivery = _Delivery(folder, prefix)
        stream = TarStream(lambda name, digest: self._member(delivery, name, digest))
        tar = MANAGER.command("tar", "-c", "--format=gnu", "--no-recursion", "--null", *options, "-C", folder,
                              "-f", "-", "-T", "-")
        try:
            process.pipe(lambda source, sink: delivery.ask(names, sink), tar,
                         lambda source, sink: self._pass_on(source, stream), ok=(0, TAR_DIFFERS))
        except CommandError as error:
            delivery.excuse(error)
        stream.finish()
        self.packed.vanished += delivery.vanished()

    def _pass_on(self, source: Source, stream: TarStream) -> None:
        for chunk in source.chunks():
            self._write(stream.feed(chunk))

    def _write(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self.packed.stream_bytes += len(data)
        self._sink.write(data)
        self._on_bytes(len(data))

    def _member(self, delivery: "_Delivery", name: bytes, digest: str | None) -> None:
        delivery.got(name)
        if digest and not self._list.closed:
            self._list.write(checksums.line(digest, name.removeprefix(os.fsencode(self._top) + b"/")))
            self.packed.files += 1


class _Delivery:
    """Compares what tar was asked for with what it delivered, in order and without holding all names."""

    def __init__(self, folder: str, prefix: bytes) -> None:
        self._folder, self._prefix = os.fsencode(folder), prefix
        self._asked: collections.deque[bytes] = collections.deque()
        self._missing: list[bytes] = []

    def ask(self, names, sink: Sink) -> None:
        for name in names:
            self._asked.append(name)
            sink.write(name + b"\0")

    def got(self, member: bytes) -> None:
        """Note a member; what was asked for before it and did not come is missing."""
        member = member.rstrip(b"/")
        while self._asked:
            asked = self._asked.popleft()
            if self._member_name(asked) == member:
                return
            self._missing.append(asked)
        raise ArchiveError(f"tar packed {os.fsdecode(member)!r}, which it was not asked for")

    def excuse(self, error: CommandError) -> None:
        """Let tar's failure pass when all it says is that files came, went or changed meanwhile."""
        lines = [line for line in error.stderr.splitlines() if line.strip()]
        if error.code != TAR_FAILED or not lines or not all(HARMLESS.search(line) for line in lines):
            raise error

    def vanished(self) -> list[str]:
        """Return what was asked for and is gone; raise ArchiveError for what is there and did not come."""
        missing = [*self._missing, *self._asked]
        for name in missing:
            if os.path.lexists(os.path.join(self._folder, name)):
                raise ArchiveError(f"{os.fsdecode(self._folder)}: tar left out {os.fsdecode(name)!r}, which is there")
        return [os.fsdecode(os.path.join(self._folder, name[2:])) for name in missing]

    def _member_name(self, asked: bytes) -> bytes:
        return self._prefix + asked[1:] if self._prefix else asked[2:]


def _replacement(text: str) -> str:
    """Return text as the right side of tar's s,,, expression."""
    return re.sub(r"([\\&,])", r"\\\1", text)
