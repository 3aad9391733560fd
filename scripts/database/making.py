"""Makes a database and its account with an administrator's rights, and takes them away again."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from scripts.database import credentials
from scripts.database.account import OWN_MACHINE, Account
from scripts.database.client import Client, quote_name, quote_text
from scripts.errors import DatabaseError, Fault
from scripts.hosts.host import Host

NAME_LIMIT = 32           # characters of an account's name in MySQL 5.7; databases may have 64
PASSWORD_BYTES = 18       # of randomness: 24 characters
NEEDED = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX")
NOBODY = ([("@",)], [("skip-grants user@skip-grants host",)])   # MariaDB's word and MySQL's
RIGHTS = """
SELECT DISTINCT privilege_type FROM (
  SELECT grantee, privilege_type FROM information_schema.user_privileges
  UNION ALL
  SELECT grantee, privilege_type FROM information_schema.schema_privileges WHERE DATABASE() LIKE table_schema
) AS granted
WHERE grantee = CONCAT("'", REPLACE(CURRENT_USER(), '@', "'@'"), "'")
"""


@contextmanager
def administrator(host: Host, account: Account) -> Iterator[Client]:
    """Yield a client of the server itself, in no site's database."""
    with credentials.option_file(host, account) as options:
        yield Client(host, options, "information_schema")


def name_for(instance: str) -> str:
    """Return the name of database and account for an instance."""
    return re.sub(r"[^a-z0-9]", "_", instance)[:NAME_LIMIT]


def require_free(server: Client, name: str) -> None:
    """Raise DatabaseError when there is a database or an account of this name."""
    grantee = quote_text("'" + name + "'@%")
    what = server.query(f"SELECT 'database' FROM schemata WHERE schema_name = {quote_text(name)} UNION "
                        f"SELECT 'account' FROM user_privileges WHERE grantee LIKE {grantee}")
    if what:
        raise DatabaseError(f"{server.host.name}: {what[0][0]} {name} is there already, and it was not made for this. "
                            "Give DB_HOST, DB_NAME, DB_USER and DB_PASS of an empty one, or another NAME")


def make(server: Client, admin: Account, name: str) -> Account:
    """Make an empty database and an account that may use it alone; return the account with its random password.

    Raises DatabaseError when either is there already. What was made before a fault is taken away again.
    """
    require_free(server, name)
    account = replace(admin, name=name, user=name, password=secrets.token_urlsafe(PASSWORD_BYTES))
    statements = [f"CREATE DATABASE {quote_name(name)} CHARACTER SET utf8mb4"]
    for user in _users(account):
        statements += [f"CREATE USER {user} IDENTIFIED BY {quote_text(account.password)}",
                       f"GRANT ALL PRIVILEGES ON {_as_pattern(name)}.* TO {user}"]
    try:
        server.execute("; ".join(statements))
    except Fault:
        remove(server, account)
        raise
    return account


def remove(server: Client, account: Account) -> None:
    """Drop what `make` made."""
    server.execute(f"DROP DATABASE IF EXISTS {quote_name(account.name)}; "
                   f"DROP USER IF EXISTS {', '.join(_users(account))}")


def lacking_rights(client: Client) -> list[str]:
    """Return which of the rights that an installation needs the account does not have on its database."""
    held = {right for (right,) in client.query(RIGHTS)}
    # A server that runs without accounts, as our private one does, lets everybody do everything and has none on record.
    if "ALL PRIVILEGES" in held or (not held and client.query("SELECT CURRENT_USER()") in NOBODY):
        return []
    return [right for right in NEEDED if right not in held]


def _users(account: Account) -> list[str]:
    """Return the account as the server names it: by socket and by address on its own machine, else from anywhere."""
    places = ("localhost", "127.0.0.1") if account.host.lower() in OWN_MACHINE else ("%",)
    return [f"{quote_text(account.user)}@{quote_text(place)}" for place in places]


def _as_pattern(name: str) -> str:
    """Return a database's name for GRANT, where _ stands for any character unless it is escaped."""
    return quote_name(name.replace("_", "\\_"))
