"""What every measurement is given: the lab, a toolkit, the sites to measure with, and the report it adds to."""

import shlex
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench import measuring, sites
from tests.bench.measuring import FailedWay, Report
from tests.bench.relay import Relay
from tests.bench.sizes import Size
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

LONGEST_SECONDS = 3600        # a verb that takes longer hangs
FINDINGS = "Error 10"         # make's line about a verb that only found something


@dataclass
class Context:
    """tree is the folder of a real Tiki's files, empty when the site is made up; size is that of a made-up one."""

    lab: Lab
    kit: Toolkit
    report: Report
    size: Size
    tree: str = ""

    def site(self, name: str, is_far: bool = False) -> SampleTiki:
        """Return a new site of the size that is asked for, or of the real Tiki; it belongs to the lab's user."""
        if self.tree:
            return sites.real(self.lab, name, Path(self.tree).resolve(), is_far)
        return sites.made_up(self.lab, name, self.size, is_far)

    @cached_property
    def code(self) -> Path:
        """The code of a Tiki without anybody's account."""
        code = self.lab.folder / "tiki-24.4"
        if not self.tree:
            sites.write_code(code, self.size)
            return code
        subprocess.run(["rsync", "-a", "--exclude=/db/local.php", "--exclude=/.git", f"{Path(self.tree).resolve()}/",
                        f"{code}/"], check=True)
        return code

    @cached_property
    def relay(self) -> Relay:
        """What counts the bytes on the way to the host behind ssh."""
        relay = Relay(self.lab.sshd())
        relay.start()
        return relay

    def far_keys(self) -> dict[str, object]:
        """Return the keys of an instance behind ssh whose bytes the relay counts."""
        return self.kit.over_ssh() | {"ssh_port": self.relay.port}

    @cached_property
    def shell(self) -> list[str]:
        """The call of ssh by hand, through the relay; -e of rsync takes it joined, and `there` is who logs in."""
        sshd = self.lab.sshd()
        return ["ssh", "-p", str(self.relay.port), "-i", str(sshd.key), "-o", "BatchMode=yes",
                "-o", f"UserKnownHostsFile={sshd.known_hosts}"]

    @cached_property
    def there(self) -> str:
        sshd = self.lab.sshd()
        return f"{sshd.user}@{sshd.host}"

    @property
    def rsync_shell(self) -> list[str]:
        return ["-e", shlex.join(self.shell)]

    def make(self, *words: str, may_find: bool = False, **environment: str) -> str:
        """Run a verb of the toolkit and return what it printed; raises FailedWay with what it said."""
        done = self.kit.make(*words, environment=environment, timeout=LONGEST_SECONDS)
        if done.returncode and not (may_find and FINDINGS in done.stderr):
            raise FailedWay(f"make {' '.join(words)}: {done.stderr.strip()[-measuring.TAIL:]}")
        return done.stdout

    def told(self, *words: str, **options) -> dict:
        """Run a verb with JSON=1 and return its first document."""
        return measuring.parsed(self.make(*words, "JSON=1", **options))
