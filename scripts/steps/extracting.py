"""Takes files and tables out of an archive: by its index in time for what is taken out, else in one pass through all.

Damage elsewhere in the archive is no hindrance; what it hits of what is taken out is passed over and told.
"""

import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Protocol

from scripts.errors import ArchiveError
from scripts.present import output
from scripts.store import checksums, contents, damage, manifest, members, picking, reading, verify
from scripts.store.archive import Archive
from scripts.store.index import Index, Segment
from scripts.store.manifest import APP, Part
from scripts.store.members import Passing
from scripts.store.picking import Wish

DESCRIPTIONS = (manifest.OLD_NAME, manifest.OUR_NAME)


Names = dict[bytes, list[tuple[bytes, bytes]]]
"""Second names by the first one: their paths, and where they go."""


class Place(Protocol):
    """Where things go that are taken out: a folder, or the terminal's output."""

    def put(self, path: bytes, info: tarfile.TarInfo, content: Callable[[], IO[bytes]], sha256: str = "") -> str: ...

    def link(self, path: bytes, first: bytes) -> None: ...

    def finish(self) -> None: ...


@dataclass(frozen=True)
class Opened:
    """An archive that things can be taken out of. paths and descriptions are known where there is no index to ask."""

    archive: Archive
    found: Index | None
    top: str
    parts: tuple[Part, ...]
    paths: tuple[bytes, ...] = ()
    descriptions: dict[str, bytes] = field(default_factory=dict)

    def description(self, name: str) -> bytes | None:
        """Return one of the archive's descriptions of itself."""
        if self.found and name not in self.descriptions:
            self.descriptions.update(contents.files(self.archive, [name]))
        return self.descriptions.get(name)

    def all_paths(self) -> Iterator[bytes]:
        """Yield the path of every member, below the archive's top folder."""
        if self.found is None:
            yield from self.paths
            return
        yield from (member.path for member in self.found.all_members())

    def shown(self, path: bytes) -> str:
        """Return a member's path as FILE= takes it: from the web root, or absolute in another folder of the site."""
        text = os.fsdecode(path)
        for part in self.parts:
            if text == part.folder or text.startswith(f"{part.folder}/"):
                below = text[len(part.folder) + 1:]
                return below or part.path if part.kind == APP else f"{part.path.rstrip('/')}/{below}".rstrip("/")
        return text


@dataclass(frozen=True)
class Chosen:
    """What is to be taken out, and where it lies; without an index, somewhere."""

    wish: Wish
    segments: Sequence[Segment] | None


@dataclass
class Lost:
    """What could not be taken out."""

    segments: list[Segment] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def opened(archive: Archive, unverified: bool) -> Opened:
    """Return an archive to take something out of; without an index it is read once to learn what it holds."""
    found = reading.index_of(archive, lambda fault: output.warn(f"{fault}. The archive is read as a whole instead"))
    if found is None:
        return _passed(archive, unverified)
    return Opened(archive, found, found.header.top, _parts(archive))


def _parts(archive: Archive) -> tuple[Part, ...]:
    """Return the parts that an archive's descriptions name; none when both are lost."""
    try:
        return contents.parts(archive)
    except ArchiveError as fault:
        output.warn(str(fault))
    if told := contents.told(archive):
        return told.parts
    output.warn(f"{archive.path.name}: which folder is which is lost: FILE= takes paths as LIST=1 shows them")
    return ()


def _passed(archive: Archive, unverified: bool) -> Opened:
    """Return an archive without an index, after a first pass through all of it."""
    if not verify.check_file(archive, unverified):
        output.warn(f"{archive.path.name}: unverifiable: it has no sha256; it is checked as far as it can be read")
    output.say(f"{archive.path.name}: has no index: it is read from its first byte to its last")
    paths, tops, texts = [], set(), {}

    def take(passing: Passing) -> None:
        tops.add(passing.top)
        paths.append(passing.path)
        if (name := os.fsdecode(passing.path)) in DESCRIPTIONS:
            texts[name] = passing.content().read()

    members.each(archive, None, take)
    parts = contents.parts_in(archive, texts)
    return Opened(archive, None, next(iter(tops - {"."}), ""), parts, tuple(paths), texts)


def choose(source: Opened, text: str) -> Chosen:
    """Return what FILE= means in this archive; raises ArchiveError, with the nearest names, when it is not in it."""
    wishes = picking.wishes(text, source.parts, source.top)
    for wish in wishes:
        if source.found is None:
            if any(wish.goes_to(source.top, path) is not None for path in source.paths):
                return Chosen(wish, None)
        elif segments := picking.holding(source.found, wish, picking.likely(source.found, wish)):
            return Chosen(wish, segments)
    raise picking.not_found(wishes[0], map(os.fsencode, map(source.shown, source.all_paths())),
                            source.archive.path.name)


def goals(source: Opened, chosen: Chosen) -> list[bytes]:
    """Return where what is chosen goes: its own name; for a pattern the topmost of each that it means."""
    if not chosen.wish.matches:
        return [chosen.wish.goes_to(source.top, chosen.wish.path)]
    found: list[bytes] = []
    for path in source.all_paths():
        goal = chosen.wish.goes_to(source.top, path)
        if goal is not None and not (found and goal.startswith(found[-1] + b"/")):
            found.append(goal)
    return found


def take_out(source: Opened, chosen: Chosen, place: Place) -> Lost:
    """Put what is chosen in its place, each file compared with its sha256, and return what is lost."""
    lost, wanting, sums = Lost(), Names(), {}

    def take(passing: Passing) -> None:
        goal = chosen.wish.goes_to(source.top, passing.path)
        if goal is None:
            if passing.path == os.fsencode(checksums.LIST_NAME) and source.found is None:
                _compare(passing.content(), sums, lost)
            return
        if passing.info.islnk():
            first = os.fsencode(members.below_top(passing.info.linkname))
            if first_goal := chosen.wish.goes_to(source.top, first):
                _link(source, place, passing.path, goal, first_goal, lost)
            else:   # its content comes under this name
                wanting.setdefault(first, []).append((passing.path, goal))
            return
        wanted = passing.member.sha256 if passing.member else ""
        try:
            sums[passing.path] = place.put(goal, passing.info, passing.content, wanted)
        except (ArchiveError, tarfile.ReadError):
            lost.paths.append(source.shown(passing.path))

    _pass(source, chosen.segments, take, lost)
    if wanting:
        _take_firsts(source, wanting, place, lost)
    place.finish()
    if source.found:
        told = {source.shown(member.path) for member in damage.members(source.found, lost.segments)
                if chosen.wish.goes_to(source.top, member.path) is not None}
        lost.paths = sorted({*lost.paths, *told})
    return lost


def _pass(source: Opened, segments: Sequence[Segment] | None, take: Callable[[Passing], object], lost: Lost) -> None:
    members.each(source.archive, source.found, take, segments, lambda segment, why: lost.segments.append(segment))


def _link(source: Opened, place: Place, path: bytes, goal: bytes, first_goal: bytes, lost: Lost) -> None:
    """Give a file that was put in its place one more name."""
    try:
        place.link(goal, first_goal)
    except FileNotFoundError:   # its content is lost
        lost.paths.append(source.shown(path))


def _take_firsts(source: Opened, wanting: Names, place: Place, lost: Lost) -> None:
    """Take out files under their second names, because their first ones are not wanted."""
    def take(passing: Passing) -> None:
        if passing.path not in wanting:
            return
        (path, goal), *others = wanting.pop(passing.path)
        try:
            place.put(goal, passing.info, passing.content, passing.member.sha256 if passing.member else "")
        except (ArchiveError, tarfile.ReadError):
            lost.paths.append(source.shown(path))
        for path, other in others:
            _link(source, place, path, other, goal, lost)

    segments = source.found and picking.holding_any(source.found, wanting)
    _pass(source, segments, take, lost)
    lost.paths += [source.shown(path) for names in wanting.values() for path, _ in names]


def _compare(listed: IO[bytes], sums: dict[bytes, str], lost: Lost) -> None:
    """Compare what was taken out with the archive's list of checksums, which comes behind all files."""
    for digest, path in checksums.parsed(listed):
        if sums.get(path, digest) not in (digest, ""):
            lost.paths.append(os.fsdecode(path))
