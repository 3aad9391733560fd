"""What a baseline holds, and its form on the disk, of which rows are understood when somebody asks for one."""

import json
from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from scripts.steps import watching_areas
from scripts.tiki.privileges import Told

SHIPPED, ACCEPTED, FOUND = "r", "a", "f"
"""Why a file is right: its release has it so, somebody accepted it, or nothing told otherwise at the first look."""

FORM = 1                    # of a file; another one is not read
COLUMNS = 8
END = "end"
UNKNOWN = ""                # a mode or an owner that the next look learns
PLAIN = ("previous", "database", "database_past", "is_database_stale", "accepted", "folders", "outside", "commit",
         "release", "evidence", "moment", "is_stale", "is_replaced")


class Expected(NamedTuple):
    """What has to be at a path. digest is of any kind that a release has; target is a link's; origin says why."""

    kind: str
    mode: str
    owner: str
    group: str
    target: str
    digest: str
    origin: str


class Rows(Mapping[str, Expected]):
    """The files of a baseline on the disk: those of code are understood when somebody asks for one.

    apart are those among data and caches, and outside the web root, which every look asks for.
    """

    def __init__(self, fields: Sequence[str], apart: Mapping[str, Expected]) -> None:
        self._fields, self.apart = fields, apart

    @cached_property
    def _all(self) -> dict[str, Expected]:
        columns = [self._fields[place::COLUMNS] for place in range(COLUMNS)]
        return dict(zip(columns[0], map(Expected._make, zip(*columns[1:])))) | dict(self.apart)

    def __getitem__(self, path: str) -> Expected:
        return self._all[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._fields) // COLUMNS + len(self.apart)

    def keys(self) -> KeysView[str]:
        return self._all.keys()

    def items(self) -> ItemsView[str, Expected]:
        return self._all.items()

    def get(self, path: str, default: Expected | None = None) -> Expected | None:
        return self._all.get(path, default)


@dataclass(frozen=True)
class Baseline:
    """What is expected of a site.

    is_stale: TRIM changed the code, and the release is to be asked anew; is_replaced: it changed the whole tree, so
    that accepted files may be gone with it. past are digests that were accepted before, previous those of the release
    before, by path: they count when the baseline is renewed. accepted are findings that are none, by what they are
    about. harmless are the sums of what Tiki generated. folders are data folders of the web root, from there, outside
    the others, by whole paths; release says what was asked. evidence is what the host told of the code when nothing was
    wrong with it: told again, it means the same. The database's items have a past too, which counts when
    is_database_stale.
    """

    files: Mapping[str, Expected] = field(default_factory=dict)
    past: Mapping[str, frozenset[str]] = field(default_factory=dict)
    previous: Mapping[str, str] = field(default_factory=dict)
    database: Told | None = None
    database_past: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_database_stale: bool = False
    accepted: Mapping[str, str] = field(default_factory=dict)
    harmless: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    commit: str = ""
    release: str = ""
    evidence: str = ""
    moment: str = ""
    is_stale: bool = False
    is_replaced: bool = False

    @property
    def apart(self) -> Mapping[str, Expected]:
        """Return what is expected among data and caches, and outside the web root."""
        if isinstance(self.files, Rows):
            return self.files.apart
        tops = set(watching_areas.of(self.folders).all)
        return {path: one for path, one in self.files.items()
                if path.startswith("/") or watching_areas.is_inside(path, tops)}

    def knew(self, path: str, digest: str) -> bool:
        """Whether a file of this digest was right before, when it was TRIM that changed the code since."""
        return self.is_stale and (digest in self.past.get(path, ()) or self.previous.get(path) == digest)


def text(one: Baseline) -> str:
    """Return a baseline as text: a line of JSON, then the columns of each file of code, with NUL between them."""
    apart = one.apart
    past = {path: sorted(all_of) for path, all_of in one.past.items()}
    about = {"form": FORM, "files": len(one.files) - len(apart), "past": past, "harmless": sorted(one.harmless),
             "apart": {path: list(of) for path, of in apart.items()}, **{name: getattr(one, name) for name in PLAIN}}
    fields = [json.dumps(about)]
    for path, expected in one.files.items():
        if path not in apart:
            fields += (path, *expected)
    return "\0".join([*fields, END])


def parsed(told: str) -> Baseline:
    fields = told.split("\0")
    about = json.loads(fields[0])
    count = about["files"]
    if about["form"] != FORM or fields[-1] != END or len(fields) != count * COLUMNS + 2:
        raise ValueError("its end is missing")
    files = Rows(fields[1:-1], {path: Expected._make(of) for path, of in about["apart"].items()})
    past = {path: frozenset(digests) for path, digests in about["past"].items()}
    plain = {name: about[name] for name in PLAIN}
    plain |= {name: tuple(plain[name]) for name in ("folders", "outside")}
    plain["database_past"] = {name: tuple(values) for name, values in plain["database_past"].items()}
    return Baseline(files=files, past=past, harmless=frozenset(about["harmless"]), **plain)
