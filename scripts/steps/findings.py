"""What check and watch find, and how it is told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scripts.steps.differences import visible

NEW, CHANGED, REMOVED, MODE, OWNER, LINK = "new", "changed", "removed", "mode", "owner", "link"
UPLOAD, CACHE, UNREAD = "upload", "cache", "unreadable"
WRITABLE, READABLE = "world-writable", "world-readable"
ADMINISTRATOR, DATABASE = "administrator", "database"
RELEASE, PHP, CERTIFICATE, REVISION = "release", "php", "certificate", "revision"
BASELINE, UNREACHABLE, RESTRICTION = "baseline", "unreachable", "restriction"

OF_CONTENT = (NEW, CHANGED, REMOVED, LINK, UPLOAD, CACHE)
OF_FILES = (*OF_CONTENT, MODE, OWNER)
OF_CODE = (*OF_FILES, WRITABLE, READABLE, UNREAD)
UNACCEPTABLE = (UNREACHABLE, UNREAD, RESTRICTION)
MOST_TOLD = 200     # lines of a mail


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. name is what ACCEPT= takes: a path, or `administrator:ann` and the like.

    state is what accepting it accepts: another one is a finding again.
    """

    kind: str
    name: str
    told: str
    state: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.name}"

    def __str__(self) -> str:
        return f"{self.kind}: {visible(self.name)}: {self.told}"


def summary(found: Sequence[Finding]) -> str:
    """Return how many there are of each kind, in words."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def details(found: Sequence[Finding]) -> str:
    """Return the lines for a mail."""
    lines = [str(one) for one in found[:MOST_TOLD]]
    return "\n".join([*lines, *([f"and {len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else [])])


def ordered(found: Iterable[Finding]) -> list[Finding]:
    """Return findings as they are told: what hurts most first, then by name."""
    order = (UNREACHABLE, BASELINE, RESTRICTION, ADMINISTRATOR, UPLOAD, CACHE, NEW, CHANGED, LINK, REMOVED, DATABASE,
             REVISION, READABLE, WRITABLE, OWNER, MODE, UNREAD, RELEASE, PHP, CERTIFICATE)
    return sorted(dict.fromkeys(found), key=lambda one: (order.index(one.kind), one.name))
