"""Reads and replaces a handful of small files of one folder, each in a single command; here without any.

A tar stream carries what single commands would lose or need many calls for: kind, mode, owner, ACL and the
nanoseconds of the time. Its end shows that nothing was cut off.
"""

import io
import tarfile
from collections.abc import Iterable

from scripts.errors import CommandError
from scripts.hosts import process
from scripts.hosts.host import Host
from scripts.tiki import small_files_here
from scripts.tiki.small_file import BESIDE, SmallFile

__all__ = ["BESIDE", "OwnersLost", "SmallFile", "packed", "put", "read", "unpacked"]

# Renamed one by one in the given order: a reader sees the old or the new file, never a part of one.
PUT = (f'cd -- "$1" && rm -rf {BESIDE} && mkdir -m 700 {BESIDE} && cd {BESIDE} && '
       'LC_ALL=C tar --acls --same-permissions "$2" -xf - && shift 2 && '
       f'mv -f -t .. -- "$@" && rmdir ../{BESIDE}')


class OwnersLost(CommandError):
    """Files of another account cannot be replaced without becoming ours."""


def read(host: Host, folder: str, names: Iterable[str]) -> dict[str, SmallFile]:
    """Return those of the named files that are there, and the folder itself as ".".

    A file that may not be read looks as if it were missing. Costs one call.
    """
    if host.reads_in_place and (found := _read_here(host, folder, names := tuple(names))) is not None:
        return found
    words = ("tar", "-C", folder, "--format=pax", "--acls", "--hard-dereference", "--no-recursion", "-cf", "-")
    # 2 is tar's code for a missing file. The folder comes last: its entry proves that the rest arrived.
    stream = host.read(*words, "--", *names, ".", ok=(0, 2))
    try:
        found = unpacked(stream)
    except tarfile.TarError as error:
        raise CommandError(f"[{host.name}] tar -C {folder}: its answer is no archive: {error}") from error
    if "." not in found:
        raise CommandError(f"[{host.name}] tar -C {folder}: cannot be read, or the answer is cut off")
    return found


def put(host: Host, folder: str, files: dict[str, SmallFile], *, keep_owners: bool = True) -> None:
    """Put whole files in place of those in folder, in the given order, each one at once.

    Raises OwnersLost, and changes nothing, when this account may not give them to their owners;
    keep_owners=False makes them the account's own. Costs one call.
    """
    if not files:
        return
    if host.reads_in_place and not process.conduct.dry_run and _put_here(host, folder, files, keep_owners):
        return
    owners = "--same-owner" if keep_owners else "--no-same-owner"
    try:
        host.run("sh", "-c", PUT, "put", folder, owners, *files, stdin=packed(files))
    except CommandError as error:
        reason = " / ".join(error.stderr.split("\n")).strip(" /") or str(error)
        kind = OwnersLost if "Cannot change ownership" in reason else CommandError
        raise kind(f"[{host.name}] {folder}: cannot replace {', '.join(files)}: {reason}", code=error.code,
                   stderr=error.stderr) from error


def _read_here(host: Host, folder: str, names: tuple[str, ...]) -> dict[str, SmallFile] | None:
    try:
        return small_files_here.read(folder, names)
    except OSError as error:
        raise CommandError(f"[{host.name}] {folder}: cannot be read: {error.strerror}") from error


def _put_here(host: Host, folder: str, files: dict[str, SmallFile], keep_owners: bool) -> bool:
    try:
        return small_files_here.put(folder, files, keep_owners)
    except OSError as error:
        kind = OwnersLost if isinstance(error, small_files_here.OwnerRefused) else CommandError
        raise kind(f"[{host.name}] {folder}: cannot replace {', '.join(files)}: {error.strerror}", code=1,
                   stderr=str(error)) from error


def unpacked(stream: bytes) -> dict[str, SmallFile]:
    """Return the files of a tar stream by name; raise TarError when it is cut off."""
    with tarfile.open(fileobj=io.BytesIO(stream)) as archive:
        return {_name(entry): _described(archive, entry) for entry in archive}


def _name(entry: tarfile.TarInfo) -> str:
    return entry.name.removeprefix("./") or "."


def _described(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> SmallFile:
    content = archive.extractfile(entry).read() if entry.isreg() else b""
    if len(content) != (entry.size if entry.isreg() else 0):
        raise tarfile.ReadError(f"{entry.name} is cut off")
    more = {name: text for name, text in entry.pax_headers.items() if name.startswith("SCHILY.acl.")}
    kind = tarfile.REGTYPE if entry.isreg() else entry.type
    return SmallFile(kind, content, entry.linkname, entry.mode, entry.uid, entry.gid, entry.uname, entry.gname,
                     entry.pax_headers.get("mtime", str(entry.mtime)), more)


def packed(files: dict[str, SmallFile]) -> bytes:
    """Return files as a tar stream, in the given order."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, file in files.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.mode, entry.size = file.kind, file.target, file.mode, len(file.content)
            # By number: a name may belong to another number in the tree of a foreign archive.
            entry.uid, entry.gid = file.owner, file.group
            entry.pax_headers = {**file.more, "mtime": file.time}
            archive.addfile(entry, io.BytesIO(file.content))
    return stream.getvalue()
