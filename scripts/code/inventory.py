"""What a tree holds: counted at a glance, hashed file by file, shared with trees that hold the same files."""

import filecmp
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.code import unpack


@dataclass(frozen=True)
class Inventory:
    """Number of files, their bytes, and one sha256 over the sorted list of hashes, modes and names."""

    files: int
    size_bytes: int
    digest: str


def glance(tree: Path) -> tuple[int, int]:
    """Return number and bytes of the files of a tree, without opening one."""
    sizes = [status.st_size for _, status in _entries(tree) if not stat.S_ISDIR(status.st_mode)]
    return len(sizes), sum(sizes)


def take(tree: Path) -> Inventory:
    """Return the inventory; raise ArchiveError for a link that leaves the tree, and for what is no file."""
    lines, files, size_bytes = [], 0, 0
    for name, status in _entries(tree):
        if stat.S_ISDIR(status.st_mode):
            continue
        lines.append(f"{_told(tree, name, status)} {name}\n")
        files += 1
        size_bytes += status.st_size
    listed = "".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return Inventory(files, size_bytes, hashlib.sha256(listed).hexdigest())


def share(tree: Path, others: Sequence[Path]) -> int:
    """Make files that another tree has at the same place, byte for byte, one file with two names; return their bytes.

    Only at the same place: two names of one file inside one tree would be copied as such into a site.
    """
    shared = 0
    for name, status in _entries(tree):
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            continue
        twin = next((path for other in others if _is_same(tree / name, status, path := other / name)), None)
        if twin and _joined(twin, tree / name):
            shared += status.st_size
    return shared


def _joined(twin: Path, path: Path) -> bool:
    """Put a second name of twin in place of path; False where the file system has had enough of them."""
    beside = path.with_name(".trim-new-link")
    with suppress(OSError):
        os.link(twin, beside)
        os.replace(beside, path)
        return True
    return False


def _is_same(path: Path, status: os.stat_result, twin: Path) -> bool:
    try:
        found = os.lstat(twin)
    except OSError:
        return False
    is_alike = (found.st_mode, found.st_size, found.st_uid) == (status.st_mode, status.st_size, status.st_uid)
    return is_alike and filecmp.cmp(path, twin, shallow=False)


def _told(tree: Path, name: str, status: os.stat_result) -> str:
    path = tree / name
    if stat.S_ISLNK(status.st_mode) and not unpack.leaves(name, os.readlink(path)):
        return f"link {os.readlink(path)}"
    if not stat.S_ISREG(status.st_mode):
        raise unpack.refused(str(tree), name)
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()} {stat.S_IMODE(status.st_mode):o}"


def _entries(tree: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield everything below a folder with what lstat says, by its path from there."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(tree / folder) as entries:
            for entry in entries:
                name = f"{folder}{entry.name}"
                status = entry.stat(follow_symlinks=False)
                yield name, status
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(f"{name}/")
