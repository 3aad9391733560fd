"""How instances stand, from the records on the manager alone: what status, the page and the digest tell of them.

No host is asked: a hundred instances take a second, and one that is down holds up nobody.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from scripts.errors import Fault
from scripts.registry import registry, runs
from scripts.registry.instance import Instance
from scripts.registry.runs import Run
from scripts.registry.settings import Settings
from scripts.steps import known_releases, known_version, lineage, looking, watched
from scripts.steps.lineage import Lineage
from scripts.steps.looking import Look
from scripts.steps.watched import Watched
from scripts.store import archive
from scripts.store.archive import STAMP, Archive
from scripts.tiki.version import Version

# By time and not by number: what monitors ask for is on record too, hundreds a day, and a failed week must not sink.
RUNS_OF = timedelta(days=31)


@dataclass(frozen=True)
class Standing:
    """What is known of one instance. problem says why its env file cannot be read; then the rest is empty.

    backups are good ones, newest first: verified here, or not ours and then not known to be bad. newest is a release of
    its series that is newer than its version.
    """

    name: str
    instance: Instance | None = None
    problem: str = ""
    version: str = ""
    newest: str = ""
    copy: Lineage | None = None
    backups: tuple[Archive, ...] = ()
    check: Watched | None = None
    look: Look | None = None
    runs: tuple[Run, ...] = field(default=(), repr=False)

    @property
    def last(self) -> Archive | None:
        return self.backups[0] if self.backups else None

    @property
    def tried(self) -> Archive | None:
        """Return the newest archive that was put to the proof."""
        return next((one for one in self.backups if one.record and (one.record.proven or one.record.not_proven)), None)

    @property
    def proven(self) -> datetime | None:
        """Return when an archive was proven last, unless the newest one that was tried did not pass."""
        record = self.tried.record if self.tried else None
        return datetime.fromisoformat(record.proven) if record and record.proven and not record.not_proven else None

    @property
    def certificate_days(self) -> int | None:
        """Return how many days the certificate is good for; less than 0 when it has ended."""
        if not self.look or not self.look.certificate_ends:
            return None
        return (datetime.fromisoformat(self.look.certificate_ends) - datetime.now(UTC)).days

    @property
    def disk_free_part(self) -> float | None:
        """Return which part of the host's disk is free, from 0 to 1."""
        if not self.look or not self.look.disk_size_bytes:
            return None
        return (self.look.disk_free_bytes or 0) / self.look.disk_size_bytes


def of(settings: Settings, names: Sequence[str]) -> list[Standing]:
    """Return how these instances stand, in the order of their names."""
    by_instance: dict[str, list[Run]] = defaultdict(list)
    for run in runs.of(settings, since=(datetime.now(UTC) - RUNS_OF).timestamp()):
        for name in run.instances:
            by_instance[name].append(run)
    loaded = {name: _loaded(settings, name) for name in names}
    versions = {name: known_version.newest(one) for name, one in loaded.items() if isinstance(one, Instance)}
    known = known_releases.all_of(settings, versions.values())
    return [Standing(name, problem=one) if isinstance(one, str)
            else _standing(one, versions[name], known, by_instance[name]) for name, one in loaded.items()]


def seconds(made: Archive) -> float | None:
    """Return how long a backup took: from the moment in its name until it was finished; None for what is not ours."""
    if not made.record:
        return None
    begun = datetime.strptime(made.stamp, STAMP).astimezone(UTC)
    took = (made.moment - begun).total_seconds()
    return took if took >= 0 else None   # the clock was put back that night


def _loaded(settings: Settings, name: str) -> Instance | str:
    try:
        return registry.load(settings, name)
    except Fault as fault:
        return str(fault)


def _standing(instance: Instance, version: str, known: list[Version], its_runs: list[Run]) -> Standing:
    archives = archive.of_instance(instance.settings, instance.name)
    good = tuple(one for one in archives if not one.is_safety and (one.record is None or one.record.verified))
    return Standing(instance.name, instance, version=version, newest=known_releases.newest(version, known),
                    copy=lineage.read(instance), backups=good, check=watched.read(instance),
                    look=looking.read(instance), runs=tuple(its_runs))
