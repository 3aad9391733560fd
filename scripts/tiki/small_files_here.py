"""What small_files does, for folders of this machine: Python reads and replaces the files itself.

A site's page is looked at six times in a clone, and starting a program takes longer than reading it. What Python does
not know of is left to tar: None and False say so.
"""

import grp
import os
import pwd
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache

from scripts.hosts import moments
from scripts.tiki.small_file import BESIDE, SmallFile

KINDS: dict[Callable[[int], bool], bytes] = {
    stat.S_ISREG: tarfile.REGTYPE, stat.S_ISLNK: tarfile.SYMTYPE, stat.S_ISDIR: tarfile.DIRTYPE,
    stat.S_ISCHR: tarfile.CHRTYPE, stat.S_ISBLK: tarfile.BLKTYPE, stat.S_ISFIFO: tarfile.FIFOTYPE}
ACLS = ("system.posix_acl_access", "system.posix_acl_default")


class OwnerRefused(OSError):
    """This account may not give a file to its owner."""


class _LeftToTar(Exception):
    """A file has what only tar can tell."""


def read(folder: str, names: Iterable[str]) -> dict[str, SmallFile] | None:
    """Return those of the named files that are there, and the folder itself as "."; None when tar has to.

    Raises OSError for a folder that cannot be entered.
    """
    found = {}
    try:
        for name in names:
            with suppress(OSError):  # as if it were missing: gone, or not for us to read
                if file := _described(os.path.join(folder, name)):
                    found[name.removeprefix("./")] = file
        return {**found, ".": _described(os.path.join(folder, "."))}
    except _LeftToTar:
        return None


def put(folder: str, files: dict[str, SmallFile], keep_owners: bool) -> bool:
    """Put whole files in place of those in folder, one by one; return False, nothing changed, when tar has to.

    Raises OwnerRefused, before anything is replaced, when a file may not be given to its owner; OSError for all else.
    """
    if any(not (file.is_file or file.is_link) or file.more or not file.time or "/" in name
           for name, file in files.items()):
        return False
    beside = os.path.join(folder, BESIDE)
    if os.path.islink(beside) or os.path.isfile(beside):
        os.unlink(beside)
    elif os.path.isdir(beside):
        shutil.rmtree(beside)
    os.mkdir(beside, 0o700)
    try:
        for name, file in files.items():
            _write(os.path.join(beside, name), file, keep_owners)
        for name in files:
            os.replace(os.path.join(beside, name), os.path.join(folder, name))
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True


def _described(path: str) -> SmallFile | None:
    """Return a file as tar tells of it; None for a socket, which it leaves out."""
    status = os.lstat(path)
    kind = next((kind for is_kind, kind in KINDS.items() if is_kind(status.st_mode)), None)
    if kind is None:
        return None
    if status.st_mtime_ns < 0 or (kind != tarfile.SYMTYPE and not set(ACLS).isdisjoint(_attributes(path))):
        raise _LeftToTar
    content, target = b"", os.readlink(path) if kind == tarfile.SYMTYPE else ""
    if kind == tarfile.REGTYPE:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            content = file.read()
    return SmallFile(kind, content, target, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid,
                     _user(status.st_uid), _group(status.st_gid), moments.seconds(status.st_mtime_ns))


def _attributes(path: str) -> list[str]:
    try:
        return os.listxattr(path, follow_symlinks=False)
    except OSError:  # a file system without them
        return []


def _write(path: str, file: SmallFile, keep_owners: bool) -> None:
    if file.is_link:
        os.symlink(file.target, path)
    else:
        with open(path, "xb") as new:
            new.write(file.content)
    if keep_owners:
        _give(path, file)
    if file.is_file:  # after chown, which takes setuid bits away
        os.chmod(path, file.mode)
    moment = moments.nanoseconds(file.time)
    os.utime(path, ns=(moment, moment), follow_symlinks=False)


def _give(path: str, file: SmallFile) -> None:
    try:
        os.chown(path, file.owner, file.group, follow_symlinks=False)
    except PermissionError as error:
        raise OwnerRefused(error.errno, error.strerror, path) from error


@cache
def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return ""


@cache
def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ""
