"""Tells machines and accounts apart by what they say themselves: two names may mean one, and one name two."""

import os
from pathlib import Path

from scripts.hosts.host import Host

# One boot of one kernel, and one root of its file systems: containers share the first and not the second. A host that
# cannot say them says nothing: two empty answers would be alike.
MACHINE = """
boot=$(cat /proc/sys/kernel/random/boot_id) && root=$(stat -c %d:%i /) && printf '%s %s\\n' "$boot" "$root"
"""
LOGIN = f"""
who=$(id -un) && printf '%s ' "$who" && {MACHINE.strip()}
"""


def machine(host: Host) -> str:
    """Return what tells the machine of a host from all others; raise CommandError when it cannot say it."""
    return _here() if host.reads_in_place else host.read_line("sh", "-c", MACHINE)


def login(host: Host) -> str:
    """Return what tells a machine, and the account that commands run as there, from all others; raise CommandError."""
    return host.read_line("sh", "-c", LOGIN)


def _here() -> str:
    """Return the same of this machine."""
    root = os.stat("/")
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {root.st_dev}:{root.st_ino}"
