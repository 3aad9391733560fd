"""Makes one database equal to another: only tables that differ travel, in one dump poured into the other side."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.database import dump, load, structure, sums
from scripts.database.client import Client, quote_name
from scripts.database.digest import DumpDigest
from scripts.database.faults import SqlError, explained
from scripts.database.owner import NewOwner
from scripts.database.structure import Structure
from scripts.errors import DatabaseError
from scripts.hosts import process
from scripts.hosts.streams import Sink, Source

NO_SUCH_TABLE = 1146
Known = tuple[Mapping[str, str], Mapping[str, str]]  # sums that source has, and target
TRIES = 3  # a rebuilt search index replaces tables while they are looked at


@dataclass(frozen=True)
class Result:
    """What was done, by names of tables; views and what else there is go over each time and are not named.

    moment is when the source began to be read (UTC): nothing is older. consistency is that of the reloaded tables;
    what stayed was equal a little earlier, while it was summed.
    """

    reloaded: tuple[str, ...]
    unchanged: tuple[str, ...]
    dropped: tuple[str, ...]
    moment: datetime
    consistency: str


@dataclass(frozen=True)
class Early:
    """Sums of a source's tables from before its target is changed; moment is when they began to be taken (UTC)."""

    moment: datetime
    sums: Mapping[str, str]


def sum_early(source: Client, tables: Collection[str]) -> Early | None:
    """Return the sums of tables of source; None when one of them went away meanwhile."""
    moment = datetime.now(UTC)
    try:
        return Early(moment, sums.of(source, tables))
    except SqlError as error:
        if error.code != NO_SUCH_TABLE:
            raise
        return None


def make_equal(source: Client, target: Client, *, full: bool = False, skip_tables: Collection[str] = (),
               known: Mapping[str, str] | None = None, early: Early | None = None) -> Result:
    """Make the tables, views, triggers, routines and events of target what they are at source.

    What belongs to source's account there belongs to target's here. Without full, a table that was made alike and has
    the same sum stays. skip_tables are left alone on both sides. known are sums of tables of target that were taken
    since nobody writes there any more; early are those of source that need not be taken again. Raises DatabaseError or
    CommandError when the dump or the load broke: target is then a mixture, which the next call repairs.
    """
    source, target = process.side_by_side(lambda: dump.lossless(source), lambda: dump.lossless(target))
    early = early or Early(datetime.now(UTC), {})
    wanted, found, unchanged = _looked_at(source, target, full, skip_tables, (early.sums, known or {}))
    dropped = _drop_strangers(target, wanted, found, skip_tables)
    left_out = {*unchanged, *skip_tables}
    rows: dict[str, int] = {}
    consistency = "snapshot"
    if set(wanted.kinds) - left_out or wanted.programs or wanted.defaults != found.defaults:
        consistency = dump.consistency(source, sorted(left_out))
        rows = _carry(source, target, wanted, found.owner, left_out, consistency)
    reloaded = sorted(set(wanted.made) - left_out) if process.conduct.dry_run else sorted(rows)
    return Result(tuple(reloaded), tuple(sorted(unchanged)), dropped, early.moment, consistency)


def _looked_at(source: Client, target: Client, full: bool, skipped: Collection[str],
               known: Known) -> tuple[Structure, Structure, set[str]]:
    """Return what both databases are made of, and the tables that are equal."""
    tries = TRIES
    while True:
        tries -= 1
        try:
            wanted, found = process.side_by_side(lambda: structure.read(source), lambda: structure.read(target))
            return wanted, found, set() if full else _unchanged(source, target, wanted, found, skipped, known)
        except SqlError as error:
            if error.code != NO_SUCH_TABLE or not tries:
                raise


def _unchanged(source: Client, target: Client, wanted: Structure, found: Structure,
               skipped: Collection[str], known: Known) -> set[str]:
    alike = {name for name in wanted.made if wanted.made[name] == found.made.get(name) and name not in skipped}
    ours, theirs = sums.of_both(source, target, alike, *known)
    return {name for name in alike if ours[name] == theirs[name]}


def _drop_strangers(target: Client, wanted: Structure, found: Structure, skipped: Collection[str]) -> tuple[str, ...]:
    """Drop what the source has not, or has as something else; return the names of the tables and views.

    What the source has too, the dump drops itself.
    """
    strangers = [name for name, kind in found.kinds.items() if wanted.kinds.get(name) != kind and name not in skipped]
    load.drop_everything(target, keep=set(found.kinds) - set(strangers))
    for kind, name in sorted(found.programs - wanted.programs):
        target.execute(f"DROP {kind} IF EXISTS {quote_name(name)}")
    return tuple(name for name in strangers if name not in wanted.kinds)


def _carry(source: Client, target: Client, wanted: Structure, owner: str, left_out: set[str],
           consistency: str) -> dict[str, int]:
    """Pour one dump of what is not left out into target, and prove it; return how many rows each table has."""
    digest = DumpDigest(dump.header(source), counts_only=True)
    kinds = {kind for kind, _ in wanted.programs}
    dumped = dump.stream(source, skip_tables=sorted(left_out), consistent=consistency,
                         routines=bool(kinds - {"EVENT"}), events="EVENT" in kinds)

    def pass_on(stream: Source, sink: Sink) -> None:
        digest.pass_on(stream, sink)
        try:
            digest.finish()  # here, so that a dump that ended early is not blamed on the side that reads it
        except DatabaseError as error:
            raise DatabaseError(f"{source.place}: {error}") from error

    new_owner = [NewOwner(wanted.owner, owner).pass_on] if wanted.owner != owner and wanted.has_owned else []
    with explained(source.place):
        load.load(target, *dumped, *new_owner, pass_on)
    if process.conduct.dry_run:
        return {}
    rows = {name: table.rows for name, table in digest.finish().items()}
    _prove(source, target, set(wanted.kinds) - left_out, rows)
    return rows


def _prove(source: Client, target: Client, expected: set[str], rows: dict[str, int]) -> None:
    """Raise DatabaseError when target lacks something, or a table has not as many rows as the dump."""
    lacking = expected - {table.name for table in target.tables()}
    if lacking:  # the source lives: what it dropped meanwhile is no loss
        lacking &= {table.name for table in source.tables()}
    if lacking:
        raise DatabaseError(f"{target.place}: after the load these are missing: {', '.join(sorted(lacking))}")
    for name, count in load.row_counts(target, sorted(rows)).items():
        if count != rows[name]:
            raise DatabaseError(f"{target.place}: after the load table {name} has {count} rows instead of "
                                f"{rows[name]}. Does something write into it?")
