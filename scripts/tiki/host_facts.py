"""What a host offers a Tiki: PHP programs, signs of a control panel, folders that a web server may serve. One call."""

from dataclasses import dataclass
from pathlib import Path

from scripts.errors import CommandError
from scripts.hosts.host import Host

PROGRAM = (Path(__file__).parent / "host_facts.sh").read_bytes()


@dataclass(frozen=True)
class Php:
    """A command-line PHP; version is its own, as in 8.2.29."""

    path: str
    version: str


@dataclass(frozen=True)
class Folder:
    """A folder that a web server may serve; kind is tiki, empty, other, or closed when it may not be read."""

    path: str
    owner: str
    kind: str


@dataclass(frozen=True)
class HostFacts:
    """What was found. phps are in the order of PATH first; beside are programs and folders that lie around web roots.

    root stands before every path; it is empty for a real host.
    """

    user: str
    home: str
    signs: frozenset[str] = frozenset()
    folders: tuple[Folder, ...] = ()
    beside: frozenset[str] = frozenset()
    phps: tuple[Php, ...] = ()
    root: str = ""


def gather(host: Host, root: str = "") -> HostFacts:
    """Return what a host offers the account that logs in; raise CommandError when the answer is cut off."""
    records = [tuple(record.decode("utf-8", "surrogateescape").split("\t")[:-1])
               for record in host.read("sh", "-s", "--", root, stdin=PROGRAM).split(b"\0")[:-1]]
    if records[-1:] != [("end",)] or records[0][0] != "me":
        raise CommandError(f"[{host.name}] sh: the answer about the host is cut off")

    def of(kind: str) -> list[tuple[str, ...]]:
        return list(dict.fromkeys(record[1:] for record in records if record[0] == kind))

    user, home = records[0][1:]
    return HostFacts(user, home, frozenset(sign for (sign,) in of("sign")),
                     tuple(Folder(*one) for one in of("folder")), frozenset(path for (path,) in of("beside")),
                     tuple(Php(*one) for one in of("php")), root)
