"""Which database programs a host has, and what they know; asked once for each host."""

import re
from dataclasses import dataclass
from functools import cache

from scripts.errors import CommandError, HostError
from scripts.hosts.host import Host

# mysqldump under MariaDB is a second name that warns in newer versions: its own name comes first. grep ends
# with 1 when it finds nothing, and `end` shows that the answer is whole.
LOOK = """
for name in mariadb mysql; do command -v "$name" && break; done || echo none
for name in mariadb-dump mysqldump; do command -v "$name" && break; done || echo none
{ mariadb --no-defaults --help || mysql --no-defaults --help; } 2>/dev/null | grep -o -e '--sandbox'
{ mariadb-dump --no-defaults --help || mysqldump --no-defaults --help; } 2>/dev/null |
    grep -o -e '--column-statistics' -e '--set-gtid-purged'
echo "cores $(nproc || echo 1)"
echo end
"""


@dataclass(frozen=True)
class Programs:
    """The client and the dump program of a host, and the options they know that others do not.

    cores is how many processors the host has: mostly those of the server too.
    """

    client: str
    dump: str
    options: frozenset[str]
    cores: int = 1


@cache
def on(host: Host) -> Programs:
    """Return the programs of a host; raise HostError when there is no client."""
    lines = host.read("sh", "-c", LOOK).decode().split("\n")
    if lines[-2:] != ["end", ""]:
        raise CommandError(f"[{host.name}] sh: the answer about its database programs is cut off")
    client, dump, *options = lines[:-2]
    if "none" in (client, dump):
        missing = "mariadb or mysql" if client == "none" else "mariadb-dump or mysqldump"
        raise HostError(f"{host.name}: there is no program {missing}. Next, on that host: apt install mariadb-client")
    cores = next((line.split()[1] for line in options if re.fullmatch(r"cores \d+", line)), "1")
    return Programs(client, dump, frozenset(word for word in options if word.startswith("--")), int(cores))
