"""Archives of mods, TYPE-NAME-REVISION.tgz: the control file under Packages/, then the files it names.

What comes out of an archive is what its control file names and nothing else, and nothing of it leaves the folder.
"""

import gzip
import hashlib
import io
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from scripts.errors import ArchiveError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.mods import control as control_files
from scripts.mods import names
from scripts.mods.parts import ControlFile

LARGEST_ARCHIVE = 200 << 20     # bytes; the largest known mod has 8 MB
LARGEST_CONTENT = 1 << 30       # bytes of all files together, unpacked
MOST_MEMBERS = 20_000
LARGEST_HEADER = 1 << 16       # bytes of what says a member's long name and the like
CHUNK = 1 << 18
PACKAGES = "Packages"
NONSENSE = (ValueError, LookupError, ArithmeticError, RecursionError)   # what tarfile stumbles with over odd headers


def pack(control: ControlFile, folder: Path, archive: Path) -> tuple[str, str]:
    """Write a mod's archive from the mods folder; return its md5 and sha256.

    The same files give the same archive. Sums in the control file are left out of the archive's copy: they are the
    archive's own. Raises ArchiveError that names every source that is missing or no plain file.
    """
    if faults := missing_sources(control, folder):
        raise ArchiveError(f"{control.mod}: {'; '.join(faults)}")
    text = control_files.write(replace(control, md5="", sha256="")).encode("utf-8", "surrogateescape")
    if process.conduct.dry_run:
        process.conduct.on_dry(f"[manager] pack {archive}")
        return "", ""
    partial = archive.with_name(f".trim-new-{archive.name}")
    try:
        with open(partial, "wb") as file:
            with gzip.GzipFile("", "wb", 9, file, mtime=0) as zipped, \
                    tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                _add(tar, f"{PACKAGES}/{names.control_file(control.mod)}", io.BytesIO(text), len(text), 0)
                for source in control.sources:
                    with open(folder / source, "rb") as content:
                        found = os.fstat(content.fileno())
                        _add(tar, source, content, found.st_size, int(found.st_mtime))
            file.flush()
            os.fsync(file.fileno())
        if partial.stat().st_size > LARGEST_ARCHIVE:
            raise ArchiveError(f"{control.mod}: its archive would have more than {LARGEST_ARCHIVE >> 20} MB, which "
                               "nobody takes")
        partial.chmod(0o644)
        MANAGER.rename(str(partial), str(archive))
    finally:
        MANAGER.remove(str(partial))
    return sums(archive)


def missing_sources(control: ControlFile, folder: Path) -> list[str]:
    """Return what is wrong with the files that a control file names, a sentence each."""
    top, faults = os.path.realpath(folder), []
    for source in control.sources:
        path = os.path.join(top, source)
        try:
            kind = os.lstat(path).st_mode
        except OSError:
            faults.append(f"{source} is missing")
            continue
        if not stat.S_ISREG(kind):
            faults.append(f"{source} is {'a folder' if stat.S_ISDIR(kind) else 'no plain file'}")
        elif not os.path.realpath(path).startswith(f"{top}/"):
            faults.append(f"{source} lies outside of {folder}, behind a link")
    return faults


def sums(path: Path) -> tuple[str, str]:
    """Return md5 and sha256 of a file."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            md5.update(chunk)
            sha256.update(chunk)
    return md5.hexdigest(), sha256.hexdigest()


def check_sums(path: Path, md5: str, sha256: str, told_by: str) -> None:
    """Raise ArchiveError when an archive is not the one that the sums are of; an empty sum is not compared."""
    for kind, wanted, found in zip(("md5", "sha256"), (md5, sha256), sums(path)):
        if wanted and wanted != found:
            raise ArchiveError(f"{path.name}: its {kind} is {found}, {told_by} says {wanted}: damaged or another file. "
                               "Nothing of it was used")


def inspect(archive: Path, expected: str, revision: str = "") -> ControlFile:
    """Return the control file of an archive, every member of which was judged.

    expected is the mod that was asked for, revision the one that was promised: any other is refused.
    """
    with _opened(archive) as tar:
        return _judged(archive, tar, expected, revision, into=None)


def unpack(archive: Path, folder: Path, expected: str, revision: str = "") -> ControlFile:
    """Unpack an archive into an empty folder of the manager and return its control file.

    Each file lies below the folder as the control file names it, and the control file under Packages/. Raises
    ArchiveError for an archive that is damaged, too large, of another mod or revision, that has a member its control
    file does not name, or lacks one; the folder is then to be thrown away.
    """
    if any(folder.iterdir()):
        raise ArchiveError(f"{folder}: is not empty")
    with _opened(archive) as tar:
        return _judged(archive, tar, expected, revision, folder)


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """Yield the archive as a stream; whatever is wrong with its form is an ArchiveError."""
    try:
        if archive.stat().st_size > LARGEST_ARCHIVE:
            raise ArchiveError(f"{archive}: larger than {LARGEST_ARCHIVE >> 20} MB")
        with open(archive, "rb") as file, gzip.GzipFile(fileobj=file) as unzipped:
            limited = _Limited(unzipped, archive)
            with tarfile.open(fileobj=limited, mode="r|", errorlevel=2, tarinfo=_Member) as tar:
                yield tar
            while limited.read(CHUNK):  # to its end, where gzip compares its own sum
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, *NONSENSE) as error:
        raise ArchiveError(f"{archive}: damaged, or no archive of a mod: {error}") from error
    except OSError as error:
        raise ArchiveError(f"{archive}: cannot be read or unpacked: {error.strerror or error}") from error


def _judged(archive: Path, tar: tarfile.TarFile, expected: str, revision: str, into: Path | None) -> ControlFile:
    own = f"{PACKAGES}/{names.control_file(expected)}"
    control: ControlFile | None = None
    here: set[str] = set()
    for member in tar:
        tar.members = []  # else they would all be kept
        name = member.name.removeprefix("./")
        if member.isdir() and not names.fault_of_path(name.rstrip("/") or "."):
            continue
        _refuse_odd(archive, member, name)
        if name in here:
            raise ArchiveError(f"{archive}: {name!r} is in it twice. Nothing of it was used")
        content = tar.extractfile(member)
        assert content is not None  # it is a plain file
        if control is None:
            control = _control(archive, name, own, content.read(control_files.LARGEST + 1), expected, revision)
        elif name not in control.sources:
            raise ArchiveError(f"{archive}: {name!r} is not named by its control file. Nothing of it was used")
        here.add(name)
        if len(here) > MOST_MEMBERS:
            raise ArchiveError(f"{archive}: has more than {MOST_MEMBERS} files. Nothing of it was used")
        if into and name != own:
            _write(into, name, content)
    if control is None:
        raise ArchiveError(f"{archive}: is empty")
    if lacking := [source for source in control.sources if source not in here]:
        raise ArchiveError(f"{archive}: lacks {', '.join(lacking[:5])}{' ...' if len(lacking) > 5 else ''}, which its "
                           "control file names. Nothing of it was used")
    if into:
        _write(into, own, io.BytesIO(control_files.write(control).encode("utf-8", "surrogateescape")))
    return control


def _refuse_odd(archive: Path, member: tarfile.TarInfo, name: str) -> None:
    if not member.isreg() or member.issparse():
        raise ArchiveError(f"{archive}: {member.name!r} is a link, a device or another thing that no mod has. Nothing "
                           "of it was used")
    why = names.fault_of_path(name)
    if not why and not name.startswith(f"{PACKAGES}/"):
        why = names.fault_of_source(name)
    if why:
        raise ArchiveError(f"{archive}: the name {member.name!r} {why}. Nothing of it was used")


def _control(archive: Path, name: str, own: str, data: bytes, expected: str, revision: str) -> ControlFile:
    if name != own:
        raise ArchiveError(f"{archive}: begins with {name!r} where {own!r} was asked for: this is another archive. "
                           "Nothing of it was used")
    control = control_files.trusted(control_files.text_of(data, f"{archive}: {own}"), f"{archive}: {own}")
    if control.mod != expected or (revision and control.revision.text != revision):
        raise ArchiveError(f"{archive}: holds {control.mod} {control.revision}, asked for was {expected} {revision}. "
                           "Nothing of it was used")
    return control


def _write(folder: Path, name: str, content: IO[bytes]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    # x: the folder was empty, so that nothing is there, no link either.
    with open(path, "xb") as file:
        while chunk := content.read(CHUNK):
            file.write(chunk)
    path.chmod(0o644)


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int, moment: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, moment, 0o644
    tar.addfile(member, content)


class _Member(tarfile.TarInfo):
    """A member, or what is said of the next one: tarfile reads that into memory, however much it is."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> tarfile.TarInfo:
        member = super().frombuf(buf, encoding, errors)
        if not member.isreg() and member.size > LARGEST_HEADER:
            raise tarfile.ReadError(f"{member.size} bytes that are no file's")
        return member


class _Limited:
    """Reads no more than a mod may have: a few bytes of gzip can stand for a full disk."""

    def __init__(self, stream: IO[bytes], archive: Path) -> None:
        self._stream, self._archive, self._left = stream, archive, LARGEST_CONTENT

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ArchiveError(f"{self._archive}: unpacks to more than {LARGEST_CONTENT >> 20} MB. Nothing of it was "
                               "used")
        return data
