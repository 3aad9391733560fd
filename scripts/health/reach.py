"""Whether an instance's host lets us in and has what we need there; two calls for all of it."""

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from scripts.database import credentials
from scripts.database.whereabouts import Whereabouts
from scripts.errors import CommandError, Fault, HostError
from scripts.health import mends
from scripts.health.finding import Checked, Wrong, checked, look
from scripts.hosts.ssh import SshHost
from scripts.registry.instance import Instance

MOST_SKEW_SECONDS = 60
# Each word is a choice: one of its programs is enough.
COREUTILS = ("realpath", "df", "du", "tee", "mktemp", "rm", "mv", "mkdir", "install", "chown", "ln", "cat", "date",
             "env")
PACKAGES = {**dict.fromkeys(COREUTILS, "coreutils"),
            "find": "findutils", "tar": "tar", "rsync": "rsync", "GNU find": "findutils", "GNU tar": "tar",
            "mariadb mysql": "mariadb-client", "mariadb-dump mysqldump": "mariadb-client"}
GNU = "GNU "
LOOK = """
echo "$(date +%s)"; id -u; id -un
for choice do
    found=
    for name in $choice; do command -v "$name" >/dev/null 2>&1 && found=1; done
    [ "$found" ] || echo "$choice"
done
for name in find tar; do
    command -v "$name" >/dev/null 2>&1 || continue
    case $("$name" --version 2>/dev/null) in *GNU*) ;; *) echo "GNU $name" ;; esac
done
echo end
"""
# why_not_connected closes with a command, introduced by one of these.
SSH_ADVICE = re.compile(r"[.;,]? *(?:Next|then|when the new key is right): (?P<mend>.+)$")


@dataclass
class Reached:
    """What is known of a host: is_there tells whether it answered; user is our account there.

    database is the one of the site, once its server was asked.
    """

    is_there: bool = False
    is_root: bool = False
    user: str = ""
    clock_seconds: float = 0
    missing: list[str] = field(default_factory=list)
    database: Whereabouts | None = None


def checks(instance: Instance, reached: Reached) -> Iterator[Checked]:
    """Look at the way to an instance and at its host; fill in reached on the way."""
    yield look(instance.name, "host", lambda: _enter(instance, reached), lambda fault: _mend_way(instance, fault))
    if not reached.is_there or not instance.host.is_remote:
        return
    yield checked(instance.name, "programs", _missing(instance, reached))
    yield checked(instance.name, "clock", _clock(instance, reached))
    yield look(instance.name, "leftovers", lambda: _leftovers(instance), mends.at_host(instance, "ls -la /tmp"))


def _enter(instance: Instance, reached: Reached) -> Iterator[Wrong]:
    """Reach the host and ask it all that one call can tell."""
    yield from _key_file(instance)
    host = instance.host
    if isinstance(host, SshHost):
        host.connect()
    started = time.time()
    choices = (choice for choice in PACKAGES if not choice.startswith(GNU))
    lines = host.read("sh", "-c", LOOK, "sh", *choices).decode("utf-8", "replace").split("\n")
    if len(lines) < 5 or lines[-2:] != ["end", ""]:
        raise CommandError(f"{instance.name}: the host's answer is cut off, or its shell prints something at login")
    now, identity, reached.user, *reached.missing = lines[:-2]
    reached.is_root, reached.is_there = identity == "0", True
    reached.clock_seconds = _skew(now, started, time.time())


def _key_file(instance: Instance) -> Iterator[Wrong]:
    """Look at the private key before ssh does: it would only say that it was not let in."""
    if not instance.ssh_key:
        return
    path = os.path.expanduser(instance.ssh_key)
    with suppress(OSError):
        if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
            yield Wrong(f"others may read the private key {path}, so ssh does not use it",
                        mends.words("chmod", "600", "--", path))
        return
    yield Wrong(f"the private key {path} (SSH_KEY) is not there", mends.edit_env(instance))


def _skew(now: str, started: float, ended: float) -> float:
    """Return by how many seconds the host's clock is ahead; the time of the call itself is no skew."""
    if not now.isdigit():
        return 0
    return min(int(now) + 1 - started, 0) or max(int(now) - ended, 0)


def _mend_way(instance: Instance, fault: Fault) -> str:
    """Return the command that a fault of ssh closes with; where it names none, one that shows more."""
    found = SSH_ADVICE.search(str(fault))
    if isinstance(fault, HostError) and found and not found["mend"].startswith("make"):
        is_first = "known_hosts" in found["mend"] and not os.path.isdir(os.path.expanduser("~/.ssh"))
        return f"{'mkdir -m 700 ~/.ssh && ' if is_first and not instance.settings.known_hosts else ''}{found['mend']}"
    return mends.reach_by_hand(instance)


def _missing(instance: Instance, reached: Reached) -> Iterator[Wrong]:
    for choice in reached.missing:
        name = choice if choice.startswith(GNU) else " or ".join(choice.split())
        yield Wrong(f"the host has no {name}: backups of it, or restores, fail",
                    mends.at_host(instance, mends.install(PACKAGES[choice], reached.is_root)))


def _clock(instance: Instance, reached: Reached) -> Iterator[Wrong]:
    if abs(reached.clock_seconds) > MOST_SKEW_SECONDS:
        ahead = "ahead of" if reached.clock_seconds > 0 else "behind"
        yield Wrong(f"the host's clock is {abs(reached.clock_seconds):.0f} seconds {ahead} the manager's: moments in "
                    "logs, archives and the site do not fit together",
                    mends.at_host(instance, mends.as_root("timedatectl set-ntp true", reached.is_root)))


def _leftovers(instance: Instance) -> Iterator[Wrong]:
    if paths := credentials.leftovers(instance.host):
        yield Wrong(f"a killed run left files with the database's password on the host: {', '.join(paths)}",
                    mends.at_host(instance, mends.words("rm", "-f", "--", *paths)))
