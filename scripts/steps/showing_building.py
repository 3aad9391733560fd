"""Builds a show beside what is served, and lets it be served by one rename; takes a show away.

Code is shared with the base by hard links where PHP runs as another account than ours: root owns it, PHP cannot write
it. What Tiki writes into is the show's own, and PHP's. Without another account every show has a copy of everything:
what PHP may write must never have a second name elsewhere.
"""

import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from scripts.database import load, making
from scripts.database.account import Account
from scripts.database.client import Client, quote_text
from scripts.errors import DatabaseError, Fault
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry import admitted
from scripts.registry.settings import Settings
from scripts.steps import creating, showing_bases
from scripts.steps import showing_places as places
from scripts.steps.showing import Show
from scripts.steps.showing_bases import Base
from scripts.tiki import config, htpasswd, layout, passwords, permissions, probe, restriction_file
from scripts.tiki.restriction import Rule

NEW, OLD = ".new", ".old"
GUARD, LOGINS, SESSIONS, SNAPSHOTS = "guard", ".htpasswd", "sessions", "snapshots"
WRITTEN = tuple(folder for folder in permissions.WRITABLE if folder != "db")
"""What Tiki writes into. Its account stays as it was made: PHP reads db/local.php and does not write it."""
PHP_LIMITS = """
# TRIM: PHP stays in this show's own folders.
{ini}"""


def fill(settings: Settings, show: Show, base: Base) -> str:
    """Build a show from a base, with an empty past, and serve it; return its administrator's new password."""
    tree = places.home(settings, show.id) / NEW
    with places.server(settings) as (server, admin):
        account = process.side_by_side(lambda: lay_tree(settings, show, base, tree),
                                       lambda: _database(settings, server, admin, show, base))[1]
        write_account(settings, tree, account, base.tiki)
        password = _set_password(settings, replace(server, database=account.name), show, tree, base.hash_length)
    probe.probe(places.instance(settings, show.id, tree))
    serve(settings, show.id)
    return password


def lay_tree(settings: Settings, show: Show, base: Base, tree: Path) -> None:
    """Lay the code of a base into a folder that is not served, with guard and PHP's limits, without an account."""
    home, source, account = places.home(settings, show.id), showing_bases.tree_of(settings, base), \
        places.php_account(settings)
    _remove(tree)
    MANAGER.make_folder(str(home), 0o755)
    written = [str(path.relative_to(source)) for path in map(source.joinpath, WRITTEN) if path.is_dir()]
    if account:
        MANAGER.run("cp", "-al", "--", str(source), str(tree))
        _remove(*(tree / name for name in written))
        MANAGER.run("env", "-C", str(source), "cp", "-a", "--reflink=auto", "--parents", "--", *written, str(tree))
        MANAGER.run("chown", "-hR", f"{account}:", "--", *(str(tree / name) for name in written))
    else:
        MANAGER.run("cp", "-a", "--reflink=auto", "--", str(source), str(tree))
    MANAGER.run("chmod", "755", "--", str(tree))
    _limit_php(settings, show.id, tree)
    _guard(settings, show, tree)


def write_account(settings: Settings, tree: Path, account: Account, tiki: str) -> None:
    """Write db/local.php so that PHP reads it and nobody else."""
    text = config.local_php_text(account.host, account.port, account.socket, account.user, account.password,
                                 account.name, tiki)
    write_private(settings, tree / layout.LOCAL_PHP, text)


def write_private(settings: Settings, path: Path, text: bytes) -> None:
    """Write a file that the shows' PHP may read and not change."""
    reader = places.php_account(settings)
    MANAGER.write(str(path), text, 0o400)
    if reader:
        MANAGER.run("chown", f":{pwd.getpwnam(reader).pw_gid}", "--", str(path))
        MANAGER.run("chmod", "440", "--", str(path))


def serve(settings: Settings, show_id: str) -> None:
    """Let what was built take the place of what is served."""
    home, web = places.home(settings, show_id), places.web_root(settings, show_id)
    close(settings, show_id)
    if (home / OLD / SNAPSHOTS).is_dir() and not (home / NEW / SNAPSHOTS).exists():
        MANAGER.rename(str(home / OLD / SNAPSHOTS), str(home / NEW / SNAPSHOTS))
    MANAGER.rename(str(home / NEW), str(web))
    try:
        _remove(home / OLD)
    except Fault as fault:  # what is served is whole; the next `close` removes it
        output.warn(f"{show_id}: the tree it had before could not be removed: {fault}")


def close(settings: Settings, show_id: str) -> None:
    """Let a show be seen no more; what was served stays until something else is."""
    home, web = places.home(settings, show_id), places.web_root(settings, show_id)
    if web.exists():
        _remove(home / OLD)
        MANAGER.rename(str(web), str(home / OLD))


def reopen(settings: Settings, show_id: str) -> None:
    """Serve again what was served before `close`."""
    home = places.home(settings, show_id)
    _remove(home / NEW)
    MANAGER.rename(str(home / OLD), str(places.web_root(settings, show_id)))


def take_away(settings: Settings, show: Show) -> None:
    """Remove all that a show has, however much of it there is: folder, database, account."""
    close(settings, show.id)
    _remove(places.home(settings, show.id))
    with places.server(settings) as (server, admin):
        name = _database_name(settings, show)
        making.remove(server, replace(admin, name=name, user=name))


@contextmanager
def database(settings: Settings, show: Show) -> Iterator[Client]:
    """Yield the database of a show, with the administrator's rights: its own password is in its tree alone."""
    with places.server(settings, _database_name(settings, show)) as (client, _):
        yield client


def _database_name(settings: Settings, show: Show) -> str:
    # As it was made: this machine may have another name by now. A damaged file has none.
    return show.database or places.database_name(settings, show.id)


def _database(settings: Settings, server: Client, admin: Account, show: Show, base: Base) -> Account:
    """Make the database of a show from the base's dump; what there was of it goes first."""
    name = _database_name(settings, show)
    making.remove(server, replace(admin, name=name, user=name))
    account = making.make(server, admin, name)
    into = replace(server, database=name)
    process.side_by_side(*(lambda part=part: _load(into, part) for part in showing_bases.dumps_of(settings, base)))
    return account


def _load(client: Client, part: Path) -> None:
    with open(part, "rb") as dump:
        load.load(client, out_of=dump)


def _set_password(settings: Settings, client: Client, show: Show, tree: Path, length: int) -> str:
    """Give the administrator of a show a random password; only its hash stays."""
    password = passwords.new()
    hashed = passwords.hashed(places.instance(settings, show.id, tree), password, length)
    who = f"WHERE login = {quote_text(creating.ADMIN)}"
    if client.execute(f"UPDATE users_users SET hash = {quote_text(hashed)} {who}; "
                      f"SELECT hash FROM users_users {who}") != [(hashed,)]:
        raise DatabaseError(f"{show.id}: its database has no account {creating.ADMIN}")
    return password


def _limit_php(settings: Settings, show_id: str, tree: Path) -> None:
    """Keep PHP in the show's own folders: by .htaccess where it is Apache's module, by .user.ini where it is not.

    It keeps honest errors in; who may run programs goes past it. Sessions of all shows in one folder would let the
    administrator of one read who is logged in at another.
    """
    home, account = places.home(settings, show_id), places.php_account(settings)
    sessions = home / SESSIONS
    MANAGER.run("install", "-d", "-m", "700", *(["-o", account] if account else []), "--", str(sessions))
    limits = {"open_basedir": f"{home / 'web'}:{sessions}:/tmp", "session.save_path": str(sessions),
              "session.gc_probability": "1"}
    blocks = [f"<IfModule {module}>\n" + "".join(f'php_value {name} "{value}"\n' for name, value in limits.items())
              + "</IfModule>\n" for module in ("mod_php.c", "mod_php7.c")]
    htaccess = tree / layout.HTACCESS
    before = htaccess.read_bytes() if htaccess.exists() else b""
    MANAGER.write(str(htaccess), before.rstrip(b"\n") + PHP_LIMITS.format(ini="".join(blocks)).encode(), 0o644)
    ini = "".join(f'{name} = "{value}"\n' for name, value in limits.items())
    MANAGER.write(str(tree / ".user.ini"), PHP_LIMITS.replace("#", ";").format(ini=ini).encode(), 0o644)


def _guard(settings: Settings, show: Show, tree: Path) -> None:
    """Put Basic authentication in front of a tree."""
    guard = places.home(settings, show.id) / GUARD
    MANAGER.make_folder(str(guard), 0o755)
    MANAGER.write(str(guard / LOGINS), htpasswd.text(admitted.logins([show.viewer])), 0o644)
    restriction_file.put(MANAGER, str(tree), Rule(show.id, has_logins=True), str(guard / LOGINS))


def _remove(*paths: Path) -> None:
    there = [str(path) for path in paths if path.exists()]
    if there:
        MANAGER.run("rm", "-rf", "--one-file-system", "--", *there)
