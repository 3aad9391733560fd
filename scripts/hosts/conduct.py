"""How this run treats its commands; set once by the edge, read wherever commands are run."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

from scripts.hosts.command import Command


@dataclass
class Conduct:
    """dry_run: changes are shown and not made. The callbacks feed the run log and V=1.

    keeps_programs: a program that can answer several questions is started once for all of them. bwlimit is rsync's word
    for what it may send to and from other hosts; nice is the priority of programs at other hosts, 0 for the usual one.
    load_jobs is how many connections fill a database at the same time, 0 for what its host can do.
    refusals_since: a host that could not be reached since then (seconds since 1970) is not tried for each instance.
    """

    dry_run: bool = False
    keeps_programs: bool = True
    stall_seconds: float = 3600
    load_jobs: int = 0
    bwlimit: str = ""
    nice: int = 0
    refusals_since: float = math.inf
    on_start: Callable[[Command], None] = lambda command: None
    on_end: Callable[[Command, int], None] = lambda command, code: None
    on_dry: Callable[[str], None] = lambda text: print(text, file=sys.stderr)


conduct = Conduct()
