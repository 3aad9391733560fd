"""Removes a site from its host: data folders, tables, web root, in that order, so that a run that broke off can go on.

Decides before it changes anything what belongs to this site alone; what does not is left, and told.
"""

from collections.abc import Callable
from dataclasses import dataclass

from scripts.database import load
from scripts.errors import CommandError, DatabaseError, Fault, RefusedError
from scripts.hosts import process
from scripts.hosts.host import Host
from scripts.present import output
from scripts.steps import neighbours, own_folders
from scripts.steps.neighbours import Neighbour
from scripts.steps.site import Site
from scripts.tiki import layout, maintenance

EXTRA = "EXTRA_PATHS"
LAST = ("db", layout.SETUP, layout.HTACCESS, *maintenance.OWN_NAMES)
"""What goes last from a web root: what tells whose it is and how to enter its database, and the maintenance page."""


@dataclass(frozen=True)
class Plan:
    """What goes and what stays. web_root and folders are real paths; links are removed, what they lead to is not."""

    found: Site
    web_root: str
    folders: tuple[str, ...]
    links: tuple[str, ...]
    stays: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return what goes, a sentence each, in the order it goes."""
        account, tables = self.found.account, self.found.tables
        return [*(f"the data folder {path}" for path in self.folders),
                *(f"the link {path}" for path in self.links),
                *([f"{len(tables)} tables and views of database {account.name}"] if tables else []),
                *([f"the content of {self.web_root}"] if self.found.probe.state != "missing" else [])]


def plan(found: Site) -> Plan:
    """Return what may be removed of a site; raise RefusedError when its web root or database is not its own."""
    instance, others = found.instance, neighbours.all_of(found.instance)
    web_root = instance.host.real_path(instance.web_root)
    home_folders = neighbours.homes(instance.host)
    _refuse_shared(found, web_root, home_folders, others)
    own_folders.refuse(instance, [web_root, *(folder.path for folder in found.folders)])
    named = [folder for folder in found.folders if set(folder.used_by) != {EXTRA}]
    stays = [f"{folder.path} stays: only {EXTRA} names it" for folder in found.folders if folder not in named]
    links = set(instance.host.present(*(folder.path for folder in named), kind="l")) if named else set()
    goes: list[tuple[str, str]] = []
    for folder, path in zip(named, instance.host.real_paths(*[one.path for one in named])):
        reason = _why_kept(path, web_root, home_folders, others)
        if reason:
            stays.append(f"{folder.path} stays: {reason}")
        elif folder.path in links:
            goes.append((folder.path, ""))
            stays.append(f"{path} stays: {folder.path} is a link to it")
        elif folder.links:
            stays.append(f"{path} stays: {folder.links[0][0]} is a link to it")
        elif not path.startswith(f"{web_root}/"):
            goes.append((folder.path, path))
    return Plan(found, web_root, tuple(path for _, path in goes if path),
                tuple(link for link, path in goes if not path), tuple(stays))


def carry_out(wanted: Plan) -> None:
    """Remove what the plan says; raise the fault that stopped it, with what is still there."""
    found, host = wanted.found, wanted.found.instance.host
    steps: list[Callable[[], object]] = [*(lambda path=path: _remove_folder(host, path) for path in wanted.folders),
                                         *(lambda path=path: host.remove(path) for path in wanted.links)]
    if found.tables:
        steps.append(lambda: _drop_tables(found))
    if found.probe.state != "missing":
        steps.append(lambda: _empty_web_root(host, wanted.web_root))
    done = 0
    try:
        for step in steps:
            step()
            done += 1
    except Fault as fault:
        raise type(fault)(f"{fault}. Still there, some of it perhaps in part: "
                          f"{'; '.join(wanted.lines()[done:])}") from fault
    except BaseException:
        output.warn(f"{found.instance.name}: still there, some of it perhaps in part: "
                    f"{'; '.join(wanted.lines()[done:])}")
        raise


def _refuse_shared(found: Site, web_root: str, home_folders: set[str], others: list[Neighbour]) -> None:
    """Raise RefusedError when the web root or the database is, or may be, somebody else's too."""
    instance = found.instance
    sites = [instance.site] if instance.site else list(found.probe.sites)
    if sites:
        raise RefusedError(f"{instance.name}: {web_root} holds several virtual sites ({', '.join(sites)}), which share "
                           f"one tree. Nothing was changed. Take this one out of it by hand, then forget it: "
                           f"make delete INSTANCE={instance.name}")
    if reason := neighbours.why_not(web_root, home_folders):
        raise RefusedError(f"{instance.name}: {web_root} is not emptied: {reason}. Nothing was changed")
    if other := neighbours.user_of(web_root, others):
        raise RefusedError(f"{instance.name}: {web_root} is also used by {other}, or may be. Nothing was changed. "
                           f"Look at both: make detect INSTANCE={instance.name},{other}")
    neighbours.refuse_shared_database(found, others)


def _why_kept(path: str, web_root: str, home_folders: set[str], others: list[Neighbour]) -> str:
    """Return why a data folder is left; nothing when it goes."""
    if web_root.startswith(f"{path}/"):
        return "the web root lies in it"
    if reason := neighbours.why_not(path, home_folders):
        return reason
    if other := neighbours.user_of(path, others):
        return f"{other} uses it too, or what is in it"
    silent = next((one for one in others if one.problem and one.shares_machine is not False), None)
    return f"{silent.name} could not be asked whether it uses it" if silent else ""


def _remove_folder(host: Host, path: str) -> None:
    """Remove a folder; an empty one that its owner will not let go is left."""
    empty(host, path)
    host.run("rmdir", "--", path, ok=(0, 1))
    if not process.conduct.dry_run and host.present(path):
        output.warn(f"{path} is empty now, and stays: this account may not remove it")


def _empty_web_root(host: Host, web_root: str) -> None:
    empty(host, web_root, LAST)
    empty(host, web_root)


def empty(host: Host, folder: str, but: tuple[str, ...] = ()) -> None:
    """Remove what is in a folder, links as links, other file systems left alone; raise CommandError for what stays."""
    chosen = [word for name in but for word in ("!", "-name", name)]
    look = ("find", folder, "-mindepth", "1", "-maxdepth", "1", *chosen)
    host.run(*look, "-exec", "rm", "-rf", "--one-file-system", "--", "{}", "+")
    left = [] if process.conduct.dry_run else host.read_names(*look, "-print0", "-quit")
    if left:
        raise CommandError(f"[{host.name}] rm: {left[0]} is still there")


def _drop_tables(found: Site) -> None:
    load.drop_everything(found.client)
    left = [] if process.conduct.dry_run else found.client.tables()
    if left:
        raise DatabaseError(f"{found.client.place}: {len(left)} tables are still there, as {left[0].name}")
