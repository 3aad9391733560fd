"""make access: a shell in the web root, at this machine or by ssh; one after the other for several instances.

Holds no lock: an open shell must not keep the night's backup from running.
"""

import sys

from scripts.errors import RegistryError, UsageError
from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance

# The account's own shell, where the web root is; $1 is the folder, $0 nothing.
SHELL_HERE = 'cd -- "$1" && exec "${SHELL:-/bin/sh}" -i'
LOGIN_SHELL_HERE = 'cd -- "$1" && exec "${SHELL:-/bin/sh}" -l'


def refuse_without_terminal(what: str) -> None:
    """Raise UsageError when nobody sits at a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(f"{what} wants a terminal, and there is none here")


def access(instance: Instance) -> None:
    """Open a shell and return when it is left; how it ends is not judged."""
    refuse_without_terminal("a shell")
    host = instance.host
    if not host.present(instance.web_root, kind="d"):
        raise RegistryError(f"{instance.name}: {instance.web_root}: there is no such folder on the host. Give another "
                            f"WEB_ROOT in instances.d/{instance.name}.env")
    if process.conduct.dry_run:
        output.say(f"would: open a shell at {instance.name} in {instance.web_root}")
        return
    output.say(f"{instance.name}: {instance.web_root}; leave with exit")
    script = LOGIN_SHELL_HERE if host.is_remote else SHELL_HERE
    process.attach(host.terminal("sh", "-c", script, "sh", instance.web_root))
