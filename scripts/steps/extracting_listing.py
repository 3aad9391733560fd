"""Shows what an archive holds, as `ls -l` does; its index tells without opening it."""

import os
import stat
import tarfile
from datetime import datetime

from scripts.hosts.moments import SECOND
from scripts.present import output
from scripts.steps.extracting import Chosen, Opened
from scripts.store import members, picking
from scripts.store.index import Member
from scripts.store.members import Passing
from scripts.store.walk import FILE, FOLDER, LINK, SECOND_NAME

BITS = {FILE: stat.S_IFREG, SECOND_NAME: stat.S_IFREG, FOLDER: stat.S_IFDIR, LINK: stat.S_IFLNK, "p": stat.S_IFIFO,
        "c": stat.S_IFCHR, "b": stat.S_IFBLK}
KINDS = {tarfile.DIRTYPE: FOLDER, tarfile.SYMTYPE: LINK, tarfile.LNKTYPE: SECOND_NAME, tarfile.FIFOTYPE: "p",
         tarfile.CHRTYPE: "c", tarfile.BLKTYPE: "b"}


def show(source: Opened, chosen: Chosen) -> list[dict[str, object]]:
    """Print a line for each member that is chosen, or return what programs are told of them."""
    rows: list[dict[str, object]] = []

    def tell(member: Member) -> None:
        if chosen.wish.goes_to(source.top, member.path) is None:
            return
        if output.manner.is_json:
            rows.append(_row(source, member))
        else:
            output.tell_secret(output.plain(_line(_row(source, member))))   # a run's log is no place for all names

    if source.found:
        for segment in picking.likely(source.found, chosen.wish):
            for member in source.found.members(segment):
                tell(member)
    else:
        members.each(source.archive, None, lambda passing: tell(_member(passing)))
    return rows


def _row(source: Opened, member: Member) -> dict[str, object]:
    target = source.shown(member.target) if member.kind == SECOND_NAME else os.fsdecode(member.target)
    return {"mode": stat.filemode(BITS[member.kind] | member.mode), "owner": f"{member.uid}:{member.gid}",
            "size_bytes": member.size if member.kind == FILE else 0,
            "modified": datetime.fromtimestamp(member.mtime_ns // SECOND).isoformat(" "),
            "path": source.shown(member.path) or source.top, "target": target, "sha256": member.sha256,
            "is_second_name": member.kind == SECOND_NAME}


def _line(row: dict[str, object]) -> str:
    arrow = f" {'=' if row['is_second_name'] else '->'} {row['target']}" if row["target"] else ""
    return f"{row['mode']} {row['owner']:>13} {row['size_bytes']:>11} {row['modified']} {row['path']}{arrow}"


def _member(passing: Passing) -> Member:
    """Return what tar says of a member in the words of an index."""
    info = passing.info
    target = members.below_top(info.linkname) if info.islnk() else info.linkname
    return Member(passing.path, KINDS.get(info.type, FILE), info.size, int(info.mtime * SECOND), 0, 0, 0,
                  info.mode & 0o7777, info.uid, info.gid, target.encode("utf-8", "surrogateescape"))
