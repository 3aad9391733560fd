"""A toolkit with one small site, here or behind ssh, for tests of what a verb does to one."""

import subprocess

from scripts.store import archive
from tests.lab import forked
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit


class OneSite:
    """The instance is called far or here; keys are those of its env file that say how it is reached."""

    def __init__(self, lab: Lab, is_far: bool) -> None:
        self.name = "far" if is_far else "here"
        self.kit = Toolkit(lab.folder / f"kit-{self.name}", lab)
        self.kit.set(compress="zst")
        self.sample: SampleTiki = small_site(lab, self.name, is_far=is_far)
        self.keys = self.kit.over_ssh() if is_far else {}
        self.kit.register(self.name, web_root=self.sample.folder, **self.keys)

    def run(self, verb: str, **words: str) -> Ended:
        """Return how a verb ended, which did what it was asked for."""
        ended = forked.run(self.kit.top, verb, **words)
        assert ended.is_success, ended
        return ended

    def listed(self) -> str:
        """Return what tar lists of the newest backup."""
        newest = archive.choose(self.kit.settings, self.name, "latest").path
        return subprocess.run(["tar", "--zstd", "-tf", newest], check=True, capture_output=True, text=True).stdout
