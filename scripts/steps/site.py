"""Looks at an instance as a whole: its tree, its database and the folders outside the web root.

Reads only, in a dry run too. The database account comes from the site's own db/local.php; a blank has it in its
env file.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from scripts.database import credentials
from scripts.database.client import Client, Table
from scripts.database.credentials import Account
from scripts.errors import RegistryError
from scripts.hosts import process
from scripts.registry.instance import Instance
from scripts.steps import restoring, site_folders
from scripts.steps.site_folders import Loose
from scripts.tiki import data_folders, probe
from scripts.tiki.data_folders import DataFolder
from scripts.tiki.probe import Probe

# What no Tiki is without, but for preferences: one that nobody but its administrator has seen yet has none.
KEPT_BY_ALL = ("tiki_preferences", "users_groups", "users_users")
HOLDS_TIKI = ("SELECT EXISTS (SELECT 1 FROM users_groups) AND "
              "(users = 1 OR users > 1 AND EXISTS (SELECT 1 FROM tiki_preferences)) "
              "FROM (SELECT COUNT(*) AS users FROM users_users) AS counted")


@dataclass(frozen=True)
class Site:
    """An instance with its database open. folders are those outside the web root that are there.

    missing are those that are not, and those that cannot be a site's own, whatever its database says. loose are links
    of the web root to uploads that are in none of them.
    """

    instance: Instance
    probe: Probe
    account: Account
    client: Client
    tables: tuple[Table, ...]
    folders: tuple[DataFolder, ...] = ()
    missing: tuple[DataFolder, ...] = ()
    loose: tuple[Loose, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing that could be lost."""
        return self.probe.state in ("empty", "missing") and not self.tables

    @property
    def table_names(self) -> set[str]:
        return {table.name for table in self.tables}

    @property
    def holds_tiki(self) -> bool:
        """Whether the database holds a whole Tiki, as far as its groups, users and preferences tell; asks it."""
        return self.table_names.issuperset(KEPT_BY_ALL) and self.client.query(HOLDS_TIKI)[0][0] == "1"

    @property
    def database_bytes(self) -> int:
        return sum(table.size_bytes for table in self.tables)


@contextmanager
def opened(instance: Instance) -> Iterator[Site]:
    """Yield an installed Tiki as it is now.

    Raises RegistryError or HostError when there is no Tiki, DatabaseError when its database does not let us in.
    """
    found = probe.probe(instance)
    with _entered(instance, found, account_of(instance, found)) as site:
        yield site


@contextmanager
def opened_as(instance: Instance, found: Probe) -> Iterator[Site]:
    """Yield a site whose web root was looked at just now."""
    with _entered(instance, found, account_of(instance, found)) as site:
        yield site


@contextmanager
def opened_again(site: Site) -> Iterator[Site]:
    """Yield a site that is open, with what is in its database by now; its tree is as it was."""
    yield _looked_at(site.instance, site.probe, site.account, site.client)


@contextmanager
def opened_target(instance: Instance, own_copy: str = "") -> Iterator[Site]:
    """Yield a place that is to be overwritten: an installed Tiki, a blank with its DB_* keys, or what is left of one.

    own_copy is a tree of this very site on the manager: its db/local.php is asked when the site has lost its own.
    """
    found = probe.look(instance)
    if found.state not in ("tiki", "empty", "missing") and not restoring.unfinished(instance):
        raise probe.why_not_installed(instance, found)
    known = found
    if found.config is None and not instance.db_name and own_copy:
        in_copy = probe.look(instance.with_(access="local", web_root=own_copy))
        known = replace(in_copy, certificates=())  # their paths are the copy's, not the host's
    with _entered(instance, found, account_of(instance, known)) as site:
        yield site


@contextmanager
def opened_anyhow(instance: Instance) -> Iterator[Site]:
    """Yield a site whose code or PHP may be broken; its db/local.php must be there."""
    found = probe.look_anyhow(instance)
    with _entered(instance, found, account_of(instance, found)) as site:
        yield site


@contextmanager
def opened_both(source: Instance, target: Instance) -> Iterator[tuple[Site, Site]]:
    """Yield an installed Tiki and a place that is to be overwritten, looked at side by side."""
    with ExitStack() as theirs, ExitStack() as ours:
        yield tuple(process.side_by_side(lambda: theirs.enter_context(opened(source)),
                                         lambda: ours.enter_context(opened_target(target))))


def account_of(instance: Instance, found: Probe) -> Account:
    """Return the database account: db/local.php's, or the env file's where there is no db/local.php.

    Raises RegistryError when neither says one.
    """
    if found.config:
        config = found.config
        host, port, socket = Account.parse_host(config.host)
        certificates = {_kind(path): path for path in found.certificates}
        return Account(config.database, config.user, config.password, host, port, socket, config.client_charset,
                       certificates.get("ca"), certificates.get("cert"), certificates.get("key"))
    if not instance.db_name or not instance.db_user:
        raise RegistryError(f"{instance.name}: no database is known: the web root has no db/local.php, and the env "
                            f"file no DB_NAME and DB_USER. Next: add DB_HOST, DB_NAME, DB_USER and DB_PASS to "
                            f"instances.d/{instance.name}.env (mode 0600)")
    host, port, socket = Account.parse_host(instance.db_host or "localhost")
    return Account(instance.db_name, instance.db_user, instance.db_pass, host, port, socket)


def _kind(path: str) -> str:
    """Return ca, cert or key for a file of db/cert, as in site-ca.pem."""
    return path.rsplit("-", 1)[-1].removesuffix(".pem")


@contextmanager
def _entered(instance: Instance, found: Probe, account: Account) -> Iterator[Site]:
    if restoring.unfinished(instance):
        credentials.end_left_programs(instance.host)
    with credentials.option_file(instance.host, account) as options:
        yield _looked_at(instance, found, account, Client(instance.host, options, account.name))


def _looked_at(instance: Instance, found: Probe, account: Account, client: Client) -> Site:
    data = site_folders.find(instance, folder_rows(client, account.charset))
    return Site(instance, found, account, client, tuple(client.tables()), data.folders, data.missing, data.loose)


def folder_rows(client: Client, charset: str) -> dict[str, list[tuple]]:
    """Return the rows of the database that name folders, as data_folders wants them; two questions in all.

    charset is the one the site itself connects with: only so its names come out as it wrote them.
    """
    client = replace(client, charset=charset)
    wanted = data_folders.queries(client.query(data_folders.COLUMNS))
    if not wanted:
        return {}
    # One answer for all of them: each row begins with the key of its question.
    told = client.query(";\n".join(f"SELECT '{key}' AS asked, found.* FROM ({sql}) AS found"
                                   for key, sql in wanted.items()))
    rows: dict[str, list[tuple]] = {key: [] for key in wanted}
    for key, *values in told:
        rows[key].append(tuple(values))
    return rows
