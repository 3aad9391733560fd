"""Owners and modes of what an account that is not root has unpacked: its disk cannot hold them.

There everything belongs to that account, and is open to it (verify.unpack). What an archive's index says is given at
the host, once rsync has brought it.
"""

import collections
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scripts.hosts.host import Host
from scripts.steps.unpacking import Unpacked
from scripts.store import verify, walk
from scripts.store.index import Member
from scripts.store.manifest import Part
from scripts.store.walk import FILE, FOLDER, SECOND_NAME
from scripts.tiki import layout, maintenance

SPECIAL = stat.S_ISUID | stat.S_ISGID   # the kernel takes them from a file that gets another owner
OWNERS = 'cd -- "$1" || exit 1; exec xargs -0 -r chown -h "$2" --'
MODES = 'cd -- "$1" || exit 1; exec xargs -0 -r -n 2 chmod'


@dataclass(frozen=True)
class Dress:
    """What a part is to look like at a host; paths are below it, and begin with `./`.

    owner (`user:group`) is whom most of it belongs to; None: owners stay as they come. owners tells, by owner, what
    belongs to others; modes, inner paths first, what has another mode than on our disk.
    """

    owner: str | None = None
    owners: dict[str, list[bytes]] = field(default_factory=dict)
    modes: list[tuple[int, bytes]] = field(default_factory=list)

    def give(self, host: Host, folder: str) -> None:
        """Give the part, in its place, what rsync did not bring."""
        for owner, paths in self.owners.items():
            host.run("sh", "-c", OWNERS, "sh", folder, owner, stdin=b"".join(path + b"\0" for path in paths))
        if self.modes:
            told = b"".join(b"%o\0%b\0" % one for one in self.modes)
            host.run("sh", "-c", MODES, "sh", folder, stdin=told)


def of(unpacked: Unpacked, part: Part, not_brought: Sequence[str], owner: str | None, gives_owners: bool) -> Dress:
    """Return what a part is to look like.

    owner is whom all of it is to belong to; None: those whom the archive says, where gives_owners. not_brought are
    patterns of what stays at the host as it is.
    """
    if os.geteuid() == 0 or not unpacked.found:
        return Dress(owner)
    owners: dict[str, list[bytes]] = collections.defaultdict(list)
    modes: list[tuple[int, bytes]] = []
    for path, member in _brought(unpacked, part, not_brought):
        if owner is None and gives_owners:
            owners[f"{member.uid}:{member.gid}"].append(path)
        is_special = member.kind == FILE and member.mode & SPECIAL
        if member.kind in (FILE, FOLDER) and (is_special or verify.opened(member.mode, member.kind) != member.mode):
            modes.append((member.mode, path))
    most = max(owners, key=lambda one: len(owners[one]), default=None)
    owners.pop(most, None)
    return Dress(owner or most, dict(owners), modes[::-1])


def _brought(unpacked: Unpacked, part: Part, not_brought: Sequence[str]) -> Iterator[tuple[bytes, Member]]:
    """Yield what rsync brings of a part, by its path there; further names of a file are left to the first one."""
    top, stays = os.fsencode(unpacked.folder(part)), walk.any_of(not_brought)
    kept_folder, inside = None, os.fsencode(part.folder)
    for segment in unpacked.found.below(inside):
        for member in unpacked.found.members(segment):
            path = member.path.removeprefix(inside).removeprefix(b"/")
            if kept_folder and path.startswith(kept_folder):
                continue
            kept_folder = None
            if path and stays(os.fsdecode(path)):
                kept_folder = path + b"/"
            elif member.kind != SECOND_NAME:
                # The maintenance page has put the site's own file aside; both have its owner until the page goes.
                names = (path, os.fsencode(maintenance.KEPT)) if path == os.fsencode(layout.HTACCESS) else (path,)
                yield from ((b"./" + name, member) for name in names if os.path.lexists(os.path.join(top, name)))
