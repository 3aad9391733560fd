"""A hundred small sites behind ssh: how all of them stand, and a backup of all, one at a time and side by side."""

from tests.bench import measuring
from tests.bench.context import Context
from tests.bench.measuring import Way
from tests.lab import fleet

COUNT, FEW = 100, 10
ROUNDS = 2      # of backups: a round is two hundred of them
SERIAL = "make backup, one at a time"


def measure(context: Context) -> None:
    context.kit.set(compress="zst")
    names = fleet.build(context.kit, COUNT)
    _backups(context, names)
    context.report.compare(f"status of {COUNT} sites behind ssh", [
        Way("make status", lambda: context.make("status", "INSTANCE=all", may_find=True), limit="status of 100"),
        Way("make status LOOK=1", lambda: context.make("status", "INSTANCE=all", "LOOK=1", may_find=True),
            limit="status of 100")])


def _backups(context: Context, names: list[str]) -> None:
    def backup(jobs: int, chosen: str = "all"):
        return lambda: context.make("backup", f"INSTANCE={chosen}", f"JOBS={jobs}")

    def forget() -> None:
        fleet.remove_archives(context.kit, names)

    def complete() -> int:
        """Return the bytes of all archives, after each turn: the next way takes them away."""
        found = [list((context.kit.settings.archives / name).glob("*.tar.zst")) for name in names]
        if missing := [name for name, archives in zip(names, found) if not archives]:
            raise measuring.FailedWay(f"no archive of {', '.join(missing)}")
        return sum(path.stat().st_size for archives in found for path in archives)

    backup(4)()     # the first takes copies of the trees
    rows = context.report.measured(f"first backup of {COUNT} sites behind ssh", [
        measuring.classic(backup(1), SERIAL, before=forget, disk=complete),
        Way("make backup JOBS=4", backup(4), forget, disk=complete, limit="backup of 100, four at a time",
            classic=SERIAL),
        Way(f"make backup JOBS=4, {FEW} of them", backup(4, ",".join(names[:FEW])), forget, classic="")],
        rounds=ROUNDS)
    serial, many, few = rows.values()
    context.report.add(serial)
    context.report.add(measuring.flat(many, few))
    context.report.add(few)
