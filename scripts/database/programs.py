"""Which database programs a host has, and what they know; asked once for each host."""

import os
import re
import threading
from dataclasses import dataclass

from scripts.errors import CommandError, HostError
from scripts.hosts.host import Host
from scripts.hosts.local import MANAGER

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


_places: dict[tuple[Host, str], threading.Lock] = {}
_found: dict[tuple[Host, str], Programs] = {}


def on(host: Host) -> Programs:
    """Return the programs of a host; raise HostError when there is no client."""
    # All sites of this machine have the same; which those are follows from PATH.
    place = (MANAGER, os.environ.get("PATH", "")) if host.reads_in_place else (host, "")
    with _places.setdefault(place, threading.Lock()):  # who asks while another one looks waits for its answer
        if place not in _found:
            _found[place] = _look(place[0])
    return _found[place]


def forget() -> None:
    """Look anew at the next question."""
    _found.clear()


def _look(host: Host) -> Programs:
    lines = host.read("sh", "-c", LOOK).decode().split("\n")
    if lines[-2:] != ["end", ""]:
        raise CommandError(f"[{host.name}] sh: the answer about its database programs is cut off")
    client, dump, *options = lines[:-2]
    if "none" in (client, dump):
        missing = "mariadb or mysql" if client == "none" else "mariadb-dump or mysqldump"
        raise HostError(f"{host.name}: there is no program {missing}. Next, on that host: apt install mariadb-client")
    cores = next((line.split()[1] for line in options if re.fullmatch(r"cores \d+", line)), "1")
    return Programs(client, dump, frozenset(word for word in options if word.startswith("--")), int(cores))
