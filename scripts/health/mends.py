"""The commands that mend: each is one line for any shell, quoted, and works from any folder."""

import os
import shlex
from pathlib import Path

from scripts.database import programs
from scripts.database.account import OWN_MACHINE, USUAL_PORT, Account
from scripts.hosts.ssh import SshHost
from scripts.registry import registry
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.tiki import layout


def make(settings: Settings, verb: str, **variables: str) -> str:
    """Return a call of this toolkit."""
    given = [f"{name}={value}" for name, value in variables.items()]
    return shlex.join(["make", "-C", str(settings.top), verb, *given])


def restore(instance: Instance, **variables: str) -> str:
    """Return the call that restores an instance; a guarded one asks for its name."""
    confirm = {"CONFIRM": instance.name} if instance.guarded else {}
    return make(instance.settings, "restore", INSTANCE=instance.name, **variables, **confirm)


def words(*command: str | os.PathLike) -> str:
    return shlex.join(map(str, command))


def as_root(command: str, is_root: bool | None = None) -> str:
    """Return a command as root gives it; is_root tells whether we are root where it runs, by default here."""
    return command if (os.geteuid() == 0 if is_root is None else is_root) else f"sudo {command}"


def install(package: str, is_root: bool | None = None) -> str:
    return as_root(f"apt-get install -y {package}", is_root)


def edit(path: str | Path) -> str:
    """Return the call of the operator's editor, for what only a person can know."""
    return f"${{EDITOR:-vi}} {shlex.quote(str(path))}"


def edit_env(instance: Instance) -> str:
    return edit(env_path(instance.settings, instance.name))


def edit_settings(settings: Settings) -> str:
    return edit(settings.top / "conf" / "settings.env")


def env_path(settings: Settings, name: str) -> Path:
    return registry.folder(settings) / f"{name}.env"


def at_host(instance: Instance, command: str) -> str:
    """Return a command line of the instance's host as it is given here; one that may ask gets a terminal there."""
    host = instance.host
    if not isinstance(host, SshHost):
        return command
    asks = ["-t"] if command.startswith(("sudo ", "${EDITOR")) or " -p " in command else []
    return words("ssh", *asks, *_way(instance), host.target, command)


def clear_caches(instance: Instance) -> str:
    """Return the call that empties a site's caches, which it fills again by itself."""
    return at_host(instance, words(instance.php, f"{instance.web_root}/{layout.CONSOLE}", "cache:clear", "--all"))


def reach_by_hand(instance: Instance) -> str:
    """Return a call that tells what it tries on the way to a host; for this machine, where the way is described."""
    if instance.access == "local":
        return edit_env(instance)
    target = f"{instance.ssh_user}@{instance.ssh_host}" if instance.ssh_user else instance.ssh_host
    return words("ssh", "-v", *_way(instance), target, "true")


def as_database_admin(instance: Instance, account: Account, sql: str) -> str:
    """Return the call that gives statements to an account's server as its root."""
    client = programs.on(instance.host).client
    is_usual = account.host.lower() in OWN_MACHINE and (account.port or USUAL_PORT) == USUAL_PORT
    if account.socket or is_usual:
        through = ["-S", account.socket] if account.socket else []
        is_root = None if not instance.host.is_remote else (instance.ssh_user == "root")
        return at_host(instance, as_root(words(client, *through, "-e", sql), is_root))
    port = ["-P", str(account.port)] if account.port else []
    return at_host(instance, words(client, "-h", account.host, *port, "-u", "root", "-p", "-e", sql))


def _way(instance: Instance) -> list[str]:
    """Return ssh's options for an instance's host; files by their whole paths, for calls from other folders."""
    settings = instance.settings
    known = settings.place(os.path.expanduser(settings.known_hosts)) if settings.known_hosts else None
    key = settings.place(os.path.expanduser(instance.ssh_key)) if instance.ssh_key else None
    return [*(["-o", f"UserKnownHostsFile={known}"] if known else []), "-p", str(instance.ssh_port),
            *(["-i", str(key)] if key else [])]
