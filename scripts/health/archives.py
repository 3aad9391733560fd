"""Whether an instance has an archive that is young enough, and known to restore."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from scripts.health import mends
from scripts.health.finding import Checked, Wrong, checked
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import known_version, lineage
from scripts.store import archive
from scripts.store.archive import Archive

OLDEST_PROOF = timedelta(days=30)


def are_owed(instance: Instance) -> bool:
    """Whether backups are made of it: a mirror has its source's, and a blank has nothing of its own to lose yet."""
    is_filled = bool(known_version.newest(instance)) and lineage.read(instance) is None     # restored, and no copy
    is_blank = instance.db_name and not is_filled and not archive.of_instance(instance.settings, instance.name)
    return not instance.mirror_of and not is_blank


def check(instance: Instance) -> Checked:
    """Look at the archives of one instance that ought to have some."""
    backups = [one for one in archive.of_instance(instance.settings, instance.name) if not one.is_safety]
    return checked(instance.name, "archives", [*age(instance, backups), *proof(instance, backups)])


def age(instance: Instance, backups: list[Archive]) -> Iterator[Wrong]:
    """Look how old the newest of these backups is, which are sorted so; those of a time to come are no answer."""
    mend, now = mends.make(instance.settings, "backup", INSTANCE=instance.name), datetime.now(UTC)
    past = [one for one in backups if not one.is_ahead(now)]
    if not past:
        but = f" but {backups[0].path.name}, which is of a time to come: a clock was wrong" if backups else " yet"
        yield Wrong(f"has no archive{but}: what is lost today is lost", mend)
    elif (old := now - past[0].moment) > timedelta(hours=instance.settings.backup_hours):
        yield Wrong(f"no good backup for {old // timedelta(hours=1)} hours: what came since is nowhere else", mend)


def proof(instance: Instance, backups: list[Archive]) -> Iterator[Wrong]:
    """Look at the newest archive that was put to the proof; one that is not ours keeps no record of that."""
    ours = [one for one in backups if one.record]
    tried = next((one for one in ours if one.record.proven or one.record.not_proven), None)
    prove = mends.make(instance.settings, "prove", INSTANCE=instance.name)
    if not ours:
        return
    if tried is None:
        yield Wrong("no archive was ever proven: whether one restores is not known", prove)
    elif tried.record.not_proven:
        yield Wrong(f"{tried.path.name} is not proven: {tried.record.not_proven}",
                    _after_failed_proof(instance.settings, tried, ours[0], prove))
    elif datetime.now(UTC) - (proven := datetime.fromisoformat(tried.record.proven)) > OLDEST_PROOF:
        yield Wrong(f"the last proof is {output.age(proven)} old: newer archives may not restore", prove)


def _after_failed_proof(settings: Settings, tried: Archive, newest: Archive, prove: str) -> str:
    """Return what to do next: another server, when this one cannot hold the dump; otherwise a better archive."""
    if "cannot hold" in tried.record.not_proven and not settings.prove_db:
        return f"{mends.edit_settings(settings)} && {prove}"
    if newest != tried or "cannot hold" in tried.record.not_proven:
        return prove
    return f"{mends.make(settings, 'backup', INSTANCE=tried.instance)} && {prove}"
