"""Where rsync is started and how it gets from one side to the other; it takes no two remote ends."""

import select
import shlex
from dataclasses import dataclass, replace
from functools import cache

from scripts.errors import CommandError
from scripts.hosts import identity, process
from scripts.hosts.command import Command
from scripts.hosts.host import Host
from scripts.hosts.local import MANAGER
from scripts.hosts.ssh import ALIVE_INTERVAL, SshHost
from scripts.hosts.streams import Sink, Source
from scripts.hosts.sudo import AccountHost, as_account

PROBE_TIMEOUT = "5"      # seconds; a firewall that drops the call must not hold up a copy that has another way
# Far from the manager nothing would end rsync when the run is killed or the connection lost: its own connection goes
# past both. So it lives as long as the input that the manager holds open.
TETHERED = """
exec 3<&0
"$@" </dev/null 3<&- & job=$!
{ read -r nothing <&3; kill "$job"; } >/dev/null 2>&1 & watch=$!
exec 3<&-
wait "$job"; code=$?
kill "$watch"
exit "$code"
"""


@dataclass(frozen=True)
class Way:
    """One call of rsync: `at` is where it is started and what it sees as its own files.

    far is the side it reaches from there; without one, both sides lie there. pulls: far is the source.
    """

    at: Host
    far: Host | None = None
    pulls: bool = False

    @property
    def is_here(self) -> bool:
        """Whether rsync is started by the manager itself."""
        return self.at.reads_in_place

    def __str__(self) -> str:
        if self.far is None:
            return "on this machine" if self.is_here else f"on {self.at.name} itself"
        if self.is_here:
            return f"{'from' if self.pulls else 'to'} {self.far.name}"
        return f"{self.at.name} {'fetches from' if self.pulls else 'sends to'} {self.far.name} directly"

    def copy(self, folder: str, into: str, options: list[str]) -> bytes:
        """Make `into` equal to `folder` and return what rsync prints; raise CommandError as it ends."""
        command = self.command(folder, into, options)
        # Shown and judged alike, wherever it runs.
        return process.run(command) if self.is_here else process.pipe(_until_its_end, command)

    def command(self, folder: str, into: str, options: list[str]) -> Command:
        source = self._named(folder, self.pulls)
        target = self._named(into, not self.pulls)
        words = ("rsync", *options, *self._reach(), "--", source, target)
        shown = f"[{(self.at if self.far is None or not self.is_here else self.far).name}] rsync {source} {target}"
        if self.is_here:
            return Command(words, shown)
        return replace(self.at.command("sh", "-c", TETHERED, "sh", *words), shown=shown)

    def _named(self, folder: str, is_far: bool) -> str:
        """Return a folder as rsync names it; the closing slash means its content."""
        if not is_far or self.far is None:
            return f"{folder}/"
        # rsync puts the host's name behind its shell, which is `sudo ... env`: env takes X=1 as a variable to set.
        if isinstance(self.far, AccountHost):
            return f"TRIM=1:{folder}/"
        user, _, address = (self.far.target if self.is_here else _address(self.far)[0]).rpartition("@")
        # The colons of an IPv6 address would be taken for the one before the path.
        return f"{f'{user}@' if user else ''}{f'[{address}]' if ':' in address else address}:{folder}/"

    def _reach(self) -> list[str]:
        """Return the options that let rsync reach the far side."""
        if self.far is None:
            return []
        # Names travel as they are: without --protect-args the far side's shell would read them.
        if isinstance(self.far, AccountHost):
            return ["--protect-args", "-e", shlex.join(as_account(self.far.account, ("env",)))]
        if self.is_here:
            self.far.connect()
        shell = self.far.rsync_shell if self.is_here else shlex.join(_ssh(self.far))
        as_other = [f"--rsync-path={shlex.join(as_account(self.far.account, ('rsync',)))}"] if self.far.account else []
        limit = [f"--bwlimit={process.conduct.bwlimit}"] if process.conduct.bwlimit else []
        return ["--protect-args", "-e", shell, *as_other, *limit]


def between(source: Host, target: Host) -> Way | None:
    """Return the way of one rsync; None when the two sides cannot reach each other: then the manager carries."""
    if source.reads_in_place and target.reads_in_place:
        return Way(MANAGER)
    if source.reads_in_place:
        return Way(MANAGER, target)
    if target.reads_in_place:
        return Way(MANAGER, source, pulls=True)
    return _past_the_manager(source, target)


@cache
def _past_the_manager(source: Host, target: Host) -> Way | None:
    """Ask both sides once a run: each tree of a site goes the same way."""
    try:
        from_, to = identity.login(source), identity.login(target)
    except CommandError:  # a machine that cannot say which one it is
        return None
    if from_ == to:
        return Way(source)
    if _reaches(source, target, to):
        return Way(source, target)
    if _reaches(target, source, from_):
        return Way(target, source, pulls=True)
    return None


def _reaches(host: Host, other: Host, login: str) -> bool:
    """Whether a call from one host lands on the other's machine and account, without a question and with its key known.

    The same name may be another machine when it is asked from there, and sudo may be refused.
    """
    if not isinstance(other, SshHost):
        return False
    words = ("sh", "-c", identity.LOGIN)
    call = shlex.join(as_account(other.account, words) if other.account else words)
    try:
        return host.read_line(*_ssh(other), _address(other)[0], "--", call) == login
    except CommandError:
        return False


def _ssh(host: SshHost) -> list[str]:
    """Return the call of ssh with which another host reaches this one, by its own keys and its own record of hosts."""
    settings = {"BatchMode": "yes", "ConnectTimeout": PROBE_TIMEOUT, "StrictHostKeyChecking": "yes",
                "ServerAliveInterval": ALIVE_INTERVAL, "ServerAliveCountMax": "4", "LogLevel": "ERROR"}
    words = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    return ["ssh", *words, "-p", _address(host)[1]]


def _address(host: SshHost) -> tuple[str, str]:
    """Return user@address and port as the manager's ssh understands them: the other host has not its configuration."""
    known = host.configured()
    return f"{known['user']}@{known['hostname']}", known["port"]


def _until_its_end(_source: Source, sink: Sink) -> None:
    """As a stage of a pipe: hold the next program's input open, and give it nothing."""
    ended = select.poll()
    ended.register(sink.fileno(), 0)  # the end of the reader is told without being asked for
    ended.poll()
