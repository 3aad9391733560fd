"""What it takes before a host can be entered without a password: our key, the host's key on record, our key there."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import CommandError, HostError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.local import MANAGER
from scripts.hosts.ssh import CONNECT_TIMEOUT, SshHost

USUAL_KEY = "~/.ssh/id_ed25519"
USUAL_RECORD = "~/.ssh/known_hosts"


@dataclass(frozen=True)
class HostKeys:
    """The keys a host shows: lines for known_hosts, and what people compare, as in `256 SHA256:... (ED25519)`."""

    lines: bytes
    fingerprints: tuple[str, ...]


def own_key(host: SshHost) -> Path:
    """Return the private key that is to open the host."""
    return Path(os.path.abspath(os.path.expanduser(host.key or USUAL_KEY)))


def make_key(path: Path, comment: str) -> None:
    """Make a key pair without a passphrase: cron has nobody to ask."""
    MANAGER.make_folder(str(path.parent), 0o700)
    MANAGER.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))


def require_usable(path: Path) -> None:
    """Raise HostError when a private key asks for a passphrase or is no key; make its public half when it is lost."""
    try:
        public = MANAGER.read("ssh-keygen", "-y", "-P", "", "-f", str(path))
    except CommandError as error:
        said = error.stderr.strip().splitlines()[-1:] or [str(error)]
        raise HostError(f"{path}: cannot be used without a person ({said[0]}). Give another SSH_KEY, or take its "
                        f"passphrase away: ssh-keygen -p -f {path}") from error
    beside = Path(f"{path}.pub")
    if not beside.exists():
        MANAGER.write(str(beside), public, 0o644)


def is_on_record(host: SshHost) -> bool:
    """Whether a key of this host is known; whether it is the right one, ssh itself finds out."""
    record = _record(host)
    return record.exists() and bool(MANAGER.read("ssh-keygen", "-F", _known_as(host), "-f", str(record), ok=(0, 1)))


def ask_host(host: SshHost) -> HostKeys:
    """Return the keys that the host shows now; raise HostError when it shows none."""
    address, port = _address(host)
    said = MANAGER.read("ssh-keyscan", "-T", CONNECT_TIMEOUT, "-p", port, "--", address, ok=(0, 1))
    lines = [line for line in said.splitlines() if line and not line.startswith(b"#")]
    if not lines:
        raise HostError(f"{host.name}: {address} shows no host key on port {port}. Is it up? Is this the port of sshd?")
    # Under the name that ssh will look for: an alias may stand for another address.
    named = b"".join(_known_as(host).encode() + b" " + line.split(b" ", 1)[1] + b"\n" for line in lines)
    prints = MANAGER.read("ssh-keygen", "-l", "-f", "-", stdin=named).decode("utf-8", "replace").splitlines()
    return HostKeys(named, tuple(re.sub(r" \S+ (\(\w+\))$", r" \1", line) for line in prints))


def record(host: SshHost, keys: HostKeys) -> Path:
    """Add keys to the file that ssh looks into, and return it."""
    path = _record(host)
    before = path.read_bytes() if path.exists() else b""
    gap = b"\n" if before and not before.endswith(b"\n") else b""
    MANAGER.make_folder(str(path.parent), 0o700)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    MANAGER.write(os.path.realpath(path), before + gap + keys.lines, mode)
    return path


def copy_key(host: SshHost, key: Path, is_asking: bool) -> str:
    """Let ssh-copy-id put the public key there; return how it failed. That it did not fail proves nothing.

    is_asking gives it the terminal, for the password; otherwise it works where another key opens the door.
    """
    settings = {"StrictHostKeyChecking": "yes", "ConnectTimeout": CONNECT_TIMEOUT, "LogLevel": "ERROR",
                "BatchMode": "no" if is_asking else "yes"}
    if host.known_hosts:
        settings["UserKnownHostsFile"] = host.known_hosts
    words = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    argv = ("ssh-copy-id", "-i", f"{key}.pub", "-p", str(host.port), *words, host.target)
    command = Command(argv, f"[{host.name}] ssh-copy-id -i {key}.pub {host.target}")
    if is_asking and not process.conduct.dry_run:
        code = process.attach(command)
        return f"ssh-copy-id ended with exit code {code}" if code else ""
    try:
        process.run(command)
        return ""
    except CommandError as error:
        return str(error)


def _record(host: SshHost) -> Path:
    return Path(os.path.abspath(os.path.expanduser(host.known_hosts or USUAL_RECORD)))


def _known_as(host: SshHost) -> str:
    """Return the name under which ssh looks for the host's key."""
    alias = host.configured().get("hostkeyalias")
    address, port = _address(host)
    return alias or (address if port == "22" else f"[{address}]:{port}")


def _address(host: SshHost) -> tuple[str, str]:
    """Return where ssh would go."""
    known = host.configured()
    return known.get("hostname", host.address), known.get("port", str(host.port))
