"""Compares the trees of two sides: what is there, its content by checksum, mode, owner, where links lead.

Content is read only where both sides have a file of the same size. What changes while it is looked at is told apart.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from scripts.hosts import process
from scripts.hosts.listing import FILE, FOLDER, LINK, Entry
from scripts.steps.comparing_sides import Side, Tree, pairs
from scripts.steps.differences import (
    ADDED,
    CHANGED,
    FILES,
    KIND,
    MODE,
    OWNER,
    REMOVED,
    UNREADABLE,
    Difference,
)
from scripts.steps.differences import (
    LINK as LINK_TARGET,
)
from scripts.tiki import restriction
from scripts.tiki.data_folders import is_within
from scripts.tiki.expected import OWN_PLACE, Expected
from scripts.tiki.layout import HTACCESS

LEFT_OUT = "left out of the archive"
NOT_THERE, RESTRICTION = "its folder is not there", "the restriction in front of the site"
KINDS = {FILE: "file", FOLDER: "folder", LINK: "link", "s": "socket", "p": "pipe", "c": "device", "b": "device"}
SHOWN_OF_SUM = 16   # digits of a sha256; two different files share them with a chance of 2**-64

Listing = dict[str, Entry]


@dataclass
class Pair:
    """A folder of one side and the one of the other; either may be missing."""

    a: Tree | None
    b: Tree | None
    listings: tuple[Listing, Listing] = ({}, {})
    sums: tuple[dict[str, str], dict[str, str]] = ({}, {})
    is_web_root: bool = False

    @property
    def told(self) -> str:
        """Return where the folder is on either side, and what uses it."""
        one, other = (tree.path if tree else "not there" for tree in (self.a, self.b))
        uses = dict.fromkeys(use for tree in (self.a, self.b) if tree for use in tree.used_by)
        return f"{one} (A) and {other} (B): {', '.join(uses) or 'the web root'}"

    def called(self, path: str) -> str:
        """Return what a path is called in a report: from the web root, or whole when it lies outside."""
        if self.is_web_root:
            return path or "."
        return posixpath.join((self.a or self.b).path, path).rstrip("/")


@dataclass
class Compared:
    """What was compared: the pairs as they were seen, and the names of what changed meanwhile."""

    pairs: list[Pair] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    moving: list[str] = field(default_factory=list)
    files: int = 0


def compare(a: Side, b: Side, rules: Expected) -> Compared:
    """Compare all trees of two sides."""
    found = Compared([Pair(*both) for both in pairs(a, b)])
    found.pairs[0].is_web_root = True
    listings = process.side_by_side(lambda: [_look(pair.a) for pair in found.pairs],
                                    lambda: [_look(pair.b) for pair in found.pairs])
    for pair, *both in zip(found.pairs, *listings):
        pair.listings = (both[0], both[1])
        found.files += sum(entry.kind == FILE for entry in both[0].values())
        pair.sums = _sums(pair)
    for pair in found.pairs:
        _compare_pair(found, pair, (a, b), rules)
    found.differences += _missing_folders(a, b)
    return found


def _look(tree: Tree | None) -> Listing:
    return tree.look() if tree else {}


def _sums(pair: Pair) -> tuple[dict[str, str], dict[str, str]]:
    """Return the sums of the files that only their content can tell apart, computed on both sides at the same time."""
    first, second = pair.listings
    sizes = {path: entry.size for path, entry in first.items()
             if entry.kind == FILE and (other := second.get(path)) and other.kind == FILE and other.size == entry.size
             and entry.size and entry.is_readable and other.is_readable}
    if not sizes:
        return {}, {}
    return tuple(process.side_by_side(lambda: pair.a.sums(sizes), lambda: pair.b.sums(sizes)))


def _compare_pair(found: Compared, pair: Pair, sides: tuple[Side, Side], rules: Expected) -> None:
    differences = list(_of_pair(pair, sides, rules))
    if any(not one.expected for _, one in differences):
        moving = _moving(pair)
        found.moving += sorted({pair.called(path) for path, _ in differences if path in moving})
        differences = [one for one in differences if one[0] not in moving]
    found.differences += [_judged(pair, one, rules) for _, one in differences]


def _judged(pair: Pair, one: Difference, rules: Expected) -> Difference:
    """Return a difference; it is expected where one site's .htaccess is the same but for the block of a restriction."""
    if not (pair.is_web_root and one.name == HTACCESS and one.what == CHANGED and rules.same_site and not one.expected):
        return one
    texts = [tree.contents([HTACCESS]).get(HTACCESS) for tree in (pair.a, pair.b)]
    is_same = None not in texts and restriction.without(texts[0]) == restriction.without(texts[1])
    return replace(one, expected=RESTRICTION if is_same else "")


def _of_pair(pair: Pair, sides: tuple[Side, Side], rules: Expected) -> Iterator[tuple[str, Difference]]:
    """Yield path and difference of everything that differs between two folders."""
    first, second = pair.listings
    owners = (sides[0].owner, sides[1].owner)
    for path in sorted(first.keys() | second.keys()):
        reason = rules.of_file(path) if pair.is_web_root else ""
        for what, a, b, why in _of_entry(pair, path, sides, owners):
            yield path, Difference(FILES, what, pair.called(path), a, b, why or reason)


def _of_entry(pair: Pair, path: str, sides: tuple[Side, Side],
              owners: tuple) -> Iterator[tuple[str, str | None, str | None, str]]:
    """Yield (what, a, b, reason) for everything that differs at one place."""
    one, other = pair.listings[0].get(path), pair.listings[1].get(path)
    if one is None or other is None:
        packed = sides[1] if other is None else sides[0]
        why = LEFT_OUT if packed.is_packed and ((pair.is_web_root and packed.left_out(path))
                                                or (one or other).kind == "s") else ""
        yield (ADDED if one is None else REMOVED), _told(one), _told(other), why
        return
    if one.kind != other.kind:
        yield KIND, _told(one), _told(other), ""
    elif one.kind == LINK and one.target != other.target:
        yield LINK_TARGET, one.target, other.target, _own_place(pair, path, (one.target, other.target), sides)
    elif one.kind == FILE:
        yield from _of_content(pair, path, one, other)
    elif one.kind == FOLDER and not (one.is_readable and other.is_readable):
        yield UNREADABLE, _readable(one), _readable(other), ""
    if one.mode != other.mode and LINK not in (one.kind, other.kind):
        yield MODE, one.mode, other.mode, ""
    if not all(_same_owner(*both) for both in zip((one.owner, one.group), (other.owner, other.group), *owners)):
        yield OWNER, f"{one.owner}:{one.group}", f"{other.owner}:{other.group}", ""


def _of_content(pair: Pair, path: str, one: Entry, other: Entry) -> Iterator[tuple[str, str, str, str]]:
    sums = [sums.get(path, "") for sums in pair.sums]
    if one.size != other.size or (all(sums) and sums[0] != sums[1]):
        a, b = (f"{entry.size} bytes" + (f", sha256 {digest[:SHOWN_OF_SUM]}" if digest else "")
                for entry, digest in zip((one, other), sums))
        yield CHANGED, a, b, ""
    elif one.size and not all(sums):
        yield UNREADABLE, _readable(one), _readable(other), ""


def _readable(entry: Entry) -> str:
    return "readable" if entry.is_readable else "this account may not read it"


def _same_owner(one: str, other: str, own_one: str, own_other: str) -> bool:
    """Tell whether two owners mean the same: the same name, or on both sides the owner of the site."""
    return one == other or (one == own_one and other == own_other)


def _own_place(pair: Pair, path: str, targets: tuple[str, str], sides: tuple[Side, Side]) -> str:
    """Return why two links lead to different places by nature: each into its own site, to the same file or folder."""
    if not any(target.startswith("/") for target in targets):
        return ""
    one, other = (posixpath.normpath(posixpath.join(tree.path, posixpath.dirname(path), target))
                  for tree, target in zip((pair.a, pair.b), targets))
    for mine, yours in pairs(*sides):
        if mine and yours and is_within(one, mine.path) and is_within(other, yours.path) \
                and posixpath.relpath(one, mine.path) == posixpath.relpath(other, yours.path):
            return OWN_PLACE
    return ""


def _moving(pair: Pair) -> set[str]:
    """Return the paths that are not what they were when they were first looked at."""
    moving: set[str] = set()
    for tree, before in zip((pair.a, pair.b), pair.listings):
        if tree and tree.is_living:
            now = tree.look()
            # A folder's time and size change with what is in it, which is told by itself.
            moving |= {path for path in before.keys() | now.keys()
                       if _lasting(before.get(path)) != _lasting(now.get(path))}
    return moving


def _lasting(entry: Entry | None) -> Entry | None:
    return entry._replace(time="", size=0) if entry and entry.kind == FOLDER else entry


def _missing_folders(a: Side, b: Side) -> list[Difference]:
    """Return the folders that one side's database names and its host lacks, when they are there on the other side."""
    uses_missing = [{use for uses in side.missing.values() for use in uses} for side in (a, b)]
    found = []
    for side, others in ((a, uses_missing[1]), (b, uses_missing[0])):
        for path, uses in side.missing.items():
            if not set(uses) & others:
                told = f"named by {', '.join(uses)}, {NOT_THERE}"
                found.append(Difference(FILES, "missing folder", path, *((told, "") if side is a else ("", told))))
    return found


def _told(entry: Entry | None) -> str | None:
    if entry is None:
        return None
    kind = KINDS.get(entry.kind, entry.kind)
    return f"{kind}, {entry.size} bytes" if entry.kind == FILE else f"link to {entry.target}" \
        if entry.kind == LINK else kind
