"""Puts what comes out of an archive into a folder: never outside it, nor over what is there unless that is wished.

Folders are entered one by one, links never followed; a file bears another name until its content is known to be right.
"""

import errno
import grp
import hashlib
import os
import pwd
import secrets
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

from scripts.errors import ArchiveError, RefusedError
from scripts.hosts.streams import CHUNK

BESIDE = b".trim-new-" + secrets.token_hex(8).encode()
ENTER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class Landing:
    """A folder that things are put in; `finish` gives the folders in it their modes and times."""

    def __init__(self, folder: str, overwrites: bool = False) -> None:
        self._top, self._overwrites = os.fsencode(folder), overwrites
        self._folders: dict[bytes, tarfile.TarInfo] = {}
        self._entered: tuple[bytes, int] = (b"", os.open(self._top, os.O_RDONLY | os.O_DIRECTORY))
        self.files = self.size_bytes = 0

    def close(self) -> None:
        os.close(self._entered[1])

    def put(self, path: bytes, info: tarfile.TarInfo, content: Callable[[], IO[bytes]], sha256: str = "") -> str:
        """Put one member, a second name of a file excepted, in its place; return the sha256 of a file's content.

        Raises ArchiveError when a file is not what sha256 says, RefusedError for what is there already.
        """
        if info.isdir():
            os.close(self._enter(path, afresh=True))
            self._folders[path] = info
            return ""
        place, name = self._parent(path), os.path.basename(path)
        self._refuse_present(place, name, path)
        with _beside(place, name) as beside:
            digest = self._make(place, beside, info, content)
            if sha256 and digest != sha256:
                raise ArchiveError(f"{os.fsdecode(path)} is not what was packed")
        self.files += 1
        return digest

    def link(self, path: bytes, first: bytes) -> None:
        """Give a file that was put in its place one more name."""
        source = os.dup(self._parent(first))
        try:
            place, name = self._parent(path), os.path.basename(path)
            self._refuse_present(place, name, path)
            with _beside(place, name) as beside:
                os.link(os.path.basename(first), beside, src_dir_fd=source, dst_dir_fd=place, follow_symlinks=False)
            with suppress(FileNotFoundError):   # a name of that very file was there: then a rename does nothing
                os.unlink(BESIDE, dir_fd=place)
        finally:
            os.close(source)
        self.files += 1

    def finish(self) -> None:
        """Give folders their modes and times, the innermost first: before, they had to be written into."""
        for path, info in sorted(self._folders.items(), reverse=True):
            descriptor = self._enter(path, afresh=True)
            try:
                _dress(descriptor, info)
            finally:
                os.close(descriptor)

    def _make(self, place: int, beside: bytes, info: tarfile.TarInfo, content: Callable[[], IO[bytes]]) -> str:
        if info.issym():
            os.symlink(os.fsencode(info.linkname), beside, dir_fd=place)
            if os.geteuid() == 0:
                os.chown(beside, *_owner(info), dir_fd=place, follow_symlinks=False)
            os.utime(beside, (info.mtime, info.mtime), dir_fd=place, follow_symlinks=False)
            return ""
        if info.isfifo():
            os.mkfifo(beside, 0o600, dir_fd=place)
            return ""
        if not info.isreg():
            raise ArchiveError("a device is not taken out")
        descriptor = os.open(beside, NEW, 0o600, dir_fd=place)
        try:
            digest = self._write(descriptor, content())
            _dress(descriptor, info)
        finally:
            os.close(descriptor)
        return digest

    def _write(self, descriptor: int, content: IO[bytes]) -> str:
        whole = hashlib.sha256()
        while data := content.read(CHUNK):
            whole.update(data)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view):]
            self.size_bytes += len(data)
        return whole.hexdigest()

    def _refuse_present(self, place: int, name: bytes, path: bytes) -> None:
        try:
            found = os.stat(name, dir_fd=place, follow_symlinks=False)
        except FileNotFoundError:
            return
        shown = os.fsdecode(os.path.join(self._top, path))
        if not self._overwrites:
            raise RefusedError(f"{shown}: is there already. To replace it: OVERWRITE=yes; or give another DEST=")
        if stat.S_ISDIR(found.st_mode):
            raise RefusedError(f"{shown}: is a folder, and a file or link is to take its place. Give another DEST=")

    def _parent(self, path: bytes) -> int:
        """Return the folder that a path lies in, open, and made where it was not there."""
        folder = os.path.dirname(path)
        if self._entered[0] != folder:
            entered = self._enter(folder)
            os.close(self._entered[1])
            self._entered = folder, entered
        return self._entered[1]

    def _enter(self, path: bytes, afresh: bool = False) -> int:
        """Open a folder below the top one, name by name, making what is not there."""
        names = list(filter(None, path.split(b"/")))
        if b".." in names:
            raise ArchiveError(f"{os.fsdecode(path)}: leads out of the folder that it is to be put in; no archive of "
                               "ours has such a name")
        begun, opened = b"", os.open(self._top, os.O_RDONLY | os.O_DIRECTORY)
        for name in names:
            begun = os.path.join(begun, name)
            try:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700 if afresh else 0o777, dir_fd=opened)
                entered = os.open(name, ENTER, dir_fd=opened)
            except OSError as error:
                if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                    raise
                shown = os.fsdecode(os.path.join(self._top, begun))
                raise RefusedError(f"{shown}: is a link or a file, and nothing is written through it. "
                                   "Give another DEST=") from error
            finally:
                os.close(opened)
            opened = entered
        return opened


@contextmanager
def growing(path: Path, overwrites: bool = False) -> Iterator[Callable[[bytes], object]]:
    """Lend what writes a new file for its owner alone; it gets its name when the block has ended well."""
    if path.is_dir() or (os.path.lexists(path) and not overwrites):
        raise RefusedError(f"{path}: is there already. Nothing was written. To replace it: OVERWRITE=yes; or give "
                           "another DEST=")
    place = os.open(path.parent, ENTER)
    try:
        name = os.fsencode(path.name)
        with _beside(place, name) as beside, open(os.open(beside, NEW, 0o600, dir_fd=place), "wb") as file:
            yield file.write
    finally:
        os.close(place)


@contextmanager
def _beside(place: int, name: bytes) -> Iterator[bytes]:
    """Lend a name for what is not finished; it gets its own name when the block has ended well, else it goes."""
    try:
        yield BESIDE
        os.rename(BESIDE, name, src_dir_fd=place, dst_dir_fd=place)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(BESIDE, dir_fd=place)
        raise


def _dress(descriptor: int, info: tarfile.TarInfo) -> None:
    """Give an open file or folder its owner, where that can be given, its mode and its time."""
    if os.geteuid() == 0:
        os.chown(descriptor, *_owner(info))
    os.chmod(descriptor, info.mode & 0o7777)
    os.utime(descriptor, (info.mtime, info.mtime))


def _owner(info: tarfile.TarInfo) -> tuple[int, int]:
    return _number_of_user(info.uname, info.uid), _number_of_group(info.gname, info.gid)


@cache
def _number_of_user(name: str, number: int) -> int:
    """Return an account's number here, as tar finds it: by its name where there is one of that name."""
    with suppress(KeyError):
        return pwd.getpwnam(name).pw_uid
    return number


@cache
def _number_of_group(name: str, number: int) -> int:
    with suppress(KeyError):
        return grp.getgrnam(name).gr_gid
    return number
