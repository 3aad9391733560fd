"""A whole provider in another folder: archives, control files, and the list last.

A folder on this machine is made equal to the provider; one behind ssh, sftp or ftp gets what is new there.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts.errors import ArchiveError, Fault, RefusedError
from scripts.hosts.local import MANAGER
from scripts.mods import control as controls
from scripts.mods import index, names, packages
from scripts.mods.index import IndexLine
from scripts.mods.provider import PUBLIC, Provider
from scripts.mods.reach import Folder, NotThere
from scripts.present import output

MARK = ".trim-mirror-of"    # in a mirror: the address it is of
LIST = f"Packages/{PUBLIC}"


@dataclass
class Mirrored:
    """What a mirror got: lines that are in its list, those that came now, names of files that went, and what failed."""

    lines: list[IndexLine] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def into_folder(source: Provider, folder: Path) -> Mirrored:
    """Make a folder what a provider is.

    A mod whose archive cannot be had, or is not what the list says, is told; what was mirrored of it earlier stays.
    """
    lines = source.list()
    _claim(source, folder)
    before = {line.mod: line for line in index.load(folder / LIST)}
    done = Mirrored()
    for line in lines:
        try:
            if _brought(source, line, folder):
                done.fetched.append(line.archive_name)
            done.lines.append(line)
        except Fault as fault:
            done.failed.append(line.mod)
            done.lines += [before[line.mod]] if line.mod in before and _is_whole(folder, before[line.mod]) else []
            output.warn(f"{line.mod}: not mirrored: {fault}")
    _put(folder / LIST, index.write(done.lines).encode("utf-8", "surrogateescape"))
    done.removed = _swept(folder, done.lines)
    return done


def onto(source: Path, target: Provider, lines: list[IndexLine]) -> Mirrored:
    """Bring a provider's folder of this machine to one that is elsewhere: what is new there, and the list last."""
    try:
        there = {line.archive_name: line for line in target.list()}
    except NotThere:
        there = {}
    done = Mirrored(lines=lines)
    for line in lines:
        if there.get(line.archive_name) != line:
            target.reach.put(source / "Dist" / line.archive_name, f"Dist/{line.archive_name}")
            done.fetched.append(line.archive_name)
        control = f"Packages/{names.control_file(line.mod)}"
        if there.get(line.archive_name) != line and (source / control).is_file():
            target.reach.put(source / control, control)
    with tempfile.TemporaryDirectory(prefix="trim-") as scratch:
        written = Path(scratch) / PUBLIC
        written.write_bytes(index.write(lines).encode("utf-8", "surrogateescape"))
        target.reach.put(written, LIST)
    return done


@contextmanager
def staged(source: Provider, folder: Path) -> Iterator[tuple[Path, Mirrored]]:
    """Lend a folder of this machine that is what the provider is: the provider's own, or a mirror of it."""
    if isinstance(source.reach, Folder):
        yield Path(source.reach.folder), Mirrored(lines=source.list())
    else:
        yield folder, into_folder(source, folder)


def _claim(source: Provider, folder: Path) -> None:
    """Refuse a folder that holds anything but a mirror of this provider: what is in excess there will be removed."""
    mark = folder / MARK
    if folder.exists() and any(folder.iterdir()):
        of = mark.read_text("utf-8").strip() if mark.is_file() else ""
        if of != source.address:
            what = f"is a mirror of {of}" if of else "is not empty, and no mirror"
            raise RefusedError(f"{folder}: {what}. Nothing was changed. Next: TO= another folder")
    for place in (folder / "Packages", folder / "Dist"):
        MANAGER.make_folder(str(place))
    MANAGER.write(str(mark), f"{source.address}\n".encode(), 0o644)


def _brought(source: Provider, line: IndexLine, folder: Path) -> bool:
    """Bring the archive of a line and its control file; whether the archive had to be fetched."""
    archive = folder / "Dist" / line.archive_name
    is_new = not _is_right(archive, line)
    if is_new:
        source.fetch(line, archive)
    control = packages.inspect(archive, line.mod, line.revision.text)
    text = controls.write(control)
    if line.md5 or line.sha256:
        text = controls.with_sums(text, *packages.sums(archive))
    own = folder / "Packages" / names.control_file(line.mod)
    data = text.encode("utf-8", "surrogateescape")
    if not own.is_file() or own.read_bytes() != data:
        _put(own, data)
    return is_new


def _is_right(archive: Path, line: IndexLine) -> bool:
    if not archive.is_file() or not (line.md5 or line.sha256):
        return False
    try:
        packages.check_sums(archive, line.md5, line.sha256, "the list")
    except ArchiveError:
        return False
    return True


def _is_whole(folder: Path, line: IndexLine) -> bool:
    """Whether what an earlier run mirrored is still there as its list said."""
    archive = folder / "Dist" / line.archive_name
    try:
        packages.check_sums(archive, line.md5, line.sha256, "the list")
        packages.inspect(archive, line.mod, line.revision.text)
    except (ArchiveError, FileNotFoundError):
        return False
    return True


def _swept(folder: Path, lines: list[IndexLine]) -> list[str]:
    """Remove archives and control files that the list does not name; return their names."""
    wanted = {line.archive_name for line in lines} | {names.control_file(line.mod) for line in lines} | {PUBLIC}
    gone = []
    for place in ("Dist", "Packages"):
        for path in sorted((folder / place).iterdir()):
            if path.name not in wanted and not path.is_dir():
                MANAGER.remove(str(path))
                gone.append(path.name)
    return gone


def _put(path: Path, data: bytes) -> None:
    MANAGER.write(str(path), data, 0o644)
