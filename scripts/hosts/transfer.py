"""Copies trees between the manager and hosts: rsync, the one place that knows its options and exit codes."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.errors import CommandError, HostError
from scripts.hosts import process, rsync_ways
from scripts.hosts.host import Host
from scripts.hosts.local import MANAGER
from scripts.hosts.rsync_ways import Way

VANISHED = 24            # files went away between rsync's list and its look: a living site does that
# Times are compared with their nanoseconds: a file that was written twice in one second may keep its size.
OPTIONS = ("-aH", "--modify-window=-1", "--numeric-ids", "--delete", "--stats")
BY_CONTENT = "--checksum"   # where somebody may have put back size and time of what was changed
TIME_OF_TOP = b".d..t...... ./\n"   # as rsync itemizes it
TRAILER = re.compile(rb"^total size is [\d,.]+[KMGT]?  speedup is", re.MULTILINE)
FIGURES = (b"Number of regular files transferred", b"Number of created files", b"Number of deleted files",
           b"Total transferred file size")
FILE_VANISHED = re.compile(r'file has vanished: "(.*)"')


@dataclass(frozen=True)
class Copied:
    """What a copy moved: files and bytes that differed, and files that vanished meanwhile."""

    files: int = 0
    size_bytes: int = 0
    vanished: list[str] = field(default_factory=list)
    moved_nothing: bool = False
    """Whether there was nothing to make or to remove; modes and owners may have been given all the same."""


def copy(source: Host, folder: str, target: Host, into: str, filters: Sequence[str] = (), owner: str | None = None,
         through: str | None = None) -> Copied:
    """Make the folder `into` on target equal to a folder of source, the shortest way there is.

    What filters exclude is neither copied nor removed at the target; what they only hide (`--filter=H /x/*`) is
    removed there. owner (`user:group`) is given to everything. through is a folder of the manager for what cannot
    go past it: hosts that do not reach each other. Raises HostError when it is needed and not given.
    """
    way = rsync_ways.between(source, target)
    if way is not None:
        return _sync(way, folder, into, [*filters, *_owner(owner)])
    if through is None:
        raise HostError(f"{source.name} and {target.name} do not reach each other by ssh, and there is no folder to "
                        "copy through")
    # The folder shall hold what this copy is to make, and nothing that was left there.
    fetched = _sync(rsync_ways.between(source, MANAGER), folder, through, ["--delete-excluded", *filters])
    put_there = put(through, target, into, filters, owner)
    return Copied(put_there.files, put_there.size_bytes, [*fetched.vanished, *put_there.vanished],
                  put_there.moved_nothing)


def is_equal(source: Host, folder: str, target: Host, into: str, filters: Sequence[str] = (),
             owner: str | None = None) -> bool:
    """Whether `copy` would have nothing to do, modes and owners included; it is asked where the manager runs rsync.

    The time of the folder itself does not count: a page that is put up in it changes that. False too where the manager
    does not run rsync, or where something vanished meanwhile.
    """
    way = rsync_ways.between(source, target)
    if way is None or not way.is_here:
        return False
    command = way.command(folder, into, [*OPTIONS, "--dry-run", "--itemize-changes", *filters, *_owner(owner)])
    told = process.read(command, ok=(0, VANISHED))
    changes, _, closing = told.partition(b"\nNumber of files: ")
    return not changes.replace(TIME_OF_TOP, b"").strip() and bool(TRAILER.search(closing))


def way(source: Host, target: Host) -> str:
    """Return in words which way `copy` takes; two hosts are asked whether they reach each other."""
    return str(rsync_ways.between(source, target) or f"{source.name} to {target.name} through the manager")


def put(folder: str, host: Host, into: str, filters: Sequence[str] = (), owner: str | None = None) -> Copied:
    """Make the folder `into` on a host equal to a folder of the manager.

    What filters exclude is neither copied nor removed there. owner (`user:group`) is given to everything.
    """
    return _sync(rsync_ways.between(MANAGER, host), folder, into, [*filters, *_owner(owner)])


def _sync(way: Way, folder: str, into: str, options: list[str]) -> Copied:
    options = [*OPTIONS, *options]
    try:
        told = way.copy(folder, into, options)
    except CommandError as error:
        if error.code == VANISHED:
            return Copied(vanished=FILE_VANISHED.findall(error.stderr))
        raise
    if process.conduct.dry_run:
        return Copied()
    if not TRAILER.search(told):
        shown = way.command(folder, into, options).shown
        raise CommandError(f"{shown}: ended before its work was done: the closing lines are missing")
    files, made, removed, size = (_figure(told, label) for label in FIGURES)
    return Copied(files, size, moved_nothing=not (files or made or removed))


def _owner(owner: str | None) -> list[str]:
    return [f"--chown={owner}"] if owner else []


def _figure(told: bytes, label: bytes) -> int:
    found = re.search(label + rb": ([\d,.]+)", told)
    return int(re.sub(rb"[,.]", b"", found[1])) if found else 0


def excluding(patterns: tuple[str, ...]) -> list[str]:
    """Return filters that leave out these paths, read from the folder's top."""
    return [f"--exclude=/{pattern.strip('/')}" for pattern in patterns]


def but(name: str) -> str:
    """Return a filter that leaves out what bears this name, at any depth."""
    return f"--exclude={name}"


def is_root_at(host: Host) -> bool:
    """Whether commands at a host run as root, so that owners can be given."""
    if host.reads_in_place:
        return os.geteuid() == 0
    return host.read_line("id", "-u") == "0"
