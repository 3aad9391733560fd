"""What a comparison found, one difference each, whatever it is of: files, tables, rows, preferences.

The same words everywhere: `added` is only on side B, `removed` only on side A.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FILES, SCHEMA, ROWS, PREFERENCES, PEOPLE = "files", "schema", "rows", "preferences", "people"
ADDED, REMOVED, CHANGED = "added", "removed", "changed"
MODE, OWNER, LINK, KIND, UNREADABLE = "mode", "owner", "link target", "kind", "unreadable"
HEADINGS = {FILES: "files", SCHEMA: "tables and columns", ROWS: "rows", PREFERENCES: "preferences",
            PEOPLE: "users, groups, permissions"}


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same on both sides.

    what is one of the words above or, in the schema, the kind of thing (column, index ...) and how it differs. a and b
    are what stands on either side, None where there is nothing; of a row only columns, that is the names of those that
    differ: its values are content. expected is why it differs by nature, if it does.
    """

    section: str
    what: str
    name: str
    a: str | None = None
    b: str | None = None
    expected: str = ""
    columns: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        """Return added, removed or changed."""
        return ADDED if self.a is None else REMOVED if self.b is None else CHANGED


def summary(differences: Sequence[Difference], section: str) -> str:
    """Return one line of figures for a section, as in `2 added, 1 mode`; "the same" when nothing differs."""
    counts = Counter(one.what for one in differences if one.section == section and not one.expected)
    words = sorted(counts, key=lambda word: (word not in (ADDED, REMOVED, CHANGED), word))
    return ", ".join(f"{counts[word]} {word}" for word in words) or "the same"


def found(differences: Iterable[Difference]) -> list[Difference]:
    """Return those that nobody expects."""
    return [one for one in differences if not one.expected]


def reasons(differences: Iterable[Difference]) -> Counter[str]:
    """Return how many differences are expected, by reason."""
    return Counter(one.expected for one in differences if one.expected)


def visible(text: str) -> str:
    """Return a name or value that any terminal and page can show: control characters and odd bytes as escapes."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in shown)
