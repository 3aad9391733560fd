"""A place to break changes of mods in: a mod with files, answers and SQL comes, and goes after each success."""

from __future__ import annotations

from pathlib import Path

from scripts.steps import mods_journal, mods_state
from scripts.tiki import maintenance
from tests.lab import faults, forked, sample_mods
from tests.lab.compare import describe_tree
from tests.lab.faults import PAGE_FILES, Bench, Left, digest, tables
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.shims import Shims


class ModsBench(Bench):
    """An install of a mod and of what it requires."""

    verb = "mods-install"

    def __init__(self, lab: Lab, name: str, is_far: bool) -> None:
        super().__init__(lab, name, is_far)
        sample_mods.write(self.kit.settings, {sample_mods.BOOK: sample_mods.FIRST, sample_mods.PAPER_NAME:
                                              sample_mods.PAPER})
        self.answers = sample_mods.answers(self.kit.top)
        self.old = self.site()
        ended = self.run()
        assert ended.is_success, ended
        self.new = self.site()
        self.after_good()
        assert self.site() == self.old != self.new

    def variables(self) -> dict[str, str]:
        return {"instance": self.name, "mod": sample_mods.BOOK, "answers": str(self.answers), "yes": "1"}

    def run(self, shims: Shims | None = None, **variables: str) -> Ended:
        return forked.run(self.kit.top, "mods_install", shims, **{**self.variables(), **variables})

    def advised(self, ended: Ended) -> Ended | None:
        return None

    def site(self) -> str:
        """Return a digest of all that visitors get from, and of what TRIM says is installed."""
        tree = {path: told for path, told in describe_tree(self.web_root, without=PAGE_FILES).items()
                if not path.startswith((b"temp/", b".trim-"))}
        known = {mod: one.files for mod, one in mods_state.read(self.kit.instance(self.name)).mods.items()}
        return digest([tree, tables(self.lab, self.database), known])

    def leavings(self) -> list[Path]:
        journal = mods_journal.read(self.kit.instance(self.name))
        known = Path(journal.folder).name if journal else ""
        return [*super().leavings(),
                *(path for path in self.web_root.parent.glob(f".trim-{self.name}-*") if path.name != known)]

    def judge_result(self, after: Left) -> list[str]:
        wrong = [] if after.site == self.new else ["success, and the mod is not whole"]
        rubbish = [name for name in maintenance.OWN_NAMES if (self.web_root / name).exists()]
        return wrong + (["the maintenance page stayed"] if after.is_closed or after.is_begun or rubbish else [])

    def judge_failure(self, before: Left, after: Left) -> list[str]:
        if after.is_begun:
            return [] if after.is_closed or after.site in (self.old, self.new) else ["visitors see a mixture"]
        if after.site not in (self.old, self.new):
            return ["the site is a mixture, and no note says so"]
        return ["the page is on, and no note says why"] if after.is_closed else []

    def after_good(self) -> None:
        ended = forked.run(self.kit.top, "mods_remove", instance=self.name,
                           mod=f"{sample_mods.BOOK},{sample_mods.PAPER_NAME}", yes="1")
        assert ended.is_success, ended


faults.BENCHES["mods-install"] = ModsBench
