"""Creates a Tiki in an empty folder: code, database, Tiki's own installer, .htaccess, permissions, administrator.

A fault takes back whatever this run put there, and nothing else: the folder was empty or missing when it began, and
only what the code brought is removed.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.code.trees import PreparedTree
from scripts.database import credentials, load, making
from scripts.database.account import Account
from scripts.database.client import quote_text
from scripts.errors import CommandError, DatabaseError, Fault, RefusedError
from scripts.hosts import process, transfer
from scripts.present import output
from scripts.registry import locks
from scripts.registry.instance import Instance
from scripts.steps import half_created, permissions, release_files, replace, requiring, schema_updates, site
from scripts.tiki import console, layout, passwords, probe
from scripts.tiki.permissions import WRITABLE
from scripts.tiki.probe import Probe

ADMIN = "admin"
MODES = "--chmod=Du=rwx,Dgo=rx,Fu=rwX,Fgo=rX"  # what tiki/permissions wants of all that Tiki does not write

@dataclass(frozen=True)
class Wishes:
    """How to create: the administrator's option file on the manager, or None to use the instance's DB_* keys."""

    db_admin: Path | None = None
    php_check: bool = True


@dataclass(frozen=True)
class Created:
    """A new site: its account for db/local.php, and the administrator's password, which is told once."""

    account: Account
    password: str


def create(instance: Instance, tree: PreparedTree, wishes: Wishes) -> Created:
    """Create the Tiki of a prepared tree in the instance's web root.

    Raises HostError when it could not run there; nothing is changed then. Any later fault undoes what was done.
    """
    left = half_created.unfinished(instance)
    if left:
        half_created.take_back(instance, left, tree.path, wishes.db_admin)
    found = probe.look(instance)
    _require_empty(instance, found)
    told = requiring.shortcomings(instance, found, tree.version, tree.bytes, wishes.php_check)
    with _noted(instance) as failures, ExitStack() as undo:
        # These contexts undo what they did when the block ends with a fault, and nothing else.
        account = undo.enter_context(_database(instance, found, wishes, tree.version, told, failures))
        undo.enter_context(_folder(instance, found, tree, failures))
        with locks.hold(instance.settings, [tree.lock], "instance"):
            transfer.put(str(tree.path), instance.host, instance.web_root, [MODES], _owner(instance, found))
        replace.write_account(instance, account, tree.version, layout.local_php())
        install(instance, account)
        password = set_password(instance, account)
        _finish(instance)
        if not process.conduct.dry_run:
            release_files.remember(instance, release_files.of_tree(tree))
        probe.probe(instance)
    return Created(account, password)


def _require_empty(instance: Instance, found: Probe) -> None:
    if found.state not in ("empty", "missing"):
        held = ", ".join(found.entries) or f"a Tiki {found.version}"
        raise RefusedError(f"{instance.name}: {instance.web_root} is not empty: it holds {held}. "
                           "Nothing was changed. Give an empty folder as WEB_ROOT")


@contextmanager
def _noted(instance: Instance) -> Iterator[list[Fault]]:
    """Remove the note of this creation at its end; yield the list of what could not be taken back, which keeps it."""
    failures: list[Fault] = []
    try:
        yield failures
    finally:
        if not failures:
            half_created.end(instance)


@contextmanager
def _database(instance: Instance, found: Probe, wishes: Wishes, version: str, told: list[str],
              failures: list[Fault]) -> Iterator[Account]:
    """Yield the account of an empty database; what was made for it is dropped when the block ends with a fault.

    From here on a note tells the next run what a killed one may have left.
    """
    if wishes.db_admin is None:
        account = site.account_of(instance, Probe("empty"))
        with half_created.client(instance, account) as client:
            requiring.refuse(instance, version, told + requiring.database_shortcomings(client, version))
        half_created.begin(instance, found.state, "", account)
        with _undone(lambda: _empty(instance, account), failures):
            yield account
        return
    requiring.refuse(instance, version, told)
    admin = credentials.read_option_file(wishes.db_admin)
    with making.administrator(instance.host, admin) as server:
        name = making.name_for(instance.name)
        making.require_free(server, name)
        half_created.begin(instance, found.state, name, admin)
        account = making.make(server, admin, name)
        with _undone(lambda: making.remove(server, account), failures):
            with half_created.client(instance, account) as client:
                requiring.refuse(instance, version, requiring.database_shortcomings(client, version))
            yield account


@contextmanager
def _folder(instance: Instance, found: Probe, tree: PreparedTree, failures: list[Fault]) -> Iterator[None]:
    """Make the web root; what the tree brought is removed when the block ends with a fault."""
    instance.host.make_folder(instance.web_root)
    with _undone(lambda: half_created.clear(instance, tree.path, found.state), failures):
        yield


@contextmanager
def _undone(undo: Callable[[], object], failures: list[Fault]) -> Iterator[None]:
    """Call undo when the block ends with a fault or a signal; a fault of its own is told and not raised."""
    try:
        yield
    except BaseException:
        try:
            undo()
        except Fault as second:
            failures.append(second)
            output.warn(f"taking back failed: {second}. The next run of the same line tries again")
        raise


def _empty(instance: Instance, account: Account) -> None:
    with half_created.client(instance, account) as client:
        load.drop_everything(client)


def _owner(instance: Instance, found: Probe) -> str | None:
    """Return user:group for the new files when they can be given away: the folder's own, or its parent's."""
    if not transfer.is_root_at(instance.host):
        return None
    place = instance.web_root if found.state == "empty" else str(Path(instance.web_root).parent)
    return instance.host.read_line("stat", "-c", "%U:%G", "--", place)


def install(instance: Instance, account: Account) -> None:
    """Run Tiki's own installer and judge it by what it left: its exit code is 0 whatever happened."""
    try:
        said = instance.host.run(*console.call(instance, probe.look(instance), ["database:install", "-n"]))
    except CommandError as error:
        raise CommandError(f"{instance.name}: Tiki's installer failed: {error}", code=error.code) from error
    if process.conduct.dry_run:
        return
    with half_created.client(instance, account) as client:
        present = {table.name for table in client.tables()}
        lacking = {"tiki_schema", "tiki_preferences", "users_users"} - present
        missing = [] if lacking else sorted(schema_updates.patches(instance) - schema_updates.recorded(client))
    if lacking or missing:
        last = " / ".join(said.decode("utf-8", "replace").split("\n")[-4:]).strip(" /")
        what = f"tables {', '.join(sorted(lacking))}" if lacking else f"patches {', '.join(missing[:3])}"
        raise DatabaseError(f"{instance.name}: Tiki's installer ended without {what}; it said: {last or 'nothing'}")


def set_password(instance: Instance, account: Account) -> str:
    """Give the administrator a random password; the installer's own is known to everybody."""
    password = passwords.new()
    hashed = passwords.hashed(instance, password)
    with half_created.client(instance, account) as client:
        client.execute(f"UPDATE users_users SET hash = {quote_text(hashed)} WHERE login = {quote_text(ADMIN)}")
        if not process.conduct.dry_run and client.query("SELECT hash FROM users_users WHERE login = "
                                                        f"{quote_text(ADMIN)}") != [(hashed,)]:
            raise DatabaseError(f"{instance.name}: the installer made no account {ADMIN}")
    return password


def _finish(instance: Instance) -> None:
    """Put .htaccess in place, close the installer, and give files the modes Tiki needs."""
    root, host = instance.web_root, instance.host
    there = host.present(f"{root}/{layout.HTACCESS}", f"{root}/{layout.HTACCESS_TEMPLATE}")
    if there == [f"{root}/{layout.HTACCESS_TEMPLATE}"]:
        host.run("cp", "-p", "--", f"{root}/{layout.HTACCESS_TEMPLATE}", f"{root}/{layout.HTACCESS}")
    host.run("touch", "--", f"{root}/db/lock")
    found = probe.look(instance)
    if still := permissions.mend(instance, found, permissions.wrong(instance, found, WRITABLE), WRITABLE):
        raise CommandError(f"{instance.name}: could not be changed: {still[0]}")
