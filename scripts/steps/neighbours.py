"""Which other instances use what is to be removed: asked of each before anything is.

Two names may mean one machine, so machines are compared by what their kernels say. Paths are compared without
their links.
"""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from scripts.database.account import OWN_MACHINE, Account, same_database
from scripts.errors import Fault
from scripts.hosts.host import Host
from scripts.hosts.identity import machine
from scripts.registry import registry
from scripts.registry.instance import Instance
from scripts.steps import site
from scripts.steps.site import Site
from scripts.tiki import probe

LEAST_DEPTH = 2  # /srv and the like belong to the machine


@dataclass(frozen=True)
class Neighbour:
    """Another instance. shares_machine is None, and problem says why, when its host could not be asked.

    account is None when it is not known or cannot be the same; folders are its web root and data folders.
    """

    name: str
    shares_machine: bool | None
    folders: tuple[str, ...]
    account: Account | None = None
    problem: str = ""


def all_of(found: Site) -> list[Neighbour]:
    """Return every other instance with what it uses; raise RegistryError for an env file that cannot be read."""
    instance = found.instance
    others = [registry.load(instance.settings, name) for name in registry.names(instance.settings)
              if name != instance.name]
    here = machine(instance.host) if others else ""
    return [_asked(found, other, here) for other in others]


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
    return one == other or one.startswith(f"{other.rstrip('/')}/") or other.startswith(f"{one.rstrip('/')}/")


def _asked(found: Site, other: Instance, here: str) -> Neighbour:
    try:
        if machine(other.host) == here:
            return _on_this_machine(other)
        # A database on this machine itself is out of the reach of others.
        is_ours_alone = found.account.host.lower() in OWN_MACHINE
        return Neighbour(other.name, False, (), None if is_ours_alone else _account(other))
    except Fault as fault:
        return Neighbour(other.name, None, (other.web_root,), problem=str(fault))


def _account(other: Instance) -> Account | None:
    looked = probe.look(other)
    return site.account_of(other, looked) if looked.config or other.db_name else None


def _on_this_machine(other: Instance) -> Neighbour:
    """Return an instance on the machine in question; without its database at least where its tree is."""
    account = _account(other)
    try:
        with site.opened_target(other) as opened:
            folders = [other.web_root, *(one.path for one in (*opened.folders, *opened.missing)
                                         if not one.never)]
            return Neighbour(other.name, True, tuple(other.host.real_paths(*folders)), account)
    except Fault as fault:
        return Neighbour(other.name, True, tuple(other.host.real_paths(other.web_root)), account, str(fault))


def same_database_as(account: Account, neighbours: Iterable[Neighbour]) -> str:
    """Return the name of an instance that uses this very database, if one does."""
    return next((one.name for one in neighbours if one.account and same_database(one.account, account)), "")
