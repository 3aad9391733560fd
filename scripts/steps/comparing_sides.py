"""The two sides of a comparison: an instance as it is now, or an archive, read where they are.

An archive's dump is loaded into a database that lives for this comparison; its trees stay packed.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.database import credentials, dump, load, server
from scripts.database.client import Client
from scripts.hosts import listing
from scripts.hosts.host import Host
from scripts.hosts.listing import Entry
from scripts.hosts.local import MANAGER
from scripts.registry import locks
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
from scripts.steps import site
from scripts.store import contents, walk
from scripts.store.archive import Archive
from scripts.store.contents import Contents
from scripts.store.manifest import APP, Part
from scripts.store.walk import LeaveOut
from scripts.tiki import data_folders, layout, maintenance


class Tree(ABC):
    """A folder of one side, with all below it. used_by says who refers to it; a web root is used by nobody else."""

    path: str
    used_by: tuple[str, ...]
    is_living = False
    """Whether it may change while it is looked at."""

    @abstractmethod
    def look(self) -> dict[str, Entry]:
        """Return what is there, by relative path."""

    @abstractmethod
    def sums(self, sizes: Mapping[str, int]) -> dict[str, str]:
        """Return the sha256 of files, computed where they are; sizes by relative path."""

    @abstractmethod
    def contents(self, names: Collection[str]) -> dict[str, bytes]:
        """Return what is in some files."""


@dataclass(frozen=True)
class HostTree(Tree):
    """A folder on a host; without are paths that are passed over."""

    host: Host
    path: str
    used_by: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    is_living = True

    def look(self) -> dict[str, Entry]:
        return listing.read(self.host, self.path, self.without)

    def sums(self, sizes: Mapping[str, int]) -> dict[str, str]:
        return listing.sums(self.host, self.path, sizes) if sizes else {}

    def contents(self, names: Collection[str]) -> dict[str, bytes]:
        return listing.contents(self.host, self.path, names) if names else {}


@dataclass(frozen=True)
class PackedTree(Tree):
    """A folder inside an archive."""

    archive: Contents
    part: Part
    path: str
    used_by: tuple[str, ...] = ()

    def look(self) -> dict[str, Entry]:
        return self.archive.below(self.part)

    def sums(self, sizes: Mapping[str, int]) -> dict[str, str]:
        return {name: self.archive.sums[f"{self.part.folder}/{name}"] for name in sizes}

    def contents(self, names: Collection[str]) -> dict[str, bytes]:
        start = f"{self.part.folder}/"
        found = contents.files(self.archive.archive, {start + name for name in names}) if names else {}
        return {path.removeprefix(start): text for path, text in found.items()}


@dataclass(frozen=True)
class Side:
    """One side, ready to be looked at. The first of its trees is the web root; missing are folders that are not there.

    owner is user and group of the web root; left_out tells what its making had left out (of an archive), as do
    tables_left_out. links are names inside the web root that lead out of it, and where to.
    """

    label: str
    name: str
    trees: tuple[Tree, ...]
    client: Client
    charset: str = "utf8mb4"
    owner: tuple[str, str] = ("", "")
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sites: tuple[str, ...] = ()
    is_closed: bool = False
    left_out: LeaveOut = lambda path: False
    tables_left_out: tuple[str, ...] = ()
    links: dict[str, str] = field(default_factory=dict)

    @property
    def is_packed(self) -> bool:
        return not self.trees[0].is_living

    @property
    def web_root(self) -> str:
        return self.trees[0].path


@dataclass(frozen=True)
class Wanted:
    """What A= or B= says: an instance, or an archive of the instance of this name."""

    name: str
    instance: Instance | None = None
    archive: Archive | None = None

    @property
    def label(self) -> str:
        return f"{self.name}@{self.archive.path.name}" if self.archive else self.name


@contextmanager
def opened(settings: Settings, wanted: Wanted, scratch: Path, unverified: bool = False) -> Iterator[Side]:
    """Yield a side; scratch is a folder of its own, for an archive. An archive's lock is held, an instance's is not.

    Raises the faults of site.opened for an instance, ArchiveError or DatabaseError for an archive.
    """
    if wanted.instance:
        with _living(wanted, wanted.instance) as side:
            yield side
        return
    with locks.hold(settings, [Lock(wanted.archive.path.name, exclusive=False)], "compare"):
        MANAGER.make_folder(str(scratch), 0o700)
        found = contents.read(wanted.archive, scratch, unverified)
        with server.for_a_trial(settings, scratch) as account, credentials.option_file(MANAGER, account) as options:
            client = dump.lossless(Client(MANAGER, options, account.name))
            with open(found.dump, "rb") as file:
                load.load(client, out_of=file)
            yield _packed(wanted, found, client)


@contextmanager
def _living(wanted: Wanted, instance: Instance) -> Iterator[Side]:
    with site.opened(instance) as found:
        folders = [HostTree(instance.host, folder.path, folder.used_by,
                            (instance.web_root,) if folder.contains_web_root else ()) for folder in found.folders]
        closed = maintenance.state(instance.host, instance.web_root).is_on
        yield Side(wanted.label, wanted.name, (HostTree(instance.host, instance.web_root), *folders), found.client,
                   found.account.charset, (found.probe.owner, found.probe.group),
                   {folder.path: folder.used_by for folder in found.missing}, found.probe.sites, closed,
                   links={name: real for folder in found.folders for name, real in folder.links})


def _packed(wanted: Wanted, found: Contents, client: Client) -> Side:
    """Return the side of an archive. One without our manifest does not say what its folders are for: its dump does."""
    app = next(part for part in found.parts if part.kind == APP)
    named = data_folders.from_rows(site.folder_rows(client, client.charset), app.path)
    uses = {folder.path: folder.used_by for folder in named}
    parts = [replace(part, used_by=part.used_by or uses.get(part.path, ())) for part in found.parts if part != app]
    trees = [PackedTree(found, part, part.path, part.used_by) for part in (app, *parts)]
    web_root = trees[0].look()
    is_excluded = walk.any_of(found.manifest.left_out if found.manifest else ())
    tables = tuple(found.manifest.database.get("tables_left_out", ())) if found.manifest else ()
    return Side(wanted.label, wanted.name, tuple(trees), client, client.charset,
                (web_root[""].owner, web_root[""].group),
                is_closed=maintenance.KEPT in web_root or maintenance.OWN_NAMES[1] in web_root,
                left_out=lambda path: layout.is_left_out(path) or is_excluded(path), tables_left_out=tables)


def pairs(a: Side, b: Side) -> list[tuple[Tree | None, Tree | None]]:
    """Return which folder of one side is which of the other: the web roots, then the others by what uses them."""
    others = list(b.trees[1:])
    found: list[tuple[Tree | None, Tree | None]] = [(a.trees[0], b.trees[0])]
    for tree in a.trees[1:]:
        partner = _partner(tree, others)
        if partner:
            others.remove(partner)
        found.append((tree, partner))
    return [*found, *((None, tree) for tree in others)]


def _partner(tree: Tree, others: list[Tree]) -> Tree | None:
    """Return the folder of the same use; of several (EXTRA_PATHS) the one with the same path, or the same name."""
    same_use = [other for other in others if set(other.used_by) & set(tree.used_by)]
    named = [other for other in same_use if Path(other.path).name == Path(tree.path).name]
    by_path = [other for other in others if other.path == tree.path]
    extra = tree.used_by == ("EXTRA_PATHS",)
    return next(iter([*(by_path if extra else ()), *named, *(() if extra else same_use)]), None)
