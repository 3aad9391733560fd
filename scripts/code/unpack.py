"""Opens release archives into a folder: tar with any packer, and zip. Whatever would leave the folder is refused."""

import os
import posixpath
import stat
import tarfile
import time
import zipfile
from pathlib import Path

from scripts.errors import ArchiveError, CommandError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.local import MANAGER
from scripts.hosts.streams import CHUNK, Sink, Source

UNPACKERS = {".tar.gz": "gzip", ".tgz": "gzip", ".tar.bz2": "bzip2", ".tar.zst": "zstd"}
TAR_BLOCK = 512         # bytes; a whole archive ends with two of them, all zeros


def from_file(path: Path, into: Path) -> None:
    """Unpack a release file into an empty folder; raise ArchiveError when it is damaged or not to be trusted."""
    if path.name.endswith(".zip"):
        _from_zip(path, into)
        return
    program = next(name for ending, name in UNPACKERS.items() if path.name.endswith(ending))
    from_tar(MANAGER.command(program, "-dc", "--", str(path)), into, str(path))


def from_tar(stream: Command, into: Path, shown: str) -> None:
    """Unpack the tar stream that a command writes; every member is judged before tar gets to see it."""
    judge = _Judge(shown)
    # Owners and odd modes of whoever packed it are not wanted; trees.py sets the modes.
    tar = MANAGER.command("tar", "-xf", "-", "-C", str(into), "--no-same-owner", "--no-same-permissions")
    try:
        process.pipe(stream, judge.pass_on, tar)
    except CommandError as error:
        raise ArchiveError(f"{shown}: cannot be unpacked, it may be damaged: {error}") from error
    there = sum(len(files) for _, _, files in os.walk(into))
    # os.walk counts a link to a folder as a folder.
    links = sum(os.path.islink(os.path.join(at, name)) for at, folders, _ in os.walk(into) for name in folders)
    if there + links != len(judge.names):
        raise ArchiveError(f"{shown}: tar unpacked {there + links} of {len(judge.names)} files and said nothing")


def top_of(folder: Path) -> Path:
    """Return where the tree begins: release archives have one folder around it."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() and not inside[0].is_symlink() else folder


def leaves(path: str, target: str = "") -> bool:
    """Tell whether a name, or the target of a link of that name, points out of its folder."""
    if path.startswith("/") or target.startswith("/") or ".." in path.split("/"):
        return True
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target)).split("/")[0] == ".."


class _Judge:
    """A stage between the unpacker and tar. names are the files and links that went through."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.names: set[str] = set()

    def pass_on(self, source: Source, sink: Sink) -> None:
        stream = _Lagging(source, sink)
        try:
            with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK, errorlevel=0) as tar:
                for member in tar:
                    self._judge(member)
                    tar.members = []  # else they would all be kept
        except tarfile.TarError as error:
            raise ArchiveError(f"{self.shown}: damaged, or no tar archive: {error}") from error
        while stream.read(CHUNK):
            pass
        if any(stream.tail) or len(stream.tail) < TAR_BLOCK:
            raise ArchiveError(f"{self.shown}: it is cut off: its end is missing")

    def _judge(self, member: tarfile.TarInfo) -> None:
        # A hard link's target is read from the top, a symbolic one's from where the link is.
        is_away = leaves(member.name, member.linkname if member.issym() else "") or leaves(member.linkname if
                                                                                           member.islnk() else "")
        if is_away or not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
            raise refused(self.shown, member.name)
        if not member.isdir():
            self.names.add(posixpath.normpath(member.name))


class _Lagging:
    """Hands each chunk on only when the next one is asked for: by then every whole header in it was judged."""

    def __init__(self, source: Source, sink: Sink) -> None:
        self._source, self._sink, self._held = source, sink, b""
        self.tail = b""

    def read(self, size: int) -> bytes:
        self._sink.write(self._held)
        self._held = self._source.read(size)
        self.tail = (self.tail + self._held)[-TAR_BLOCK:]
        return self._held


def refused(shown: str, name: str) -> ArchiveError:
    """Return the fault for a member that no release has."""
    return ArchiveError(f"{shown}: {name!r} would leave its folder or is no plain file: no release holds such a thing, "
                        "and nothing of it was used")


def _from_zip(path: Path, into: Path) -> None:
    """Unpack a zip file; reading compares each file with its checksum. Links in zip files are refused."""
    try:
        with zipfile.ZipFile(path) as packed:
            for member in packed.infolist():
                kind = stat.S_IFMT(member.external_attr >> 16)
                if leaves(member.filename) or "\\" in member.filename or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise refused(str(path), member.filename)
            for member in packed.infolist():
                _extract(packed, member, into)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise ArchiveError(f"{path}: damaged, or no zip file: {error}") from error


def _extract(packed: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path) -> None:
    made = packed.extract(member, into)
    if not member.is_dir():
        if member.external_attr >> 16 & stat.S_IXUSR:
            os.chmod(made, 0o755)
        # rsync tells a changed file by size and time: a file without its time would look new for ever.
        moment = time.mktime((*member.date_time, 0, 0, -1))
        os.utime(made, (moment, moment))
