"""Fetches the two texts of files that differ, for a diff; binary and secret ones are only described."""

import difflib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripts.errors import UsageError
from scripts.hosts import process
from scripts.hosts.listing import FILE
from scripts.registry.env_file import nearest
from scripts.steps.comparing_files import Pair
from scripts.steps.comparing_sides import Tree
from scripts.steps.differences import visible
from scripts.tiki import expected

ALL = "all"
TEXT_LIMIT = 1_000_000       # bytes of one file
TOTAL_LIMIT = 50_000_000     # bytes of one side: they are held in memory
BINARY_LOOK = 8_000          # bytes in which a NUL means that it is no text, as git has it
CONTEXT = 3                  # lines around a change


@dataclass(frozen=True)
class TextDiff:
    """A file as two lists of lines, None where a side lacks it; or why there is no text to be shown, in note."""

    name: str
    a: list[str] | None = None
    b: list[str] | None = None
    note: str = ""

    def unified(self, labels: Sequence[str]) -> Iterator[str]:
        """Yield the lines of a unified diff."""
        if self.note:
            yield f"{visible(self.name)}: {self.note}"
            return
        names = [f"{label}: {visible(self.name)}" if lines is not None else "/dev/null"
                 for label, lines in zip(labels, (self.a, self.b))]
        yield from difflib.unified_diff(self.a or [], self.b or [], *names, lineterm="", n=CONTEXT)


def texts(pairs: list[Pair], changed: Sequence[str], wanted: str) -> list[TextDiff]:
    """Return the diffs that DIFF= means: of one file, or of all whose content differs (changed are their names).

    Raises UsageError for a file that neither side has.
    """
    found = []
    names = set(changed) if wanted == ALL else {wanted.removeprefix("./")}
    for pair in pairs:
        paths = _paths(pair, names, is_named=wanted != ALL)
        found += _of_pair(pair, paths) if paths else []
    if not found and wanted != ALL:
        raise UsageError(f"DIFF={wanted}: neither side has such a file"
                         f"{nearest(wanted, [*changed])}. A path is read from the web root; DIFF=all shows all")
    return found


def _paths(pair: Pair, names: set[str], is_named: bool) -> list[str]:
    """Return the files of a pair that are meant; one outside the web root may be named by its path on either side."""
    paths = []
    for path in sorted(pair.listings[0].keys() | pair.listings[1].keys()):
        called = {pair.called(path)} | ({f"{tree.path}/{path}" for tree in (pair.a, pair.b) if tree}
                                        if is_named else set())
        if called & names and any(FILE in listing[path].kind for listing in pair.listings if path in listing):
            paths.append(path)
    return paths


def _of_pair(pair: Pair, paths: list[str]) -> Iterator[TextDiff]:
    notes = _notes(pair, paths)
    fetched = process.side_by_side(lambda: _contents(pair, 0, paths, notes), lambda: _contents(pair, 1, paths, notes))
    for path in paths:
        name, both = pair.called(path), [one.get(path) for one in fetched]
        if path in notes:
            yield TextDiff(name, note=notes[path] or _large(pair, path))
        elif any(text is not None and b"\0" in text[:BINARY_LOOK] for text in both):
            yield TextDiff(name, note="binary: " + " and ".join(
                "not there" if text is None else _figures(len(text), hashlib.sha256(text).hexdigest())
                for text in both))
        else:
            yield TextDiff(name, *(None if text is None else lines(text) for text in both))


def _notes(pair: Pair, paths: list[str]) -> dict[str, str]:
    """Return the files whose content is not fetched, and why; an empty reason is their size."""
    notes, totals = {}, [0, 0]
    for path in paths:
        sizes = [listing[path].size if path in listing else 0 for listing in pair.listings]
        if pair.is_web_root and expected.is_secret_file(path):
            notes[path] = "holds a password or a key, and is not shown"
        elif max(sizes) > TEXT_LIMIT or max(map(sum, zip(sizes, totals))) > TOTAL_LIMIT:
            notes[path] = ""
        else:
            totals = [*map(sum, zip(sizes, totals))]
    return notes


def _contents(pair: Pair, place: int, paths: list[str], notes: dict[str, str]) -> dict[str, bytes]:
    tree: Tree | None = (pair.a, pair.b)[place]
    listing = pair.listings[place]
    names = [path for path in paths if path not in notes and path in listing and listing[path].kind == FILE]
    return tree.contents(names) if tree else {}


def _large(pair: Pair, path: str) -> str:
    told = []
    for tree, listing in zip((pair.a, pair.b), pair.listings):
        there = path in listing and listing[path].kind == FILE
        told.append(_figures(listing[path].size, tree.sums({path: listing[path].size}).get(path, "?")) if there
                    else "not there")
    return f"too large for a diff: {' and '.join(told)}"


def _figures(size: int, digest: str) -> str:
    return f"{size} bytes, sha256 {digest}"


def lines(text: bytes) -> list[str]:
    lines = text.decode("utf-8", "surrogateescape").split("\n")
    ended = lines[-1] == ""
    told = [visible(line) for line in (lines[:-1] if ended else lines)]
    return told if ended or not text else [*told[:-1], f"{told[-1]} (no line end)"]
