"""What FILE= means in an archive: which members, under which names they come out, and in which segments they lie."""

import difflib
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from scripts.errors import ArchiveError, UsageError
from scripts.store import damage, walk
from scripts.store.index import Index, Segment
from scripts.store.manifest import APP, Part
from scripts.store.reading import is_continued

PATTERN = frozenset("*?")
NEAR = 0.6      # of difflib: from there on names look alike


@dataclass(frozen=True)
class Wish:
    """What is to be taken out. path is where it lies below the archive's top folder; empty: all of it.

    A pattern's path is the folder that it begins in; matches tells of a path below that whether it, with all that is
    below it, is meant.
    """

    text: str
    path: bytes
    matches: walk.LeaveOut | None = None

    def goes_to(self, top: str, path: bytes) -> bytes | None:
        """Return where a member goes, below the folder that things are put in; None when it is not meant.

        A file or folder goes there by its own name, everything as the archive's top folder, what a pattern means by
        its path below the folder that the pattern begins in.
        """
        if not self.path and not self.matches:
            return posixpath.join(os.fsencode(top), path) if path else os.fsencode(top)
        below = _below(path, self.path)
        if below is None or (self.matches and not _matches(self.matches, below)):
            return None
        if self.matches:
            return below
        name = posixpath.basename(self.path)
        return name + b"/" + below if below else name


def wishes(text: str, parts: Iterable[Part], top: str) -> list[Wish]:
    """Return what FILE= may mean, the likeliest first; an absolute path means one place.

    Raises UsageError for a path that leads upwards, or to none of the site's folders.
    """
    parts = tuple(parts)
    if text.rstrip("/") in ("", "."):
        return [Wish(text, b"")]
    if ".." in text.split("/"):
        raise UsageError(f"FILE={text}: leads upwards. Give a path below the web root, or an absolute one")
    if text.startswith("/"):
        return _wished(text, *_place(text, parts))
    path = text.removeprefix("./").rstrip("/")
    app = next((part for part in parts if part.kind == APP), None)
    in_archive = path.removeprefix(f"{top}/")
    return [*(_wished(text, app.folder, path) if app else ()), *_wished(text, "", path),
            *(_wished(text, "", in_archive) if in_archive != path else ())]


def _place(text: str, parts: tuple[Part, ...]) -> tuple[str, str]:
    """Return the part that an absolute path lies in, and the path below it; data folders may lie in each other."""
    path = posixpath.normpath(text)
    found = [part for part in parts if path == part.path or path.startswith(f"{part.path.rstrip('/')}/")]
    if not found:
        known = ", ".join(part.path for part in parts)
        raise UsageError(f"FILE={text}: is in none of the folders that the archive holds: {known}")
    part = max(found, key=lambda one: len(one.path))
    return part.folder, path[len(part.path):].strip("/")


def _wished(text: str, folder: str, path: str) -> list[Wish]:
    """Return the wish for a path, and for one with * or ? the pattern that it may be as well."""
    whole = os.fsencode(posixpath.join(folder, path) if path else folder)
    found = [Wish(text, whole)] if whole else []
    if PATTERN & set(path):
        found.append(Wish(text, os.fsencode(folder), walk.any_of((path,))))
    return found


def _below(path: bytes, folder: bytes) -> bytes | None:
    """Return a path below a folder, which itself is empty; None for what is not there."""
    if path == folder:
        return b""
    start = folder + b"/" if folder else b""
    return path[len(start):] if path.startswith(start) else None


def _matches(is_meant: Callable[[str], bool], below: bytes) -> bool:
    """Whether a pattern means this path, or a folder above it."""
    names = os.fsdecode(below).split("/")
    return any(is_meant("/".join(names[:count])) for count in range(1, len(names) + 1))


# Where things lie

def likely(found: Index, wish: Wish) -> list[Segment]:
    """Return the segments that may hold what is meant, by the order of their first paths alone; no more of a row."""
    begun = starts(found)
    if wish.matches or not wish.path:
        return begun
    wanted, behind = walk.in_order(wish.path), walk.in_order(wish.path) + b"\1"
    chosen = []
    for segment, following in zip(begun, [*begun[1:], None]):
        # Within a tree of the site names are in order; a segment never spans two. The few others may hold anything.
        is_ordered = following and _tree(segment.first) and _tree(segment.first) == _tree(following.first)
        begins, ends = walk.in_order(segment.first), walk.in_order(following.first) if is_ordered else None
        if not _tree(segment.first) or (begins < behind and (ends is None or ends > wanted)):
            chosen.append(segment)
    return chosen


def starts(found: Index) -> list[Segment]:
    """Return the segments that members begin in."""
    return [segment for segment in found.segments if not is_continued(segment)]


def holding(found: Index, wish: Wish, candidates: Iterable[Segment]) -> list[Segment]:
    """Return those of these segments that hold something of what is meant, each large file with all its pieces."""
    top = found.header.top
    chosen = {segment.offset for segment in candidates
              if any(wish.goes_to(top, member.path) is not None for member in found.members(segment))}
    return with_rest(found, chosen)


def holding_any(found: Index, paths: Iterable[bytes]) -> list[Segment]:
    """Return the segments that hold some members, each large file with all its pieces."""
    wished = [Wish("", path) for path in paths]
    return with_rest(found, {segment.offset for wish in wished
                             for segment in holding(found, wish, likely(found, wish))})


def with_rest(found: Index, offsets: set[int]) -> list[Segment]:
    """Return the segments at these places, with the further pieces of the large file that one of them begins."""
    chosen, is_taken = [], False
    for segment in found.segments:
        is_taken = segment.offset in offsets or (is_taken and is_continued(segment))
        if is_taken:
            chosen.append(segment)
    return chosen


def _tree(path: bytes) -> bytes:
    """Return the part of the site that a path lies in, MD5/NAME; nothing for the archive's own files."""
    names = path.split(b"/", 2)
    return b"/".join(names[:2]) if len(names) > 1 else b""


# When nothing is found

def not_found(wish: Wish, paths: Iterator[bytes], archive: str) -> ArchiveError:
    """Return the fault that tells which names in the archive are near the one that is not in it."""
    wanted = posixpath.basename(wish.text.rstrip("/"))
    same, names = [], set()
    for path in map(os.fsdecode, paths):
        folder, name = posixpath.split(path)
        if name == wanted:
            same.append(path)
        elif folder.endswith(posixpath.dirname(wish.text.strip("/"))):
            names.add(name)
    near = same or difflib.get_close_matches(wanted, names, n=damage.SHOWN, cutoff=NEAR)
    hint = f"; {'there is' if same else 'near is'} {damage.names(near)}" if near else ""
    return ArchiveError(f"{archive}: holds no {wish.text}{hint}. What it holds: LIST=1")
