"""How a clone is made, and what is told of it afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scripts.database.copy import Early
from scripts.errors import Fault
from scripts.steps import lineage
from scripts.steps.changed import Changes
from scripts.steps.cloning_trees import Copied
from scripts.steps.location import Location
from scripts.steps.restoring import Note
from scripts.tiki.privileges import Told

FULL = lineage.ALL


@dataclass(frozen=True)
class Manner:
    """How a clone is made: what comes, whether unchanged tables are loaded too, whether it is kept quiet; what for.

    is_move: the target is the same site at another place: everything stays as it is, but for addresses.
    is_fleeting: it makes nothing, at a server that it shares, that would outlive it.
    """

    what: tuple[str, ...] = FULL
    full: bool = False
    is_quiet: bool = True
    is_move: bool = False
    kind: str = ""
    is_fleeting: bool = False

    @property
    def only(self) -> str:
        """Return the part that comes, or nothing when all does."""
        return "" if set(self.what) == set(FULL) else "".join(self.what)

    @property
    def mutes(self) -> bool:
        return self.is_quiet and not self.is_move and "data" in self.what


@dataclass(frozen=True)
class Ahead:
    """What was seen of both sites while the guards were asked.

    early are sums of the source's tables, equal its folders that the target has already.
    """

    early: Early | None = None
    equal: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Call:
    """The call of make that goes on when a clone breaks off, and what was done before it.

    safety is the archive of what was there, if one was made; changes are those that were found under the page, if it
    was looked at; ahead is what was seen before that.
    proof is asked when visitors are let in again, and raises a fault when the site is not what it should be; undo
    takes back what broke and returns the fault that tells how that ended.
    """

    verb: str
    variables: Mapping[str, str]
    safety: str = ""
    changes: Changes | None = None
    ahead: Ahead = Ahead()
    proof: Callable[[], None] = lambda: None
    undo: Callable[[Note, Fault], Fault] | None = None


@dataclass(frozen=True)
class Origin:
    """What has to be known of a site to make its data another one's."""

    name: str
    web_url: str
    web_root: str


@dataclass
class Cloned:
    """What was done; moment is the one that the data shows, where the target's location, if it stays a clone.

    loaded is what is watched of the database as it came, None while nothing has come.
    """

    moment: datetime
    trees: Copied = field(default_factory=Copied)
    reloaded: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    consistency: str = ""
    updated: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    loaded: Told | None = None
    muted: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    where: Location | None = None
