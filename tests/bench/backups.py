"""Backups, here and behind ssh: the first one, and those of a night in which little or nothing changed.

Archives are unpacked at the end and compared with the site: a way that forgets files would be fast.
"""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.bench import hand, measuring, real_clone, sites
from tests.bench.context import Context
from tests.bench.hand import Hand
from tests.bench.measuring import FailedWay, Way
from tests.lab.sample_tiki import SampleTiki

CHANGED_ONE_IN = 1000    # files: what a night changes, anywhere in the site
NOT_CHANGED = (".", "db", "temp", "modules")    # what starts so: a site would not work any more, or it is not backed up
READ_WHOLE_DAYS = 7      # the toolkit's own value of FULL_READ_DAYS
CHECKED = "bench_checked"    # the database that a dump is loaded into for the comparison


def measure(context: Context, is_far: bool = False) -> None:
    site = context.site("backup-far" if is_far else "backup-near", is_far)
    context.kit.register(site.folder.name, web_root=site.folder, **(context.far_keys() if is_far else {}))
    one = _Backups(context, site, is_far)
    one.first()
    one.again()
    shutil.rmtree(one.hand.folder)


def measure_far(context: Context) -> None:
    measure(context, is_far=True)


def forget(context: Context, name: str) -> None:
    """Take archives and work copies away: the next backup is a first one."""
    settings = context.kit.settings
    for folder in (settings.archives / name, settings.work):
        for entry in folder.iterdir() if folder.is_dir() else ():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


class _Backups:
    """The measurements of one site."""

    def __init__(self, context: Context, site: SampleTiki, is_far: bool) -> None:
        self.context, self.site, self.name = context, site, site.folder.name
        self.where, self.wire = ("behind ssh", context.relay) if is_far else ("here", None)
        self.hand = Hand(context, site, is_far)
        self.archives: dict[str, Path] = {}
        self.chance = random.Random("changes")
        self.files = sorted(path for path in site.folder.rglob("*") if path.is_file() and not path.is_symlink()
                            and not path.relative_to(site.folder).parts[0].startswith(NOT_CHANGED))

    def first(self) -> None:
        """There is no archive yet, and nothing of the site lies on the manager."""
        ways = [self._by_hand("classic", lambda: self.hand.classic_backup(is_first=True))]
        for packed, disk_of in (("bz2", "classic"), ("zst", "make backup, .tar.bz2")):
            floor, name = f"floor, .tar.{packed}", f"make backup, .tar.{packed}"
            ways.append(self._by_hand(floor, lambda packed=packed: self.hand.floor_backup(packed)))
            ways.append(Way(name, self._backup(name, f"COMPRESS={packed}"), self._forget, self._look(name),
                            self._keep(name), f"backup first {packed}", floor=floor, disk_of=disk_of))
        self.context.report.compare(f"first backup, {self.where}", ways, self.wire)

    def again(self) -> None:
        """An archive of a moment ago is there; by hand, the staging folder is.

        What one way changed is in its own archive, so that nothing is new for the next. Nothing changes after the one
        row: that archive is compared with the site, files that were copied from older ones included.
        """
        self._forget()
        self._backup("the one before")()
        self.hand.classic_backup(is_first=False)
        classic = self._by_hand("classic", lambda: self.hand.classic_backup(is_first=False), is_compared=False)
        cases = [("nothing changed", self._read_by_days, "backup nothing changed"),
                 ("0.1 % changed", self._change_files, "backup 0.1 % changed"),
                 ("one row changed", self._change_row, ""),
                 ("all is read", self._read_all, "")]
        ours = [Way(f"make backup, {case}", self._backup(case), before,
                    self._look(case) if before == self._change_row else None, self._keep(case), limit)
                for case, before, limit in cases]
        self.context.report.compare(f"backup again, {self.where}",
                                    [classic, measuring.floor(self.hand.floor_look), *ours], self.wire)
        self._read_by_days()

    # Ways

    def _by_hand(self, name: str, run: Callable[[], Path], is_compared: bool = True) -> Way:
        def keep() -> None:
            self.archives[name] = run()
        return measuring.classic(keep, name, disk=lambda: self.archives[name].stat().st_size,
                                 after=self._look(name) if is_compared else None)

    def _backup(self, name: str, *words: str) -> Callable[[], None]:
        def run() -> None:
            told = self.context.told("backup", f"INSTANCE={self.name}", "KEEP=2", *words)
            self.archives[name] = Path(told["path"])
        return run

    def _keep(self, name: str) -> Callable[[], int]:
        """Return what tells an archive's size, and gives it a second name which no later turn removes."""
        def keep() -> int:
            kept = self.hand.folder / f"{name.replace(' ', '-')}{''.join(self.archives[name].suffixes[-2:])}"
            kept.unlink(missing_ok=True)
            os.link(self.archives[name], kept)
            self.archives[name] = kept
            return kept.stat().st_size
        return keep

    # What is put in place before

    def _forget(self) -> None:
        forget(self.context, self.name)

    def _change_files(self) -> None:
        for path in self.chance.sample(self.files, max(1, len(self.files) // CHANGED_ONE_IN)):
            with open(path, "ab") as file:
                file.write(b"\n// changed %d\n" % self.chance.getrandbits(30))

    def _change_row(self) -> None:
        self.site.sql("UPDATE tiki_history SET lastModif = lastModif + 1 ORDER BY historyId DESC LIMIT 1")

    def _read_all(self) -> None:
        self.context.kit.set(full_read_days=0)

    def _read_by_days(self) -> None:
        self.context.kit.set(full_read_days=READ_WHOLE_DAYS)

    # Whether it was done

    def _look(self, name: str) -> Callable[[], None]:
        """Return what raises FailedWay when an archive is not the site as it is now, files and database."""
        def look() -> None:
            folder = self.hand.folder / "unpacked"
            folder.mkdir()
            hand.unpack(self.archives[name], folder)
            top = hand.top_of(folder)
            self._require_trees(hand.parts(top) if top else {tree: folder / tree.name for tree in self.hand.trees})
            self._require_tables((top or folder) / hand.DUMP)
            shutil.rmtree(folder)
        return look

    def _require_trees(self, copies: dict[Path, Path]) -> None:
        for tree in (self.site.folder, self.site.outside / sites.GALLERY):
            if not any(tree.is_relative_to(source) for source in copies):
                raise FailedWay(f"the archive holds nothing of {tree}")
        for source, copy in copies.items():
            hand.require_equal(source, copy)

    def _require_tables(self, dump: Path) -> None:
        hand.load_as_root(self.context.lab, dump, CHECKED)
        ours, theirs = (real_clone.checksums(self.context.lab, name) for name in (self.site.database, CHECKED))
        if ours != theirs:
            raise FailedWay(f"tables differ: {', '.join(sorted(dict(ours.items() ^ theirs.items())))}")
