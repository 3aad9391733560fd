"""A real sshd on the loopback address, with keys and configuration of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.lab.accounts import lab_user
from tests.lab.processes import Server, answers, find_program, free_port, kill, name_of

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {authorized_keys}
AllowUsers {user}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
MaxStartups 200
MaxSessions 100
Subsystem sftp internal-sftp
SetEnv {environment}
"""


class Sshd:
    """Attributes host, port, user, key and known_hosts are what a client needs.

    path is a folder that comes first on the PATH of every remote command, environment is added
    to it. folder must be passable for the user who logs in.
    """

    def __init__(
        self,
        folder: Path,
        *,
        path: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.host = "127.0.0.1"
        self.port = free_port()
        self.user = lab_user()
        self.key = folder / "client_key"
        self.known_hosts = folder / "known_hosts"
        found_in = f"{path}:{SYSTEM_PATH}" if path else SYSTEM_PATH
        self._environment = {"PATH": found_in, **(environment or {})}
        self._server: Server | None = None

    def start(self) -> None:
        if not self.key.exists():
            self.create()
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's own chroot, made at boot
        # sshd insists on an absolute path: it executes itself again for each connection.
        self._server = Server(
            [find_program("sshd"), "-D", "-e", "-f", str(self.folder / "sshd_config")],
            self.folder / "sshd.log",
            adopts_orphans=True,
        )
        self._server.wait_until(lambda: answers(self.port))

    def stop(self) -> None:
        """End the listener, all connections, and commands that outlived theirs."""
        if self._server:
            self._server.stop()
            self._server = None

    def drop_connections(self) -> None:
        """Break every connection as a lost network does: the remote commands are not told."""
        for pid in self._sessions():
            kill(pid)

    def silence_connections(self) -> None:
        """Let nothing come through any connection any more, as a router that died does: neither side is told."""
        for pid in self._sessions():
            os.kill(pid, signal.SIGSTOP)

    def _sessions(self) -> list[int]:
        assert self._server
        return [pid for pid in self._server.descendants() if name_of(pid).startswith("sshd")]

    def change_host_key(self) -> None:
        """Become another host at the same address; known_hosts keeps the old key."""
        self.stop()
        (self.folder / "host_key").unlink()
        create_key(self.folder / "host_key")
        self.start()

    def client_options(self) -> list[str]:
        """Return the ssh options with which a test of the lab itself gets in."""
        words = ["-p", str(self.port), "-i", str(self.key), "-o", "BatchMode=yes"]
        return [*words, "-o", f"UserKnownHostsFile={self.known_hosts}"]

    def create(self) -> None:
        """Make keys and configuration, which start() does when there are none."""
        create_key(self.key)
        create_key(self.folder / "host_key")
        authorized = self.folder / "authorized_keys"
        authorized.write_bytes(self.key.with_suffix(".pub").read_bytes())
        host_key = (self.folder / "host_key.pub").read_text()
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {host_key}")
        # All in one line: sshd takes only the first SetEnv of its configuration.
        environment = " ".join(f'"{key}={value}"' for key, value in self._environment.items())
        # A home of its own has its keys where ssh-copy-id puts them.
        home = self._environment.get("HOME")
        keys = [str(authorized), *([f"{home}/.ssh/authorized_keys"] if home else [])]
        config = CONFIG.format(
            port=self.port, folder=self.folder, user=self.user, environment=environment,
            authorized_keys=" ".join(keys)
        )
        (self.folder / "sshd_config").write_text(config)


def create_key(path: Path) -> None:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "trim lab", "-f", str(path)]
    subprocess.run(words, check=True)
