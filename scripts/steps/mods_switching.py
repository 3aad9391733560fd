"""Puts the files of mods in place at a site's host, with a second name of everything that they change.

Like switching.py, whose folder beside the web root it takes, but for a few files instead of all: what is not in its
lists is not looked at.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.errors import CommandError
from scripts.hosts import listing, transfer
from scripts.steps import switching
from scripts.steps.switching import DENIED, Job
from scripts.tiki import small_files
from scripts.tiki.small_files import SmallFile

PROGRAM = (Path(__file__).parent / "mods_switching.sh").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Files:
    """What changes, by paths from the web root: put comes, gone goes, folders are made, the upper ones first, with
    folder_mode; emptied are removed if nothing is left in them, the deepest first. owner and group are numbers, of who
    has the web root.
    """

    put: Mapping[str, SmallFile] = field(default_factory=dict, repr=False)
    gone: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    folder_mode: int = 0o755
    owner: int = 0
    group: int = 0

    @property
    def digests(self) -> dict[str, str | None]:
        """Return the sums of what is there afterwards; None for what is gone."""
        return {path: hashlib.sha256(self.put[path].content).hexdigest() if path in self.put else None
                for path in self.touched}

    @property
    def touched(self) -> tuple[str, ...]:
        return tuple(sorted({*self.put, *self.gone}))


def stage(job: Job, files: Files) -> None:
    """Lay beside the web root what comes, and a second name of what is there; nothing of the site changes yet.

    Raises CommandError when what arrived is not what was sent.
    """
    host = job.host
    owners = "--same-owner" if transfer.is_root_at(host) else "--no-same-owner"
    host.make_folder(job.folder, 0o700)
    host.run("tar", "-C", job.folder, "--acls", "--same-permissions", owners, "-xf", "-",
             stdin=small_files.packed({**_lists(files), **{f"new/{path}": file for path, file in files.put.items()}}))
    _require_same(job, job.new, files)
    _call(job, "keep")


def _lists(files: Files) -> dict[str, SmallFile]:
    """Return what tells the program what to do, and keeps web servers out."""
    parents = {os.path.dirname(path) or "." for path in (*files.touched, *files.folders, *files.emptied)}
    lists = {"put": files.put, "gone": files.gone, "touched": files.touched, "folders": files.folders,
             "emptied": files.emptied, "parents": sorted(parents)}
    texts = {".htaccess": DENIED, "mode": f"{files.folder_mode:o}\n".encode(),
             **{name: _list(names) for name, names in lists.items()}}
    return {name: SmallFile(b"0", text, mode=0o600, owner=files.owner, group=files.group, time="0")
            for name, text in texts.items()}


def put(job: Job, files: Files) -> None:
    """Make the change; raise CommandError when the files are not what they are to be afterwards."""
    _call(job, "put")
    _require_same(job, job.root, files)
    if left := listing.named(job.host, job.root, files.gone):
        raise CommandError(f"[{job.host.name}] {min(left)} is still in {job.root}")


def back(job: Job) -> None:
    """Make everything what it was; may be done any number of times. What else this change started is ended first."""
    _call(job, "back")


def _require_same(job: Job, folder: str, files: Files) -> None:
    wanted = {path: hashlib.sha256(file.content).hexdigest() for path, file in files.put.items() if file.is_file}
    found = listing.sums(job.host, folder, {path: len(files.put[path].content) for path in wanted}) if wanted else {}
    if wrong := sorted(path for path, digest in wanted.items() if found.get(path) != digest):
        raise CommandError(f"[{job.host.name}] {folder}: {len(wrong)} files are not what was sent, as in {wrong[0]}")


def _call(job: Job, action: str) -> None:
    before = switching.marked(job) if action != "back" else ()
    switching.told_by(job, action, (*before, "sh", "-s", "--", action, job.folder, job.root), PROGRAM)


def _list(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\0" for name in names).encode("utf-8", "surrogateescape")
