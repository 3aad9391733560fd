"""How this run treats its commands; set once by the edge, read wherever commands are run."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from scripts.hosts.command import Command


@dataclass
class Conduct:
    """dry_run: changes are shown and not made. The callbacks feed the run log and V=1.

    keeps_programs: a program that can answer several questions is started once for all of them. bwlimit is rsync's word
    for what it may send to and from other hosts; nice is the priority of programs at other hosts, 0 for the usual one.
    """

    dry_run: bool = False
    keeps_programs: bool = True
    stall_seconds: float = 3600
    bwlimit: str = ""
    nice: int = 0
    on_start: Callable[[Command], None] = lambda command: None
    on_end: Callable[[Command, int], None] = lambda command, code: None
    on_dry: Callable[[str], None] = lambda text: print(text, file=sys.stderr)


conduct = Conduct()
