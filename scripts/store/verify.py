"""Reads archives back: is the file what it was, does every byte unpack, is what unpacked what was packed."""

import hashlib
import os
from pathlib import Path

from scripts.errors import ArchiveError, CommandError
from scripts.hosts import process
from scripts.hosts.host import MANAGER
from scripts.hosts.streams import Sink, Source
from scripts.store import checksums, compress
from scripts.store.archive import Archive
from scripts.store.tar_stream import BLOCK

END_MARK = 2 * BLOCK    # bytes of zeros behind the last member


def read_back(path: Path, packed: str, stream_sha256: str) -> str:
    """Read a just written archive from the disk, unpack it whole, and return the sha256 of the file.

    Raises ArchiveError when it does not unpack to the very bytes that were packed.
    """
    forget_cached(path)
    file_hash, stream_hash = hashlib.sha256(), hashlib.sha256()
    with open(path, "rb") as file:
        process.pipe(_hashing(file_hash), compress.decompressor(packed), _swallow(stream_hash), out_of=file)
    if stream_hash.hexdigest() != stream_sha256:
        raise ArchiveError(f"{path.name}: what was read back is not what was packed; the disk or "
                           "the packing program is at fault")
    return file_hash.hexdigest()


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
        raise ArchiveError(f"{name}: is damaged: its sha256 differs from the one beside it. Nothing was changed. "
                           f"Try an older one: make archives INSTANCE={archive.instance}")
    return True


def unpack(archive: Archive, folder: Path) -> Path:
    """Unpack an archive into an empty folder, check every file against its list, and return its top folder.

    Raises ArchiveError when it cannot be unpacked, has not the shape of an archive, or holds other bytes than
    its list says. An archive without a list (TRIM's, Tiki Manager's) is only unpacked.
    """
    same_owners = ["--same-owner"] if os.geteuid() == 0 else ["--no-same-owner"]
    try:
        with open(archive.path, "rb") as file:
            process.pipe(compress.decompressor(archive.packed), _up_to_the_end_mark,
                         MANAGER.command("tar", "-x", "-p", *same_owners, "-C", str(folder), "-f", "-"), out_of=file)
    except (CommandError, _Cut) as error:
        raise ArchiveError(f"{archive.path.name}: cannot be unpacked: {error}") from error
    tops = list(folder.iterdir())
    if len(tops) != 1 or not tops[0].is_dir() or tops[0].is_symlink():
        raise ArchiveError(f"{archive.path.name}: is no backup: it has {len(tops)} entries at its top instead of "
                           "one folder")
    if (tops[0] / checksums.LIST_NAME).exists():
        _refuse_differences(archive, checksums.differences(tops[0]))
    return tops[0]


def _refuse_differences(archive: Archive, differences: list[str]) -> None:
    if differences:
        more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
        raise ArchiveError(f"{archive.path.name}: is damaged: {differences[0]}{more}. Nothing was changed")


def forget_cached(path: Path) -> None:
    """Make the next read of a file come from the disk, not from memory."""
    MANAGER.sync(str(path))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
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


def _hashing(total):
    def stage(source: Source, sink: Sink) -> None:
        for chunk in source.chunks():
            total.update(chunk)
            sink.write(chunk)
    return stage


def _swallow(total):
    def stage(source: Source, sink: Sink) -> None:
        for chunk in source.chunks():
            total.update(chunk)
    return stage
