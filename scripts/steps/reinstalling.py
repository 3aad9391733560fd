"""Empties a site of what its users made, and installs its database anew; the code in its web root stays as it is.

Decides before it changes anything which folders are this site's alone, as removing.py does.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from scripts.database import load
from scripts.errors import DatabaseError
from scripts.hosts import process
from scripts.steps import creating, removing, site
from scripts.steps.removing import Plan
from scripts.steps.site import Site
from scripts.tiki import data_folders, layout


@dataclass(frozen=True)
class Wanted:
    """What is emptied: folders of the web root, relative to it, and what the plan has outside of it; what stays."""

    plan: Plan
    inside: tuple[str, ...]
    stays: tuple[str, ...]

    @property
    def found(self) -> Site:
        return self.plan.found

    def lines(self) -> list[str]:
        """Return what is done, a sentence each."""
        root = self.found.instance.web_root
        return [*(f"empty the data folder {path}" for path in self.plan.folders),
                f"empty {', '.join(self.inside) or 'no folder'} in {root}; its code stays as it is",
                f"drop {len(self.found.tables)} tables and views of database {self.found.account.name}, and let Tiki "
                f"{self.found.probe.version} install its own"]


def plan(found: Site) -> Wanted:
    """Return what is to be emptied; raise RefusedError when web root or database is not this site's own."""
    instance, host = found.instance, found.instance.host
    made = removing.plan(found)
    rows = site.folder_rows(found.client, found.account.charset)
    named = _outermost(data_folders.inside(rows, instance.web_root))
    paths = {f"{instance.web_root}/{folder}": folder for folder in (*layout.SITE_DATA, *named)}
    there = [paths[path] for path in host.present(*paths, kind="d")]
    code = [folder for folder in there if folder in named and _holds_code(found, folder)]
    links = [paths[path] for path in host.present(*paths, kind="l")]
    stays = [*made.stays, *(f"{folder} stays: it holds code" for folder in code),
             *(f"{folder} stays: it is a link" for folder in links)]
    return Wanted(made, tuple(folder for folder in there if folder not in code), tuple(stays))


def empty(wanted: Wanted) -> None:
    """Remove what users made: files first, while the database still tells a later run where they are."""
    instance = wanted.found.instance
    for path in wanted.plan.folders:
        removing.empty(instance.host, path)
    for folder in wanted.inside:
        removing.empty(instance.host, f"{instance.web_root}/{folder}", _kept(folder))
    load.drop_everything(wanted.found.client)
    left = [] if process.conduct.dry_run else wanted.found.client.tables()
    if left:
        raise DatabaseError(f"{wanted.found.client.place}: {len(left)} tables are still there, as {left[0].name}")


def install(found: Site) -> str:
    """Let Tiki install its database and return the administrator's new password; the web installer stays closed."""
    instance = found.instance
    creating.install(instance, found.account)
    password = creating.set_password(instance, found.account)
    lock = f"{instance.web_root}/db/lock"
    if not instance.host.present(lock):
        instance.host.run("touch", "--", lock)
    return password


def _kept(folder: str) -> tuple[str, ...]:
    """Return what stays at the top of a folder: files that guard it, folders of their own, what the release brought."""
    inner = [path.removeprefix(f"{folder}/").split("/")[0] for path in (*layout.SITE_DATA, *layout.SHIPPED_IN_DATA)
             if path.startswith(f"{folder}/")]
    return (*sorted(layout.GUARD_FILES), *inner)


def _outermost(named: Iterable[str]) -> list[str]:
    """Return the folders that do not lie in others that are emptied."""
    found: list[str] = []
    for folder in sorted(set(named) - set(layout.SITE_DATA)):
        if not any(folder.startswith(f"{other}/") for other in (*layout.SITE_DATA, *found)):
            found.append(folder)
    return found


def _holds_code(found: Site, folder: str) -> bool:
    """Whether a folder that only the database takes for one of data has PHP in it that Tiki runs."""
    return bool(found.instance.host.read_names("find", f"{found.instance.web_root}/{folder}", "-name", "*.php", "!",
                                               "-name", "index.php", "-print0", "-quit"))
