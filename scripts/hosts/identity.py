"""Tells machines and accounts apart by what they say themselves: two names may mean one, and one name two."""

import os
from functools import cache
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

# The kernel's name for the machine, and systemd's id of its installation, which copies of one image have in common.
LASTING = """
name=$(uname -n) && id=$(cat /etc/machine-id 2>/dev/null || :) && printf '%s %s\\n' "$name" "${id:--}"
"""


def machine(host: Host) -> str:
    """Return what tells the machine of a host from all others; raise CommandError when it cannot say it."""
    return _here() if host.reads_in_place else host.read_line("sh", "-c", MACHINE)


def login(host: Host) -> str:
    """Return what tells a machine, and the account that commands run as there, from all others; raise CommandError."""
    return host.read_line("sh", "-c", LOGIN)


@cache
def lasting(host: Host) -> str:
    """Return what tells the machine of a host from others, also after a restart: its name first, then a space."""
    return host.read_line("sh", "-c", LASTING)


def _here() -> str:
    """Return the same of this machine."""
    root = os.stat("/")
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {root.st_dev}:{root.st_ino}"
