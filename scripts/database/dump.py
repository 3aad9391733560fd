"""Makes the SQL stream of one database: which call, how consistent, in which character set."""

from collections.abc import Sequence
from dataclasses import replace

from scripts.database import programs
from scripts.database.client import PACKET, Client
from scripts.hosts import bandwidth
from scripts.hosts.command import Command
from scripts.hosts.streams import Filter

HOW = {"snapshot": ["--single-transaction", "--skip-lock-tables"],
       "locked": ["--skip-single-transaction", "--lock-tables"],
       "unlocked": ["--skip-single-transaction", "--skip-lock-tables"]}
# Only MySQL's own dump program knows these, and their defaults write what an older server or MariaDB refuses.
MYSQL_ONLY = {"--column-statistics": "--column-statistics=0", "--set-gtid-purged": "--set-gtid-purged=OFF"}
MAY_LOCK = """
SELECT COUNT(*) FROM (
  SELECT grantee, privilege_type FROM information_schema.user_privileges
  UNION ALL
  SELECT grantee, privilege_type FROM information_schema.schema_privileges WHERE DATABASE() LIKE table_schema
) AS granted
WHERE privilege_type = 'LOCK TABLES' AND REPLACE(grantee, '''', '') = REPLACE(CURRENT_USER(), '''', '')
"""


def dump_command(client: Client, *, skip_tables: Sequence[str] = (), consistent: str = "snapshot",
                 routines: bool = False, events: bool = False, comparable: bool = False) -> Command:
    """Return the call that prints the database as SQL; consistent is what `consistency` found.

    It ends with the line `-- Dump completed`; a stream without it was cut off, whatever the exit code says. comparable
    puts each row on a line of its own, in the order of the keys, so that two dumps can be compared line by line.
    """
    known = programs.on(client.host)
    options = [word for option, word in MYSQL_ONLY.items() if option in known.options]
    options += [word for word, wanted in (("--routines", routines), ("--events", events)) if wanted]
    options += ["--skip-extended-insert", "--order-by-primary"] if comparable else []
    options += [f"--ignore-table={client.database}.{table}" for table in sorted(skip_tables)]
    return client.host.command(
        known.dump, f"--defaults-file={client.options}", *HOW[consistent], "--quick", "--hex-blob",
        f"--default-character-set={client.charset}", "--no-tablespaces", "--skip-dump-date", PACKET, *options,
        "--", client.database)


def stream(client: Client, **options: object) -> tuple[Command | Filter, ...]:
    """Return the stages that give the database as SQL, no faster than BWLIMIT allows; options are dump_command's."""
    return (dump_command(client, **options), *bandwidth.stages(client.host))


def consistency(client: Client, skip_tables: Sequence[str] = ()) -> str:
    """Return how consistent a dump can be: "snapshot", "locked" or "unlocked".

    Only InnoDB has snapshots. One table of another engine asks for a lock on all of them while the dump runs;
    without the right to lock, tables may differ by what visitors did meanwhile.
    """
    engines = {table.engine for table in client.tables() if not table.is_view and table.name not in skip_tables}
    if engines <= {"InnoDB"}:
        return "snapshot"
    return "locked" if client.query(MAY_LOCK) != [("0",)] else "unlocked"


def lossless(client: Client) -> Client:
    """Return the client with the character set in which every text survives a dump and its load.

    That is utf8mb4, whatever the site connects with: a site on utf8 would lose what needs four bytes, one on latin1
    what latin1 lacks. UTF-8 bytes that an old site keeps in latin1 columns come back as the same bytes, because the
    server maps all 256 values of latin1 to characters of their own, and back. Before 5.5 there was only utf8.
    """
    known = client.query("SELECT character_set_name FROM information_schema.character_sets "
                         "WHERE character_set_name = 'utf8mb4'")
    return replace(client, charset="utf8mb4" if known else "utf8")


def has_routines(client: Client) -> bool:
    """Tell whether the database has stored procedures or functions."""
    return bool(client.query("SELECT 1 FROM information_schema.routines WHERE routine_schema = DATABASE() LIMIT 1"))


def has_events(client: Client) -> bool:
    """Tell whether the database has scheduled events."""
    return bool(client.query("SELECT 1 FROM information_schema.events WHERE event_schema = DATABASE() LIMIT 1"))


def header(client: Client) -> bytes:
    """Return the line a dump begins with in Tiki Manager's archives, and so in ours."""
    charset, collation = client.charset_and_collation()
    return f"ALTER DATABASE DEFAULT CHARACTER SET {charset} COLLATE {collation};\n".encode()
