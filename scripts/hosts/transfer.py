"""Copies trees between the manager and a host: rsync, the one place that knows its options and exit codes."""

import os
import re
import shlex
from dataclasses import dataclass, field

from scripts.errors import CommandError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.host import Host
from scripts.hosts.ssh import SshHost
from scripts.hosts.sudo import AccountHost, as_account

VANISHED = 24            # files went away between rsync's list and its look: a living site does that
TRAILER = re.compile(rb"^total size is [\d,.]+[KMGT]?  speedup is", re.MULTILINE)
FILE_VANISHED = re.compile(r'file has vanished: "(.*)"')


@dataclass(frozen=True)
class Copied:
    """What a copy moved: files and bytes that differed, and files that vanished meanwhile."""

    files: int = 0
    size_bytes: int = 0
    vanished: list[str] = field(default_factory=list)


def fetch(host: Host, folder: str, into: str, filters: list[str] = ()) -> Copied:
    """Make the folder `into` on the manager equal to a host's folder.

    filters are rsync's own words (`--exclude=/temp/cache/*`). Raises CommandError for anything that was not
    copied and is still there.
    """
    return _sync(host, _source(host, folder), f"{into}/", ["--delete-excluded", *filters])


def put(folder: str, host: Host, into: str, filters: list[str] = (), owner: str | None = None) -> Copied:
    """Make the folder `into` on a host equal to a folder of the manager.

    What filters exclude is neither copied nor removed there. owner (`user:group`) is given to everything.
    """
    given = [f"--chown={owner}"] if owner else []
    return _sync(host, f"{folder}/", _source(host, into), [*filters, *given])


def _sync(host: Host, source: str, target: str, options: list[str]) -> Copied:
    words = ["rsync", "-aH", "--numeric-ids", "--delete", "--stats", *options]
    words += _way_to(host)
    shown = f"[{host.name}] rsync {source} {target}"
    try:
        told = process.run(Command((*words, "--", source, target), shown))
    except CommandError as error:
        if error.code == VANISHED:
            return Copied(vanished=FILE_VANISHED.findall(error.stderr))
        raise
    if process.conduct.dry_run:
        return Copied()
    if not TRAILER.search(told):
        raise CommandError(f"{shown}: ended before its work was done: the closing lines are missing")
    return Copied(_figure(told, b"Number of regular files transferred"), _figure(told, b"Total transferred file size"))


def _way_to(host: Host) -> list[str]:
    """Return the options that let rsync reach the files of a host."""
    # Names travel as they are: without --protect-args the far side's shell would read them.
    if isinstance(host, SshHost):
        host.connect()
        as_other = [f"--rsync-path={shlex.join(as_account(host.account, ('rsync',)))}"] if host.account else []
        return ["--protect-args", "-e", host.rsync_shell, *as_other]
    if isinstance(host, AccountHost):
        return ["--protect-args", "-e", shlex.join(as_account(host.account, ("env",)))]
    return []


def _source(host: Host, folder: str) -> str:
    """Return a folder as rsync names it; the closing slash means its content."""
    if isinstance(host, SshHost):
        return f"{host.target}:{folder}/"
    # rsync puts the host's name behind its shell, which is `sudo ... env` here: env takes X=1 as a variable to set.
    return f"TRIM=1:{folder}/" if isinstance(host, AccountHost) else f"{folder}/"


def _figure(told: bytes, label: bytes) -> int:
    found = re.search(label + rb": ([\d,.]+)", told)
    return int(re.sub(rb"[,.]", b"", found[1])) if found else 0


def excluding(patterns: tuple[str, ...]) -> list[str]:
    """Return filters that leave out these paths, read from the folder's top."""
    return [f"--exclude=/{pattern.strip('/')}" for pattern in patterns]


def is_root_at(host: Host) -> bool:
    """Whether commands at a host run as root, so that owners can be given."""
    if host.reads_in_place:
        return os.geteuid() == 0
    return host.read_line("id", "-u") == "0"
