"""Archives of TRIM and Tiki Manager where they lie, and how they come into our folder under a name of ours.

They stay foreign: without a record, so that retention never drops one, and without a checksum, so that a restore
wants UNVERIFIED=yes.
"""

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scripts.errors import ArchiveError, CommandError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.store import archive, checksums, verify

FOLDER_FORM = re.compile(r"(\d+)-.+")
BZIP2 = b"BZh"
ENDING = ".tar.bz2"   # the old managers knew no other


@dataclass(frozen=True)
class Found:
    """What lies in one folder ID-NAME: archives by the stamp of their names, and a sentence on each other file."""

    archives: dict[str, Path]
    others: tuple[str, ...]


def folders(place: Path) -> dict[str, Path]:
    """Return the folders ID-NAME below an old archive folder, by name."""
    if not place.is_dir():
        return {}
    return {path.name: path for path in sorted(place.iterdir()) if path.is_dir() and FOLDER_FORM.fullmatch(path.name)}


def found_in(folder: Path) -> Found:
    """Return the archives of one folder, and what else lies there."""
    archives, others = {}, []
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        return Found({}, (f"{folder}: cannot be read: {error.strerror}",))
    for path in paths:
        stamp = _stamp(folder.name, path.name)
        reason = _no_archive(path) if stamp else "its name is no archive's"
        if reason:
            others.append(f"{path}: {reason}")
        else:
            archives[stamp] = path.resolve()
    return Found(archives, tuple(others))


def target_of(folder: Path, instance: str, stamp: str) -> Path:
    """Return where a foreign archive goes under its new name."""
    return folder / f"{instance}_{stamp}{ENDING}"


def is_there(source: Path, target: Path) -> bool:
    """Whether target is this archive already; raise ArchiveError when another one has its name."""
    if not target.exists():
        return False
    here, there = target.stat(), source.stat()
    if target.samefile(source) or (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
        return True
    raise ArchiveError(f"{source}: another archive has its name here: {target.name}")


def bytes_to_copy(sources: list[Path], folder: Path) -> int:
    """Return what these archives take in folder: nothing where a second name of the file will do."""
    device = _device(folder)
    return sum(found.st_size for found in map(Path.stat, sources) if found.st_dev != device)


def bring(source: Path, target: Path) -> None:
    """Give a foreign archive its place and name here; the old file stays as it is.

    On one disk the same file gets a second name, which takes no space and cannot be half done. Elsewhere, and
    where the system allows no such name, it is copied, compared, and only then named.
    """
    try:
        if source.stat().st_dev == _device(target.parent):
            MANAGER.run("ln", "-T", "--", str(source), str(target))
            return
    except CommandError:
        pass  # a file of another account may have no second name by ours: fs.protected_hardlinks
    _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    partial = archive.companion(target, archive.PARTIAL)
    try:
        MANAGER.run("install", "-m", "600", "-p", "-T", "--", str(source), str(partial))
        if not process.conduct.dry_run:
            verify.forget_cached(partial)
            if checksums.of_file(partial) != checksums.of_file(source):
                raise ArchiveError(f"{source}: its copy is another one; the disk is at fault, or it was being written")
        MANAGER.rename(str(partial), str(target))
        MANAGER.sync(str(target))
    except BaseException:
        MANAGER.remove(str(partial))
        raise


def _stamp(folder: str, name: str) -> str:
    """Return the moment in an archive's name, or nothing when it has not the form FOLDER_STAMP.tar.bz2."""
    stamp = name.removeprefix(f"{folder}_").removesuffix(ENDING)
    try:
        datetime.strptime(stamp, archive.STAMP)
    except ValueError:
        return ""
    return stamp if name == f"{folder}_{stamp}{ENDING}" else ""


def _no_archive(path: Path) -> str:
    """Return why a file of the right name is no archive, as far as its first bytes tell."""
    try:
        with open(path, "rb") as file:
            return "" if file.read(len(BZIP2)) == BZIP2 else "is empty or no bzip2 file"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _device(folder: Path) -> int:
    """Return the disk a folder lies on, or will lie on once it is made."""
    while not folder.exists():
        folder = folder.parent
    return os.stat(folder).st_dev
