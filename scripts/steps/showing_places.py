"""Where the parts of a show are: folder, address, database. All but the database's name, which is
written down when it is made, follows from its id and the settings.

    SHOW_ROOT/ID/web        what the web server serves as https://ID.show.example.org
    SHOW_ROOT/ID/guard      the file of logins
    SHOW_ROOT/ID/sessions   where PHP keeps who is logged in
    SHOW_ROOT/.bases/...    a complete Tiki of each version, which shows are made from
"""

import hashlib
import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from scripts.database import credentials, making
from scripts.database.account import Account
from scripts.database.client import Client
from scripts.errors import RefusedError, RegistryError
from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings

ROOT = 0
HOW = "How: docs/show.md"


def home(settings: Settings, show_id: str) -> Path:
    """Return the folder of everything a show has."""
    return Path(settings.show_root) / show_id


def web_root(settings: Settings, show_id: str) -> Path:
    """Return the folder that is served."""
    return home(settings, show_id) / "web"


def url(settings: Settings, show_id: str) -> str:
    """Return the address of a show."""
    return settings.show_url.replace("*", show_id) + "/"


def database_name(settings: Settings, show_id: str) -> str:
    """Return the name that a new show's database and account get; another toolkit on the same server has others."""
    return f"show_{_part(f'{socket.gethostname()}:{settings.top}', 8)}_{_part(show_id, 12)}"


def php_account(settings: Settings) -> str:
    """Return the account PHP runs as; nothing when it is our own."""
    return settings.show_php_user if os.geteuid() == ROOT else ""


def instance(settings: Settings, show_id: str, tree: Path) -> Instance:
    """Return a tree of a show as an instance whose programs run as the shows' PHP does.

    What an administrator of a show could write must not be run by root.
    """
    return Instance(name=show_id, settings=settings, web_root=str(tree), php=settings.show_php,
                    run_as=php_account(settings))


@contextmanager
def server(settings: Settings, database: str = "") -> Iterator[tuple[Client, Account]]:
    """Yield the shows' database server, or one database there, and its administrator, whose rights are used."""
    admin = credentials.read_option_file(settings.place(settings.show_db_admin))
    with making.administrator(MANAGER, admin) as client:
        yield (replace(client, database=database) if database else client), admin


def _part(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def require(settings: Settings) -> None:
    """Raise RegistryError when shows cannot be made here, and say what is missing."""
    for key, value in (("SHOW_ROOT", settings.show_root), ("SHOW_URL", settings.show_url),
                       ("SHOW_DB_ADMIN", settings.show_db_admin)):
        if not value:
            raise RegistryError(f"{key} is not set in conf/settings.env: shows have no place yet. {HOW}")
    if os.geteuid() == ROOT and settings.show_php_user in ("", "root"):
        raise RegistryError("SHOW_PHP_USER in conf/settings.env: expected the account that PHP runs as for shows, as "
                            f"in www-data: their administrators must not be root. {HOW}")
    try:
        pwd.getpwnam(settings.show_php_user or "root")
    except KeyError as error:
        raise RegistryError(f"SHOW_PHP_USER={settings.show_php_user}: there is no such account on this machine. {HOW}"
                            ) from error
    if os.geteuid() != ROOT and settings.show_php_user:
        raise RegistryError("SHOW_PHP_USER is set, and only root can give files to it. Next: run TRIM as root, or "
                            "empty it and let PHP run as TRIM's own account")


def refuse_maintenance(settings: Settings) -> None:
    """Raise RefusedError while the shows are under maintenance."""
    if settings.show_maintenance:
        raise RefusedError(f"shows are under maintenance: {settings.show_maintenance}. Nothing was changed "
                           "(SHOW_MAINTENANCE in conf/settings.env)")
