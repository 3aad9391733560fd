"""Where a site is, by what machine, file system and database server say themselves: to be noted, and compared later.

What a note says of a site holds while the site is where it was: an env file or a db/local.php may lead to another one's
web root or database since.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache

from scripts.database import whereabouts
from scripts.database.client import Client
from scripts.database.whereabouts import Whereabouts
from scripts.hosts import identity
from scripts.steps import site
from scripts.steps.site import Site
from scripts.tiki.data_folders import is_within


@dataclass(frozen=True)
class Location:
    """machine is what `identity.lasting` says; web_root and folders, which lie outside of it, are real paths."""

    machine: str
    web_root: str
    database: Whereabouts
    folders: tuple[str, ...] = ()

    def has(self, path: str) -> bool:
        """Whether a real path is one of its folders, or lies in one."""
        return any(is_within(path, folder) for folder in (self.web_root, *self.folders))


def of(found: Site, also: Sequence[str] = ()) -> Location:
    """Return where a site is now; folders are those that it has, those that it names and lacks, and others of its own.
    """
    folders = (*(one.path for one in (*found.folders, *found.missing) if not one.never), *also)
    web_root, *real = _real_paths(found.client, (found.instance.web_root, *folders))
    inside = f"{web_root}/"
    return Location(identity.lasting(found.instance.host), web_root, whereabouts.ask(found.client),
                    tuple(sorted({path for path in real if not path.startswith(inside)})))


def anew(found: Site, also: Sequence[str] = ()) -> Location:
    """Return where a site is whose database names other folders by now than when it was looked at.

    also are folders of its own that nothing names yet.
    """
    with site.opened_again(found) as again:
        return of(again, also)


def as_noted(location: Location) -> dict[str, object]:
    """Return a location as a note keeps it."""
    return {**asdict(location), "folders": list(location.folders)}


def read(noted: Mapping | None) -> Location | None:
    """Return the location of a note; None when it has none, as those of older versions."""
    if not noted:
        return None
    return Location(noted["machine"], noted["web_root"], Whereabouts(**noted["database"]), tuple(noted["folders"]))


def of_database(found: Site) -> dict[str, object]:
    """Return where the database of a site is, as an archive tells it: the machine that enters it, and its server."""
    return {"machine": identity.lasting(found.instance.host), "whereabouts": asdict(whereabouts.ask(found.client))}


def read_database(told: Mapping) -> Whereabouts | None:
    """Return where an archive's database was; None in archives of older versions."""
    return Whereabouts(**told["whereabouts"]) if told.get("whereabouts") else None


def moved(then: Location, now: Location) -> list[str]:
    """Return in what a site is another one than then, in words: machine, web root or database."""
    told = []
    if then.machine != now.machine:
        told.append(f"its machine is {_machine(now, then)}, and was {_machine(then, now)}")
    if then.web_root != now.web_root:
        told.append(f"its web root is {now.web_root}, and was {then.web_root}")
    if not whereabouts.same_place(then.database, now.database):
        told.append(f"its database is {now.database.shown}, and was {then.database.shown}")
    return told


def moved_since(noted: Mapping | None, found: Site) -> list[str]:
    """Return the same of a site since a note of it; nothing where the note does not tell where it was."""
    then = read(noted)
    return moved(then, of(found)) if then else []


def strayed(then: Location, now: Location, at_stake: Collection[str] | None = None) -> list[str]:
    """Return the same, and which data folders it uses now that were not its own then. Those of then may be gone.

    at_stake are the real paths that count, where it is known what would be overwritten.
    """
    fresh = [path for path in now.folders if not then.has(path) and (at_stake is None or path in at_stake)]
    return [*moved(then, now), *(f"it uses the folder {path}, and did not then" for path in fresh)]


@cache
def _real_paths(client: Client, paths: tuple[str, ...]) -> list[str]:
    """Return paths without links; asked once for each look at a site, as its client is."""
    return client.host.real_paths(*paths)


def _machine(location: Location, other: Location) -> str:
    name, other_name = (one.machine.partition(" ")[0] for one in (location, other))
    return name if name != other_name else location.machine
