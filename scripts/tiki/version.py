"""Which Tiki a tree holds, and which of two is newer.

The version stands in one file with one line form from 2.0 to 29; before that any file might assign it.
"""

import re
from dataclasses import dataclass, field
from functools import total_ordering

# An assignment that a comment mentions must not count: only whitespace may stand before it.
VERSION = re.compile(r"^\s*\$this->version\s*=\s*(['\"])(.*?)\1", re.MULTILINE)
BRANCH = re.compile(r"^\s*\$this->branch\s*=\s*(['\"])(.*?)\1", re.MULTILINE)
VERSION_BEFORE_2 = re.compile(r"^\s*\$tiki_version\s*=\s*(['\"])(.*?)\1", re.MULTILINE | re.IGNORECASE)

BASE = re.compile(r"\d+(?:\.\d+)*(?:\.x\b)?")
RANKS = (("svn", 0), ("vcs", 0), ("trunk", 0), ("alpha", 1), ("beta", 2), ("rc", 3), ("a", 1), ("b", 2))
RELEASE = 4
UNKNOWN = -1


@total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    """A version as its tree writes it, ordered as Tiki's releases follow each other.

    Development (svn, vcs) comes before alpha, beta, RC and the release of the same number; what has no
    number at all is kept as it is and comes before everything.
    """

    text: str
    key: tuple = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", _key(self.text))

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: "Version") -> bool:
        return self.key < other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def base(self) -> tuple[int, ...]:
        """Return the numbers without zeros at their end; nothing when the text has none."""
        return self.key[0]

    @property
    def is_known(self) -> bool:
        return bool(self.base)

    @property
    def is_release(self) -> bool:
        return self.key[1] == RELEASE

    @property
    def series(self) -> str:
        """Return the releases this one is updated among, as `24.x`; before 2.0 that was `1.9.x`."""
        if not self.is_known:
            return ""
        numbers = (*self.base, 0)
        return f"1.{numbers[1]}.x" if numbers[0] == 1 else f"{numbers[0]}.x"


@dataclass(frozen=True)
class Edition:
    """What a tree says it is: its version, and the branch (`stable`, `unstable`, `trunk`, or nothing)."""

    version: Version
    branch: str = ""


def parse_version(text: str) -> Edition | None:
    """Return what the version file says, or None when it assigns no version."""
    found = VERSION.search(text) or VERSION_BEFORE_2.search(text)
    if not found:
        return None
    branch = BRANCH.search(text)
    return Edition(Version(found[2].strip()), branch[2] if branch else "")


def _key(text: str) -> tuple[tuple[int, ...], int, int, str]:
    """Return what to compare by: the numbers, the kind of edition, its own number, or the text itself."""
    found = BASE.search(text)
    if not found:
        return ((), UNKNOWN, 0, text)
    numbers = [int(number) for number in found[0].removesuffix(".x").split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    # Old trees say it in front, too: "SVN pre 3.0".
    words = f"{text[found.end():]} {text[:found.start()]}".lower()
    return (tuple(numbers), *_edition(words), "")


def _edition(words: str) -> tuple[int, int]:
    """Return the rank of the words around the numbers, and the number of that beta or RC."""
    for word, rank in RANKS:
        found = re.search(rf"(?<![a-z]){word}(?![a-z])[\s.-]*(\d*)", words)
        if found:
            return rank, int(found[1] or 0)
    return RELEASE, 0
