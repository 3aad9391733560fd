"""This machine as a host: the manager, where TRIM itself runs and may look into every file."""

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass

from scripts.hosts import moments, process
from scripts.hosts.command import Command, shown
from scripts.hosts.host import Host


@dataclass(frozen=True)
class LocalHost(Host):
    """This machine. Files are found and changed by Python itself: nothing to start, nothing to misread."""

    name: str
    reads_in_place = True

    def command(self, *words: str, stdin: bytes | None = None) -> Command:
        return Command(words, shown(self.name, words), stdin)

    def real_paths(self, *paths: str) -> list[str]:
        return [os.path.realpath(path) for path in paths]

    def present(self, *paths: str, kind: str = "") -> list[str]:
        return [path for path in paths if _is_there(path, kind)]

    def free_bytes(self, path: str) -> int:
        path = os.path.abspath(path)
        while not os.path.exists(path):
            path = os.path.dirname(path)
        return shutil.disk_usage(path).free

    def put_temporary(self, start: str, text: bytes) -> str:
        descriptor, path = tempfile.mkstemp(prefix=f"{start}.")
        try:
            with open(descriptor, "wb") as file:
                file.write(text)
        except BaseException:
            os.unlink(path)
            raise
        return path

    def remove_temporary(self, path: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(path)

    def write(self, path: str, text: bytes, mode: int | None = None) -> None:
        if _told(f"write {path}"):
            return
        descriptor, beside = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".trim-new-")
        try:
            with open(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(beside, 0o666 & ~_umask() if mode is None else mode)
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise

    def rename(self, path: str, target: str) -> None:
        if not _told(f"rename {path} to {target}"):
            os.replace(path, target)

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        if os.path.isdir(path) or _told(f"make the folder {path}"):
            return
        self.make_folder(os.path.dirname(path), mode)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)

    def remove(self, *paths: str) -> None:
        for path in paths:
            if os.path.lexists(path) and not _told(f"remove {path}"):
                os.unlink(path)

    def remove_all(self, *paths: str) -> None:
        for path in paths:
            (self.remove_tree if _is_there(path, "d") else self.remove)(path)

    def set_time(self, path: str, moment: int | str) -> None:
        if not _told(f"set the time of {path}"):
            exact = moments.nanoseconds(moment)
            with suppress(FileNotFoundError):
                os.utime(path, ns=(exact, exact))

    def remove_tree(self, path: str) -> None:
        """Remove a folder and all that is in it; a link is removed, never followed."""
        if os.path.islink(path):
            self.remove(path)
        elif os.path.exists(path) and not _told(f"remove the folder {path}"):
            shutil.rmtree(path, onerror=_open_up)

    def sync(self, path: str) -> None:
        """Return when a file and its entry in the folder are on the disk."""
        if process.conduct.dry_run:
            return
        for name, flags in ((path, os.O_RDONLY), (os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)):
            descriptor = os.open(name, flags)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _is_there(path: str, kind: str) -> bool:
    """Whether something is at path, of a kind as find has it; links are not followed."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return not kind or {"d": stat.S_ISDIR, "f": stat.S_ISREG, "l": stat.S_ISLNK}[kind](mode)


def _told(change: str) -> bool:
    """In a dry run, show the change and return True."""
    if process.conduct.dry_run:
        process.conduct.on_dry(f"[manager] {change}")
    return process.conduct.dry_run


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _open_up(function, path, error) -> None:
    """Let rmtree pass folders that lost their write permission; anything else is raised."""
    parent = os.path.dirname(path)
    if not isinstance(error[1], PermissionError):
        raise error[1]
    os.chmod(parent, 0o700)
    if os.path.isdir(path) and not os.path.islink(path):
        os.chmod(path, 0o700)
        shutil.rmtree(path)
    else:
        os.unlink(path)


MANAGER = LocalHost("manager")
"""The machine TRIM runs on, for what belongs to no instance."""
