"""Checks on the host whether a Tiki could run there, before anything is written. Every shortcoming is told at once."""

from pathlib import Path

from scripts.database import making
from scripts.database.client import Client
from scripts.errors import CommandError, HostError
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.tiki import requirements
from scripts.tiki.probe import Probe

NEEDED_EXTENSIONS = ("mbstring", "dom", "pdo_mysql")   # without one of these Tiki 12 to 24 does not start
ROOM = 1.3    # of the tree's bytes: small files take whole blocks


def shortcomings(instance: Instance, found: Probe, version: str, tree_bytes: int, php_check: bool) -> list[str]:
    """Return what keeps this Tiki from running in the instance's web root, a sentence each."""
    return [*_php(found, version, php_check), *_folder(instance, found), *_room(instance, tree_bytes)]


def database_shortcomings(client: Client, version: str) -> list[str]:
    """Return what keeps this Tiki from using a database, a sentence each."""
    told = []
    tables = client.tables()
    if tables:
        told.append(f"database {client.database} is not empty: it holds {len(tables)} tables, as in {tables[0].name}")
    return told + server_shortcomings(client, version)


def server_shortcomings(client: Client, version: str) -> list[str]:
    """Return what keeps this Tiki from changing a database that it may have filled itself, a sentence each."""
    told = []
    lacking = making.lacking_rights(client)
    if lacking:
        told.append(f"the account has not the rights {', '.join(lacking)} on database {client.database}")
    wanted = requirements.of(version)
    server = client.server_version()
    if wanted and (problem := wanted.database_problem(server)):
        told.append(problem)
    return told


def refuse(instance: Instance, version: str, told: list[str]) -> None:
    """Raise HostError with all shortcomings, if there is one."""
    if told:
        raise HostError(f"{instance.name}: Tiki {version} cannot run there: {'; '.join(told)}. Nothing was changed")


def _php(found: Probe, version: str, range_counts: bool) -> list[str]:
    if not found.php_version:
        return ["there is no PHP; install it, or set PHP= to the program that suits this Tiki"]
    told = []
    wanted = requirements.of(version)
    if wanted is None:
        output.warn(f"which PHP Tiki {version} needs is not known here; PHP {found.php_version} is taken as it is")
    elif range_counts and (problem := wanted.php_problem(found.php_version)):
        told.append(f"{problem}; set PHP= (of shows: SHOW_PHP) to another program, or PHP_CHECK=no if you know better")
    lacking = [name for name in NEEDED_EXTENSIONS if name not in found.extensions]
    if lacking:
        told.append(f"PHP lacks {', '.join(lacking)}: install {', '.join('php-' + _package(name) for name in lacking)}")
    return told


def _package(extension: str) -> str:
    return {"pdo_mysql": "mysql", "dom": "xml"}.get(extension, extension)


def _folder(instance: Instance, found: Probe) -> list[str]:
    """Return why the web root cannot be written, if it cannot."""
    place = instance.web_root if found.state != "missing" else _nearest(instance)
    try:
        instance.host.read("test", "-w", place)
        return []
    except CommandError:
        return [f"{place} may not be written by this account; give the site's owner as SSH_USER or RUN_AS"]


def _nearest(instance: Instance) -> str:
    """Return the nearest folder above a web root that is there."""
    above = [str(path) for path in Path(instance.web_root).parents]
    return next(path for path in above if path in set(instance.host.present(*above, kind="d")) or path == "/")


def _room(instance: Instance, tree_bytes: int) -> list[str]:
    needed, free = int(tree_bytes * ROOM), instance.host.free_bytes(instance.web_root)
    if free >= needed:
        return []
    return [f"no space: {output.size(needed)} are needed in {instance.web_root} and {output.size(free)} are free"]
