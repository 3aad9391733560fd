"""Puts prepared files in place of a release's within seconds, and takes them back from second names of the old ones.

At the site's host lies the folder of one switch, beside the web root: `new` holds what comes, `old` a second name of
every file that is there. The work on it is done there by one small program (switching.sh), one call a step, because
thirty thousand files wait for it while visitors see the maintenance page.
"""

import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import CommandError, HostError
from scripts.hosts import process, transfer
from scripts.hosts.host import Host
from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.steps import cloning_trees
from scripts.tiki import guard, layout, maintenance, small_files

PROGRAM = (Path(__file__).parent / "switching.sh").read_text(encoding="utf-8")
DENIED = b"Require all denied\n"
END = "end"
SHOWN = 3       # names in a message


@dataclass(frozen=True)
class Lists:
    """What a switch changes, by paths from the web root.

    put are the files that come, replaced those of them that take the place of others, gone those that go; folders are
    what may be empty afterwards, the deepest first. The entrances are among them.
    """

    put: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    @property
    def added(self) -> tuple[str, ...]:
        return tuple(sorted({*self.put} - {*self.replaced}))


@dataclass(frozen=True)
class Job:
    """One switch at a host; folder is its place there, root the web root without links."""

    host: Host
    web_root: str
    root: str
    folder: str

    @property
    def new(self) -> str:
        return f"{self.folder}/new"

    @property
    def old(self) -> str:
        return f"{self.folder}/old"


def place(instance: Instance) -> Job:
    """Return where a switch of this site can be: beside its web root, or in it where its parent cannot be used."""
    host = instance.host
    root = host.real_path(instance.web_root)
    above = os.path.dirname(root)
    name = f".trim-{instance.name}-{secrets.token_hex(8)}"
    devices = host.read("stat", "-c", "%d", "--", root, above).split()
    is_usable = len(devices) == 2 and devices[0] == devices[1] and is_writable(host, above)
    return Job(host, instance.web_root, root, f"{above if is_usable else root}/{name}")


def is_writable(host: Host, folder: str) -> bool:
    try:
        host.read("test", "-w", folder)
        return True
    except CommandError:
        return False


def make(job: Job, lists: Lists, data: Iterable[str]) -> None:
    """Make the folder of a switch, with its lists. data are folders of the web root that hold what users made."""
    host = job.host
    host.make_folder(job.folder, 0o700)
    # Should the parent be what another site serves: nobody can guess the name, and here nobody may read.
    host.write(f"{job.folder}/.htaccess", DENIED, 0o600)
    for folder in (job.new, job.old):
        host.make_folder(folder, 0o700)
    texts = {"put": _without_entrances(lists.put), "replaced": _without_entrances(lists.replaced),
             "gone": _without_entrances(lists.gone), "folders": [f"./{folder}" for folder in lists.folders],
             "entrances": guard.ENTRANCES}
    for name, names in texts.items():
        host.write(f"{job.folder}/{name}", "".join(f"{one}\0" for one in names).encode("utf-8", "surrogateescape"))
    patterns = [f"^{re.escape(folder)}/" for folder in data]
    host.write(f"{job.folder}/data", "".join(f"{one}\n" for one in patterns).encode("utf-8", "surrogateescape"))


def stage(job: Job, source: Path, names: Iterable[str], scratch: Path, options: list[str], owner: str | None) -> int:
    """Send some files of a folder of the manager into `new`; return their bytes. Only what differs travels."""
    wanted = sorted(names)
    if not wanted:
        return 0
    named = scratch / "names"
    MANAGER.write(str(named), "".join(f"{name}\0" for name in wanted).encode("utf-8", "surrogateescape"), 0o600)
    # Times say nothing about two releases; of a file that differs, what is alike in it need not travel.
    filters = ["--ignore-times", f"--files-from={named}", "--from0", f"--compare-dest={job.root}", *options]
    return transfer.put(str(source), job.host, job.new, filters, owner).size_bytes


def farm(job: Job) -> None:
    """Give every file there a second name; raise HostError when one that the switch changes cannot have one."""
    job.host.run("sync", "-f", "--", job.new)  # else the switch itself would wait for the disk
    if left := _call(job, "farm"):
        raise HostError(f"[{job.host.name}] {len(left)} files could not be kept for the way back, as in "
                        f"{', '.join(left[:SHOWN])}: they belong to another account, or were changed just now. Nothing "
                        "was changed. Give the site's owner as SSH_USER or RUN_AS, or: make fix INSTANCE=")


def mark(job: Job) -> None:
    """Note what is there now that visitors see the page."""
    _call(job, "mark")


def put(job: Job, lists: Lists) -> None:
    """Put what is new in place: the entrances, closed, first."""
    coming = [name for name in guard.ENTRANCES if name in lists.put]
    staged = small_files.read(job.host, job.new, coming) if coming else {}
    present = maintenance.read(job.host, job.web_root)
    files = {name: file for name, file in {**present, **staged}.items() if name not in lists.gone}
    cloning_trees.put_entrances(job.host, job.web_root, present, files, present["."])
    if left := _call(job, "put"):
        raise CommandError(f"[{job.host.name}] {len(left)} files are not what they ought to be after the switch, as in "
                           f"{', '.join(left[:SHOWN])}")


def after(job: Job) -> dict[str, list[str]]:
    """Return what Tiki's own update did to files: those that came (+), went (-) or were replaced (~)."""
    found: dict[str, list[str]] = {"+": [], "-": [], "~": []}
    for record in _call(job, "after"):
        found[record[0]].append(record[1:])
    return found


def back(job: Job) -> None:
    """Make the web root what it was when it was marked; the page stays on.

    Raises CommandError when that is not so afterwards. Neither the site's PHP nor its code is asked.
    """
    if left := _call(job, "back"):
        raise CommandError(f"[{job.host.name}] {len(left)} files could not be put back, as in "
                           f"{', '.join(left[:SHOWN])}")
    if process.conduct.dry_run:
        return
    # As they are in `old`: their owners as well.
    before = small_files.read(job.host, job.old, guard.ENTRANCES)
    cloning_trees.put_entrances(job.host, job.web_root, maintenance.read(job.host, job.web_root), before, None)


def is_there(job: Job) -> bool:
    return bool(job.host.present(job.folder, kind="d"))


def remove(job: Job) -> None:
    """Remove the folder of a switch."""
    job.host.run("rm", "-rf", "--", job.folder)


def _without_entrances(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name not in guard.ENTRANCES)


def _call(job: Job, action: str) -> list[str]:
    """Let the program do a step there and return what it printed, without its end."""
    tell_apart = marked(job) if action != "back" else ()
    return told_by(job, action, (*tell_apart, "sh", "-s", "--", action, job.folder, job.root, job.web_root), _program())


def marked(job: Job) -> tuple[str, ...]:
    """Return the words before a call by which what it started is known again when its connection is gone."""
    return ("env", f"TRIM_SWITCH={job.folder}")


def told_by(job: Job, action: str, words: Sequence[str], program: str) -> list[str]:
    """Let a program of ours do a step there and return the names that it printed; raise CommandError without its end.
    """
    said = job.host.run(*words, stdin=program.encode())
    if process.conduct.dry_run:
        return []
    records = said.decode("utf-8", "surrogateescape").split("\0")
    if records[-2:] != [END, ""]:
        raise CommandError(f"[{job.host.name}] sh ({action}) in {job.web_root}: ended before its work was done")
    return records[:-2]


def _program() -> str:
    """Return the program with what it passes over: folders and files by name, as words of find."""
    own = (layout.HTACCESS, *maintenance.OWN_NAMES, *guard.ENTRANCES, *layout.CHECKOUTS)
    paths = [f"./{name}" for name in own] + ["./.trim-*"] + [f"./{cache}/*" for cache in layout.CACHES]
    words = " -o ".join(f"-path '{path}'" for path in paths)
    return PROGRAM.replace("@PASSED@", f"\\( {words} \\) -prune -o")
