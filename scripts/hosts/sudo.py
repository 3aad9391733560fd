"""Another account of a machine, entered by sudo -n: for sites that belong to somebody else."""

from dataclasses import dataclass

from scripts.hosts.command import Command, shown
from scripts.hosts.host import Host


def as_account(account: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return a call made as that account; sudo never asks for a password here, it fails and says so."""
    return ("sudo", "-n", "-u", account, "--", *words)


@dataclass(frozen=True)
class AccountHost(Host):
    """This machine, seen and changed as another account."""

    name: str
    account: str

    def command(self, *words: str, stdin: bytes | None = None) -> Command:
        return Command(as_account(self.account, words), shown(self.name, words), stdin)

    def terminal(self, *words: str) -> Command:
        """Return a call that gets the operator's terminal."""
        return self.command(*words)
