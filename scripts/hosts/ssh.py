"""Another machine, reached by OpenSSH; the one place that knows ssh's options and what its words mean."""

import hashlib
import os
import shlex
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import CommandError, HostError
from scripts.hosts import process, shared
from scripts.hosts.command import Command, shown
from scripts.hosts.host import Host
from scripts.hosts.sudo import as_account

CONNECT_TIMEOUT = "10"   # seconds; cron jobs start minutes apart
KEEP_MASTER = "60"       # seconds the shared connection outlives its last use
ALIVE_INTERVAL = "15"    # seconds between two signs of life; four missing ones end the connection
SOCKET_PATH_LIMIT = 74   # characters of the folder: 104 for a socket, less our name, less ssh's own suffix


@dataclass(frozen=True)
class SshHost(Host):
    """Another machine, reached by OpenSSH in batch mode over one shared connection.

    host_keys is "strict", or "accept-new" to take an unknown key unseen. sockets is a folder for the shared
    connection; it must be ours alone. account is whom commands run as, when that is not the user who logs in.
    """

    name: str
    address: str
    sockets: str
    user: str | None = None
    port: int = 22
    key: str | None = None
    host_keys: str = "strict"
    known_hosts: str | None = None
    account: str | None = None

    is_remote = True

    def command(self, *words: str, stdin: bytes | None = None) -> Command:
        self.connect()
        # The other side's login shell splits one string again: quoted words come out as they went in.
        considerate = ("nice", "-n", str(process.conduct.nice)) if process.conduct.nice else ()
        argv = ("ssh", *self.options(), self.target, "--", shlex.join(self._as_account((*considerate, *words))))
        return Command(argv, shown(self.name, words), stdin)

    def terminal(self, *words: str) -> Command:
        """Return a call that gets a terminal at the host."""
        argv = ("ssh", "-t", *self.options(), self.target, "--", shlex.join(self._as_account(words)))
        return Command(argv, shown(self.name, words))

    def _as_account(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return as_account(self.account, words) if self.account else words

    @property
    def target(self) -> str:
        return f"{self.user}@{self.address}" if self.user else self.address

    @property
    def rsync_shell(self) -> str:
        """Return the remote shell for rsync's -e, as one string that rsync splits again."""
        return shlex.join(["ssh", *self.options()])

    def options(self) -> list[str]:
        """Return ssh's options: never a question, the shared connection, signs of life, the host key checked.

        A call that the shared connection does not take (it broke just now, or sshd allows no more sessions in one)
        makes one of its own.
        """
        settings = {"BatchMode": "yes", "ConnectTimeout": CONNECT_TIMEOUT, "ServerAliveInterval": ALIVE_INTERVAL,
                    "ServerAliveCountMax": "4", "ControlMaster": "no", "ControlPath": self.control_path,
                    "LogLevel": "ERROR",
                    "StrictHostKeyChecking": "yes" if self.host_keys == "strict" else "accept-new"}
        if self.known_hosts:
            settings["UserKnownHostsFile"] = self.known_hosts
        if self.key:
            settings["IdentitiesOnly"] = "yes"
        words = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        return [*words, "-p", str(self.port), *(["-i", self.key] if self.key else [])]

    @property
    def control_path(self) -> str:
        known_as = f"{self.target}:{self.port}:{self.key}:{self.known_hosts}:{self.host_keys}"
        return os.path.join(self.sockets, hashlib.sha256(known_as.encode()).hexdigest()[:12])

    def connect(self) -> None:
        """Open the shared connection when none answers; raise HostError that says why it cannot be."""
        found = shared.mark(self.control_path)
        if found and shared.answers(self.control_path):
            return
        with shared.opening(self.control_path) as opening:
            is_new = shared.mark(self.control_path) != found    # another run's, opened meanwhile
            if opening is None or (is_new and shared.answers(self.control_path)):
                return
            if opening.refusal:
                raise HostError(f"{self.name}: {opening.refusal}")
            try:
                self._open()
                opening.note("")
            except CommandError as error:
                opening.note(why := why_not_connected(self, error.stderr or str(error)))
                raise HostError(f"{self.name}: {why}") from error

    def _open(self) -> None:
        """Let ssh's master process begin; it stays for others when this run ends."""
        with suppress(FileNotFoundError):
            os.unlink(self.control_path)    # of a process that was killed, or hangs: ssh would share with nobody
        argv = ("ssh", "-fN", "-o", "ControlMaster=yes", "-o", f"ControlPersist={KEEP_MASTER}", *self.options(),
                self.target)
        process.read(Command(argv, f"[{self.name}] ssh {self.target} -p {self.port}"))

    def configured(self) -> dict[str, str]:
        """Return what ssh would do: its own configuration may know the host under another name."""
        argv = ("ssh", "-G", "-p", str(self.port), "--", self.target)
        said = process.read(Command(argv, f"[{self.name}] ssh -G {self.target}")).decode("utf-8", "replace")
        return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)

    def disconnect(self) -> None:
        """Close the shared connection; one that is not there is no fault."""
        if os.path.exists(self.control_path):
            argv = ("ssh", *self.options(), "-O", "exit", self.target)
            process.read(Command(argv, f"[{self.name}] ssh -O exit"), ok=(0, 255))


def why_not_connected(host: SshHost, said: str) -> str:
    """Return what ssh's words mean and what to do next."""
    port = f"-p {host.port} " if host.port != 22 else ""
    # Whole and quoted: the command is for a shell in any folder. The usual file stays as people know it.
    known = shlex.quote(os.path.abspath(os.path.expanduser(host.known_hosts))) if host.known_hosts \
        else "~/.ssh/known_hosts"
    where = host.address if host.port == 22 else f"[{host.address}]:{host.port}"
    if "IDENTIFICATION HAS CHANGED" in said or "Offending" in said:
        return (f"the host key of {where} is not the one on record: the machine was reinstalled, or somebody "
                f"stands in between. Ask its administrator; when the new key is right: "
                f"ssh-keygen -f {known} -R '{where}' && ssh-keyscan {port}{host.address} >> {known}")
    if "Host key verification failed" in said or "No ED25519 host key is known" in said:
        return (f"the host key of {where} is not known yet. Compare it with what its administrator tells you, "
                f"then: ssh-keyscan {port}{host.address} >> {known}")
    if "Permission denied" in said:
        return (f"{host.target} does not let us in by key. Next: ssh-copy-id {port}"
                f"{f'-i {shlex.quote(host.key)} ' if host.key else ''}{host.target}")
    reason = " / ".join(line.strip() for line in said.splitlines() if line.strip()) or "no reason given"
    return f"cannot reach {host.target} on port {host.port}: {reason}. Is it up? Next: make doctor"


def socket_folder(wanted: str) -> str:
    """Return a folder for ssh's sockets, ours alone: wanted, or a short one where its path is too long."""
    path = wanted if len(wanted) <= SOCKET_PATH_LIMIT else os.path.join(tempfile.gettempdir(), f"trim-{os.getuid()}")
    with suppress(FileExistsError):
        Path(path).mkdir(mode=0o700, parents=True)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise HostError(f"{path}: ssh's sockets go there, but it is not a folder that only you can use. "
                        f"Next: rm -rf {shlex.quote(path)}")
    return path
