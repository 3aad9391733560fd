"""How cost grows with size: the same done at SIZE= and at ten times its files, ten times its SQL, ten times the sites.

Ratios are those of the larger to the smaller; memory must not notice.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.bench import measuring, sites
from tests.bench.backups import forget
from tests.bench.context import Context
from tests.bench.measuring import Way
from tests.bench.sizes import Size
from tests.lab import fleet

TIMES = 10
FEW = 10                 # sites of a fleet; TIMES as many are the larger one
MOST_ROUNDS = 3


def measure(context: Context) -> None:
    base = _Grown(context, "growth-base", context.size)
    for kind, size in (("files", context.size.grown(files=TIMES)), ("SQL", context.size.grown(sql=TIMES))):
        larger = _Grown(context, f"growth-{kind.lower()}", size)
        for case in ("first backup", "backup again, nothing changed", "restore where nothing is"):
            _compare(context, f"{kind} x{TIMES}: {case}", base.way("x1", case), larger.way(f"x{TIMES}", case))
        larger.remove()
    base.remove()
    _fleets(context)


def _compare(context: Context, what: str, smaller: Way, larger: Way) -> None:
    rows = context.report.measured(what, [smaller, larger], rounds=min(context.report.rounds, MOST_ROUNDS))
    for row in (rows[smaller.name], measuring.flat(rows[larger.name], rows[smaller.name])):
        context.report.add(row)


class _Grown:
    """A site of one size, and a place to restore it to."""

    def __init__(self, context: Context, name: str, size: Size) -> None:
        self.context, self.name = context, name
        self.site = sites.made_up(context.lab, name, size)
        context.kit.register(name, web_root=self.site.folder)
        self.target = context.kit.blank(f"{name}-copy")

    def way(self, name: str, case: str) -> Way:
        run, before = {"first backup": (self._backup, lambda: forget(self.context, self.name)),
                       "backup again, nothing changed": (self._backup, None),
                       "restore where nothing is": (self._restore, self._empty)}[case]
        return Way(name, run, before, classic="" if name == "x1" else "x1")

    def _backup(self) -> None:
        self.context.make("backup", f"INSTANCE={self.name}", "KEEP=2", "COMPRESS=bz2")

    def _restore(self) -> None:
        self.context.make("restore", f"INSTANCE={self.target.name}", f"FROM={self.name}")

    def _empty(self) -> None:
        for folder in (self.target.web_root, f"{self.target.web_root}-data"):
            shutil.rmtree(folder, ignore_errors=True)
        self.context.lab.mariadb.sql(f"DROP DATABASE {self.target.db_name}; CREATE DATABASE {self.target.db_name}")

    def remove(self) -> None:
        """Give the disk back."""
        self._empty()
        forget(self.context, self.name)
        for folder in (self.site.folder, self.site.outside):
            shutil.rmtree(folder)
        self.context.lab.mariadb.sql(f"DROP DATABASE {self.site.database}")


def _fleets(context: Context) -> None:
    """Few sites behind ssh, and ten times as many: how all stand, and a backup of each."""
    names = fleet.build(context.kit, FEW * TIMES, prefix="many")
    few, all_of_them = ",".join(names[:FEW]), ",".join(names)

    def run(*words: str) -> Callable[[], str]:
        return lambda: context.make(*words, may_find=True)

    for verb, more in (("status", ()), ("backup", ("JOBS=4", "KEEP=2"))):
        _compare(context, f"sites x{TIMES}: {verb}", Way("x1", run(verb, f"INSTANCE={few}", *more), classic=""),
                 Way(f"x{TIMES}", run(verb, f"INSTANCE={all_of_them}", *more), classic="x1"))
    for name in names:
        shutil.rmtree(Path(context.kit.settings.archives) / name, ignore_errors=True)
