"""Which other instances use what is to be removed: asked of each before anything is.

Two names may mean one machine, so machines are compared by what their kernels say, and databases by what their servers
say, each asked from its own instance's host. Paths are compared without their links.
"""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from scripts.database import credentials, whereabouts
from scripts.database.client import Client
from scripts.database.whereabouts import Whereabouts
from scripts.errors import DatabaseError, Fault, RefusedError
from scripts.hosts import process, shared
from scripts.hosts.host import Host
from scripts.hosts.identity import machine
from scripts.registry import registry
from scripts.registry.instance import Instance
from scripts.steps import site
from scripts.steps.site import Site
from scripts.tiki import probe
from scripts.tiki.data_folders import is_within

AT_ONCE = 8      # of other instances that are asked
LEAST_DEPTH = 2  # /srv and the like belong to the machine


@dataclass(frozen=True)
class Neighbour:
    """Another instance. shares_machine is None, and problem says why, when its host could not be asked.

    folders are its web root and data folders; database is the name of its database, empty when none is known. place is
    None, and problem says why, when the database's server could not be asked.
    """

    name: str
    shares_machine: bool | None
    folders: tuple[str, ...]
    database: str = ""
    place: Whereabouts | None = None
    problem: str = ""


def all_of(instance: Instance) -> list[Neighbour]:
    """Return every other instance with what it uses; raise RegistryError for an env file that cannot be read."""
    others = [registry.load(instance.settings, name) for name in registry.names(instance.settings)
              if name != instance.name]
    if not others:
        return []
    here = machine(instance.host)
    shared.remember_refusals()  # a host that is down is waited for once
    return process.side_by_side(*(partial(_asked, other, here) for other in others), at_once=AT_ONCE)


def homes(host: Host) -> set[str]:
    """Return the homes of all accounts of a machine."""
    lines = host.read("getent", "passwd").decode("utf-8", "surrogateescape").splitlines()
    return {posixpath.normpath(line.split(":")[5]) for line in lines if line.count(":") >= 6} - {"/", ".", "//"}


def why_not(path: str, home_folders: Iterable[str]) -> str:
    """Return why no toolkit should empty this folder, whoever uses it; nothing when it may."""
    if len([word for word in path.split("/") if word]) < LEAST_DEPTH:
        return "it lies at the top of the machine"
    for home in sorted(home_folders):
        if home == path or home.startswith(f"{path}/"):
            return f"{home} is somebody's home"
    return ""


def user_of(path: str, neighbours: Iterable[Neighbour]) -> str:
    """Return the name of an instance, perhaps on this machine, with a folder that is path, in it, or around it."""
    return next((one.name for one in neighbours if one.shares_machine is not False
                 and any(overlap(path, folder) for folder in one.folders)), "")


def overlap(one: str, other: str) -> bool:
    return is_within(one, other) or is_within(other, one)


def refuse_shared_database(found: Site, neighbours: Iterable[Neighbour], *, heeds_silent: bool = True) -> None:
    """Raise RefusedError when another instance uses the database of a site, or may: a silent one that has its name.

    Where the database has no tables there is nothing that a silent one could lose; not heeds_silent: nor anywhere.
    """
    name, database = found.instance.name, found.account.name
    others = list(neighbours)
    if other := user_of_database(whereabouts.ask(found.client), others):
        raise RefusedError(f"{name}: its database {database} is also the one of {other}. Nothing was changed. Give "
                           f"each a database of its own, or look at both: make detect INSTANCE={name},{other}")
    silent = next((one for one in others if may_use_database(database, one)), None)
    if silent and heeds_silent and found.tables:
        raise RefusedError(f"{name}: {silent.name} could not be asked whether database {database} is its own as well: "
                           f"{silent.problem}. Nothing was changed. When that is mended, call again; if {silent.name} "
                           f"is gone for good, forget it: make delete INSTANCE={silent.name}")


def user_of_database(place: Whereabouts, neighbours: Iterable[Neighbour]) -> str:
    """Return the name of an instance whose server says that it has this very database, if one does."""
    return next((one.name for one in neighbours if one.place and whereabouts.same(one.place, place)), "")


def may_use_database(database: str, other: Neighbour) -> bool:
    """Tell whether an instance whose server said nothing may use the database of this name, by what is known of it."""
    # A server may fold the case of names, and then each may write it in its own way.
    return other.place is None and other.database.lower() in ("", database.lower())


def _asked(other: Instance, here: str) -> Neighbour:
    try:
        if machine(other.host) == here:
            return _on_this_machine(other)
    except Fault as fault:
        return Neighbour(other.name, None, (other.web_root,), problem=str(fault))
    return Neighbour(other.name, False, (), **_database(other))


def _on_this_machine(other: Instance) -> Neighbour:
    """Return an instance on the machine in question; without its database at least where its tree is."""
    database = _database(other)
    try:
        with site.opened_target(other) as opened:
            folders = [other.web_root, *(one.path for one in (*opened.folders, *opened.missing) if not one.never)]
            return Neighbour(other.name, True, tuple(other.host.real_paths(*folders)), **database)
    except Fault as fault:
        told = {"problem": str(fault), **{key: value for key, value in database.items() if value}}
        return Neighbour(other.name, True, tuple(other.host.real_paths(other.web_root)), **told)


def _database(other: Instance) -> dict[str, object]:
    """Return what is known of the database of an instance, asked from its host, as a Neighbour has it."""
    name = ""
    try:
        looked = probe.look_anyhow(other)
        if looked.state == "unreadable" or looked.config_problem not in ("", "missing"):
            # What its env file says need not be what it uses.
            raise probe.why_not_installed(other, looked) or DatabaseError(f"{other.name}: {looked.config_problem}")
        account = site.account_of(other, looked)
        name = account.name
        with credentials.option_file(other.host, account) as options:
            return {"database": name, "place": whereabouts.ask(Client(other.host, options, name))}
    except Fault as fault:
        return {"database": name, "problem": str(fault)}
