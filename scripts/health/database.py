"""Whether the database lets us in, and whether the account may do what a backup and a restore do."""

import re
from collections.abc import Iterable, Iterator

from scripts.database.client import quote_name, quote_text
from scripts.database.faults import SqlError
from scripts.errors import DatabaseError, Fault
from scripts.health import mends
from scripts.health.finding import Wrong, told
from scripts.registry.instance import Instance
from scripts.steps import site
from scripts.steps.site import Site
from scripts.tiki import layout, probe

GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?:`(?P<database>(?:[^`]|``)*)`|\*)\.\* TO ")
ROLE = re.compile(r"GRANT [^ ]+ TO ")
FOR_BACKUP = {"SELECT"}
FOR_RESTORE = {"INSERT", "UPDATE", "CREATE", "DROP", "ALTER", "LOCK TABLES"}
FOR_VIEWS = {"SHOW VIEW", "CREATE VIEW"}
NO_ACCESS, NO_DATABASE, UNREACHABLE = 1044, 1049, (2002, 2003)
REFUSED = re.compile(r"for user '(?P<user>[^']*)'@'(?P<host>[^']*)' to database")


def rights(found: Site) -> Iterator[Wrong]:
    """Compare what the account may with what a backup and a restore want of it."""
    granted = granted_on(found.account.name, [row[0] for row in found.client.query("SHOW GRANTS")])
    if granted is None:
        return
    views = FOR_VIEWS if any(table.is_view for table in found.tables) else set()
    lacking = sorted((FOR_BACKUP | FOR_RESTORE | views) - granted)
    if not lacking:
        return
    locked = {"LOCK TABLES"} if any(table.engine not in ("InnoDB", None) for table in found.tables) else set()
    hurt = "a backup" if set(lacking) & (FOR_BACKUP | locked | {"SHOW VIEW"}) else "a restore"
    user, _, host = found.client.query("SELECT CURRENT_USER()")[0][0].rpartition("@")
    wanted, database = ", ".join(lacking), found.account.name
    grant = f"GRANT {wanted} ON {_pattern(database)}.* TO {quote_text(user)}@{quote_text(host)}"
    yield Wrong(f"the account {user} may not {wanted} on database {database}: {hurt} is not whole",
                mends.as_database_admin(found.instance, found.account, grant))


def granted_on(database: str, grants: Iterable[str]) -> set[str] | None:
    """Return the rights that lines of SHOW GRANTS give on all of a database; None when a role may add to them."""
    granted: set[str] = set()
    for line in grants:
        if ROLE.match(line):
            return None
        match = GRANT.match(line)
        if match and (match["database"] is None or _covers(match["database"].replace("``", "`"), database)):
            granted |= {word.strip() for word in re.sub(r"\([^)]*\)", "", match["rights"]).split(",")}
    if granted & {"ALL PRIVILEGES", "ALL"}:
        return FOR_BACKUP | FOR_RESTORE | FOR_VIEWS
    return granted


def why_not_entered(instance: Instance, fault: DatabaseError) -> Wrong:
    """Return what keeps us out of the database, and what mends it."""
    code = fault.code if isinstance(fault, SqlError) else None
    try:
        account = site.account_of(instance, probe.look(instance))
    except Fault:
        return Wrong(told(fault, instance.name), mends.edit_env(instance))
    name = quote_name(account.name)
    if code == NO_DATABASE:
        mend = mends.as_database_admin(instance, account, f"CREATE DATABASE {name}")
    elif code == NO_ACCESS and (refused := REFUSED.search(str(fault))):
        grant = (f"GRANT ALL PRIVILEGES ON {_pattern(account.name)}.* TO "
                 f"{quote_text(refused['user'])}@{quote_text(refused['host'])}")
        mend = mends.as_database_admin(instance, account, f"CREATE DATABASE IF NOT EXISTS {name}; {grant}")
    elif code in UNREACHABLE and account.server[0] == "localhost":
        is_root = instance.ssh_user == "root" if instance.access == "ssh" else None
        mend = mends.at_host(instance, mends.as_root("systemctl restart mariadb", is_root))
    else:
        mend = _edit_account(instance)
    return Wrong(told(fault, instance.name), mend)


def _edit_account(instance: Instance) -> str:
    """Return the call that corrects the account where it is written."""
    if instance.db_name:
        return mends.edit_env(instance)
    return mends.at_host(instance, mends.edit(f"{instance.web_root}/{layout.local_php(instance.site)}"))


def _covers(pattern: str, database: str) -> bool:
    """Tell whether the database name of a grant, in which % and _ stand for others, means this one."""
    wild = {"%": ".*", "_": "."}
    form = "".join(re.escape(part[1]) if part.startswith("\\") and len(part) > 1 else wild.get(part, re.escape(part))
                   for part in re.findall(r"\\.|.", pattern, re.DOTALL))
    return re.fullmatch(form, database, re.DOTALL) is not None


def _pattern(database: str) -> str:
    """Return a database's name as a grant takes it, meaning this database alone."""
    return quote_name(re.sub(r"([\\%_])", r"\\\1", database))
