"""Reads archives back: is the file what it was, does every byte unpack, is what unpacked what was packed."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from scripts.errors import ArchiveError, CommandError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.hosts.moments import SECOND
from scripts.hosts.streams import Sink, Source
from scripts.store import checksums, compress, damage, reading
from scripts.store.archive import Archive
from scripts.store.checking import KEPT, Checking, Differs
from scripts.store.index import Index, Member
from scripts.store.reading import Raw
from scripts.store.tar_stream import BLOCK, TarStream
from scripts.store.walk import FILE, FOLDER, KINDS, LINKED, SECOND_NAME

END_MARK = 2 * BLOCK    # bytes of zeros behind the last member


def check_file(archive: Archive, unverified: bool = False) -> bool:
    """Return True when the whole file is what its .sha256 says, False when there is none and that is allowed.

    Raises ArchiveError when it differs, or when there is no .sha256 and unverified is not set.
    """
    name = archive.path.name
    if not archive.checksum_path.exists():
        if unverified:
            return False
        raise ArchiveError(f"{name}: is unverifiable: no {archive.checksum_path.name} is beside it. Nothing was "
                           "changed. To take it as it is, as far as it can be read: UNVERIFIED=yes")
    wanted = archive.checksum_path.read_text(encoding="utf-8", errors="replace").split(" ", 1)[0]
    if checksums.of_file(archive.path) != wanted:
        raise ArchiveError(f"{name}: is damaged: its sha256 differs from the one beside it{damage.of_file(archive)}. "
                           f"Nothing was changed. {damage.way_out(archive)}")
    return True


def unpack(archive: Archive, folder: Path, found: Index | None = None) -> Path:
    """Unpack an archive into an empty folder, see that what lies there is what was packed, and return its top folder.

    With an index each part of the stream is compared before it is unpacked; without one, each file with the archive's
    list afterwards. An archive without a list (TRIM's, Tiki Manager's) is only unpacked. Where this account is not root
    everything belongs to it, and is `opened`. Raises ArchiveError when something differs, or when it cannot be unpacked
    or is of another shape.
    """
    is_root = os.geteuid() == 0
    same_owners = ["--same-owner"] if is_root else ["--no-same-owner"]
    tar = MANAGER.command("tar", "-x", "-p", *same_owners, "-C", str(folder), "-f", "-")
    try:
        if found:
            reading.pour(archive, found, tar)
        else:
            with open(archive.path, "rb") as file:
                process.pipe(compress.decompressor(archive.packed), _up_to_the_end_mark, tar, out_of=file)
    except (CommandError, _Cut) as error:
        raise ArchiveError(f"{archive.path.name}: cannot be unpacked: {error}") from error
    finally:
        if not is_root:
            _open_all(folder)   # what tar left of a broken archive, too: it is to be removed
    tops = list(folder.iterdir())
    if len(tops) != 1 or not tops[0].is_dir() or tops[0].is_symlink():
        raise ArchiveError(f"{archive.path.name}: is no backup: it has {len(tops)} entries at its top instead of "
                           "one folder")
    if found:
        _refuse_differences(archive, _landed(found, tops[0]))
    elif (tops[0] / checksums.LIST_NAME).exists():
        _refuse_differences(archive, checksums.differences(tops[0]))
    return tops[0]


def check_all(archive: Archive, found: Index, folder: Path) -> set[str]:
    """Unpack all of an archive and compare every file with the index; return the paths of what lies two folders deep.

    Nothing comes to the disk but the archive's own files, which are put into folder. Raises ArchiveError.
    """
    checking = Checking(found, folder)
    stream = TarStream(checking)

    def take(raws: Iterator[Raw]) -> None:
        for raw in raws:
            stream.feed(raw.content)
        stream.finish()

    try:
        reading.through(archive, found, found.segments, take)
        checking.finish()
    except (CommandError, Differs) as error:
        raise ArchiveError(f"{archive.path.name}: is damaged: {error}. Nothing was changed. "
                           f"{damage.way_out(archive)}") from error
    return checking.parts


def own_bytes(found: Index) -> int:
    """Return how much of the disk `check_all` takes."""
    names = set(map(os.fsencode, KEPT))
    return sum(member.size for segment in found.segments if b"/" not in segment.first
               for member in found.members(segment) if member.path in names)


def opened(mode: int, kind: str) -> int:
    """Return the mode that lets an owner who is not root read a file, or look after a folder."""
    return mode | {FILE: stat.S_IRUSR, FOLDER: stat.S_IRWXU}.get(kind, 0)


def _open_all(folder: Path) -> None:
    """Let this account read all that lies in a folder: it may be of an account that needs no permission, as root."""
    waiting = [os.fsencode(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                kind = KINDS.get(stat.S_IFMT(mode))
                if kind in (FILE, FOLDER) and opened(mode, kind) != mode:
                    os.chmod(entry.path, opened(stat.S_IMODE(mode), kind))
                if kind == FOLDER:
                    waiting.append(entry.path)


def _landed(found: Index, top: Path) -> list[str]:
    """Give what lies below top its exact time, and return what tar did not put there as it should.

    A disk that is full, or a tar that lies, shows here. The bytes that tar was given are known to be right, so it is
    asked only whether all of them arrived.
    """
    place, wrong = os.fsencode(top), []
    for member in found.all_members():
        path = os.path.join(place, member.path)
        try:
            status = os.lstat(path)
            _give_time(path, status, member)
        except OSError as error:
            wrong.append(f"{os.fsdecode(member.path)}: {error.strerror}")
            continue
        kind = KINDS.get(stat.S_IFMT(status.st_mode))
        # Of what a further name is the index does not tell, nor surely which name came first: that one may have been
        # replaced between our look and tar's.
        kinds = LINKED if member.kind == SECOND_NAME else (member.kind,)
        if kind not in kinds or (member.kind == FILE and status.st_size != member.size):
            wrong.append(f"{os.fsdecode(member.path)}: is not what was packed")
    return wrong


def _give_time(path: bytes, status: os.stat_result, member: Member) -> None:
    """Give a member the part of a second that an archive of tar cannot hold: without it, every copy finds it changed.

    Where the second itself is another one, it was written to between our look and tar's, and tar knows better.
    """
    if member.kind != SECOND_NAME and status.st_mtime_ns != member.mtime_ns \
            and status.st_mtime_ns // SECOND == member.mtime_ns // SECOND:
        os.utime(path, ns=(status.st_atime_ns, member.mtime_ns), follow_symlinks=False)


def _refuse_differences(archive: Archive, differences: list[str]) -> None:
    if differences:
        more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
        raise ArchiveError(f"{archive.path.name}: is damaged: {differences[0]}{more}. Nothing was changed")


def forget_cached(path: Path, start: int = 0) -> None:
    """Make the next read of a file, from that byte on, come from the disk, not from memory."""
    MANAGER.sync(str(path))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, start, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


class _Cut(Exception):
    """A tar stream stopped before its end."""


def _up_to_the_end_mark(source: Source, sink: Sink) -> None:
    """Pass a tar stream on; raise _Cut when it stops early: between two files tar would not notice."""
    end = b""
    for chunk in source.chunks():
        sink.write(chunk)
        end = (end + chunk[-END_MARK:])[-END_MARK:]
    if end != bytes(END_MARK):
        raise _Cut("it stops before its end mark")
