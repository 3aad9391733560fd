"""Which commit to try next, what is known by now, and where that is kept: a bisect may take days and several runs.

State and the database of the start lie on the manager, beside the other notes of an instance.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance

GOOD, BAD, SKIP = "good", "bad", "skip"


@dataclass
class State:
    """A bisect that was begun: of a branch, between two commits, from the site as it is in an archive.

    verdicts are by commit, made the names of trees that were prepared for it; is_over: only putting back is left. clone
    is the moment at which the clone was made, in ISO form; it is empty in what older versions wrote.
    """

    word: str
    good: str
    bad: str
    archive: str
    verdicts: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    is_over: bool = False
    clone: str = ""


@dataclass(frozen=True)
class Range:
    """The commits after good up to bad, the oldest first, with what is known of them."""

    commits: Sequence[str]
    verdicts: Mapping[str, str]

    @property
    def suspects(self) -> list[str]:
        """Return the commits that may be the first bad one: after the last good one, up to the first bad one."""
        first = next(place for place, one in enumerate(self.commits)
                     if self.verdicts.get(one) == BAD or place == len(self.commits) - 1)
        last = max((place for place, one in enumerate(self.commits[:first]) if self.verdicts.get(one) == GOOD),
                   default=-1)
        return list(self.commits[last + 1:first + 1])

    @property
    def next(self) -> str | None:
        """Return the commit to try next, as near to the middle as can be; None when no more can be found out."""
        # The last of them is known to be bad.
        untried = [place for place, one in enumerate(self.suspects[:-1]) if one not in self.verdicts]
        middle = (len(self.suspects) - 2) / 2
        return self.suspects[min(untried, key=lambda place: abs(place - middle))] if untried else None

    @property
    def steps_left(self) -> int:
        """Return how often at most it has to be tried, when nothing is skipped."""
        return (len(self.suspects) - 1).bit_length()


def read(instance: Instance) -> State | None:
    """Return the bisect that was begun on an instance, if there is one."""
    try:
        return State(**json.loads(_path(instance).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def write(instance: Instance, state: State) -> None:
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    MANAGER.write(str(_path(instance)), json.dumps(asdict(state), indent=1).encode("utf-8"), 0o600)


def forget(instance: Instance) -> None:
    MANAGER.remove(str(_path(instance)), str(dump(instance)))


def dump(instance: Instance) -> Path:
    """Return where the database of the start is kept."""
    return _path(instance).with_suffix(".sql")


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.bisect.json"
