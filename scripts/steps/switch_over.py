"""Changes a site's code and database in one go, with a way back from every step: update, upgrade and rollback are this.

All that takes time is done before: what comes lies beside the web root, and what is there has a second name. Then,
under the maintenance page: the last dump, the switch, the database, a proof. What fails is taken back from the second
names and the dump, without the site's code and PHP. What is killed leaves its journal, and `recover` ends it.
"""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from scripts.errors import Fault, HostError, of_os_error
from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import (
    baselines,
    cloning_trees,
    final_dump,
    permissions,
    release_files,
    restoring,
    site,
    switching,
    unpacking,
    updating_checkout,
    updating_journal,
    visitors,
    way_back,
)
from scripts.steps.site import Site
from scripts.steps.switching import Job, Lists
from scripts.steps.updating_journal import BACK, FAILED, MIGRATING, OPENED, PROVEN, STAGING, SWITCHING, Journal
from scripts.steps.way_back import WayBack
from scripts.tiki import layout, maintenance

REASON = "This site is getting new code."
OPCACHE_SECONDS = 2.1   # after which PHP looks again at a file that it has compiled (opcache.revalidate_freq is 2)
PUT_BACK = "Code and database were put back"   # in a fault that came after the switch
Effects = dict[str, list[str]]


@dataclass(frozen=True)
class Change:
    """What is to be done. variables are those of the call of make; archive is what was made before.

    stage fills the folder of the switch, database brings the database to the code that is there by then and says what
    was applied, proof raises a fault when the site is not what it should be, and seen asks for it as a visitor does.
    remembered gives the way back to be kept, or None to forget the one there is. settled is called when all that is
    proven. commit and head are what the git of a checkout stands on then.
    """

    verb: str
    variables: dict[str, str]
    version: str
    archive: str
    lists: Lists
    data: tuple[str, ...]
    stage: Callable[[Job], None]
    database: Callable[[Job], list[str]]
    proof: Callable[[], None]
    seen: Callable[[], int]
    remembered: Callable[[str, Effects], WayBack | None]
    settled: Callable[[], None] = lambda: None
    commit: str = ""
    head: str = ""


@dataclass
class Done:
    """How it went; closed_seconds is how long visitors saw the page, schema_seconds what of it the database took."""

    updated: list[str] = field(default_factory=list)
    status: int = 0
    closed_seconds: float = 0.0
    schema_seconds: float = 0.0


def carry_out(found: Site, change: Change) -> Done:
    """Carry out a change; raise its fault after everything was put back."""
    instance = found.instance
    is_closed = maintenance.state(instance.host, instance.web_root).is_on_purpose
    job = switching.place(instance)
    journal = Journal(change.verb, change.variables, now(), job.folder,
                      job.root, job.web_root, change.archive, final_dump.new_name(instance), is_closed, change.version,
                      commit=change.commit, head=change.head)
    updating_journal.write(instance, journal, STAGING)
    try:
        switching.make(job, change.lists, change.data)
        change.stage(job)
        switching.farm(job)
    except BaseException:
        _clear(instance, job)
        raise
    updating_journal.write(instance, journal, SWITCHING)
    restoring.begin(instance, "", change.archive, verb=change.verb, variables=change.variables, version=change.version,
                    is_open=True)
    try:
        done = _under_the_page(found, change, job, journal)
        done.status = 0 if journal.was_closed else change.seen()
    except (Fault, OSError) as error:
        fault = of_os_error(error) if isinstance(error, OSError) else error
        raise _put_back(found, journal, job, fault) from error
    except BaseException:
        output.warn(f"{instance.name}: ended in the middle of {restoring.unfinished(instance).what}. "
                    f"{restoring.seen(instance)}. {restoring.way_out(instance, restoring.unfinished(instance))}")
        raise
    try:
        _finish(instance, journal, job)
        change.settled()
    except (Fault, OSError) as fault:  # the site is what it was to be
        output.warn(f"{instance.name}: {fault}. The next {change.verb}, or make rollback, cleans up")
    return done


def _under_the_page(found: Site, change: Change, job: Job, journal: Journal) -> Done:
    instance, done, closed = found.instance, Done(), time.monotonic()
    if not journal.was_closed:
        visitors.keep_out(instance, REASON)
    restoring.mark(instance, is_open=False)
    switching.mark(job)
    process.side_by_side(lambda: final_dump.take(found, journal.dump), lambda: _put(instance, change, job))
    switched = time.monotonic()
    updating_journal.write(instance, journal, MIGRATING)
    done.updated = change.database(job)
    done.schema_seconds = round(time.monotonic() - switched, 1)
    effects, _ = process.side_by_side(lambda: switching.after(job), change.proof)
    way = change.remembered(journal.dump, effects)
    journal.way_back = asdict(way) if way else None
    time.sleep(max(0.0, OPCACHE_SECONDS - (time.monotonic() - switched)))
    updating_journal.may_fail(instance, journal)
    updating_journal.write(instance, journal, OPENED)
    restoring.mark(instance, is_open=True)
    if not journal.was_closed:
        maintenance.turn_off(instance.host, instance.web_root)
    else:
        visitors.let_in(instance)   # which says that the page stays
    done.closed_seconds = round(time.monotonic() - closed, 1)
    return done


def _put(instance: Instance, change: Change, job: Job) -> None:
    switching.put(job, change.lists)
    # Before anything of the new code runs: what the old one has compiled would break it.
    permissions.empty_caches(instance)


def _finish(instance: Instance, journal: Journal, job: Job) -> None:
    """Make the change count; each step may be done a second time after a kill."""
    updating_journal.write(instance, journal, PROVEN)
    if journal.way_back:
        way_back.remember(instance, way_back.of(journal.way_back))
    else:
        way_back.forget(instance)
    restoring.end(instance)
    if journal.commit:
        updating_checkout.follow(instance, journal.commit, journal.head)
    _clear(instance, job)


def _clear(instance: Instance, job: Job) -> None:
    """Remove what only the change itself needed."""
    switching.remove(job)
    way_back.drop_stray_dumps(instance)
    updating_journal.forget(instance)


# Back

def _put_back(found: Site, journal: Journal, job: Job, fault: Fault) -> Fault:
    """Take back what was done; return the fault that tells how that ended."""
    instance, note = found.instance, restoring.unfinished(found.instance)
    output.warn(f"{instance.name}: {fault}; putting back what was there")
    try:
        written = _keep_written(instance, journal, found)
        _back(instance, journal, job, found)
        return unpacking.with_next_step(fault, f"{PUT_BACK}: the site is what it was before {note.what}{written}")
    except (Fault, OSError) as second:
        return unpacking.with_next_step(fault, f"Putting back failed too: {second}. {visitors.seen(instance)}. "
                                               f"{restoring.way_out(instance, note)}")


def _keep_written(instance: Instance, journal: Journal, found: Site | None = None) -> str:
    """Keep the database of a site that visitors were in again, and return the words that say where; page on.

    Until that is done nothing is put back, whoever ends what is killed or fails here.
    """
    if journal.phase not in (OPENED, FAILED):
        return ""
    if journal.phase == OPENED:
        updating_journal.fail(instance, journal)
    written = ""
    if not journal.was_closed:
        _close(instance, journal)
        with nullcontext(found) if found else site.opened_anyhow(instance) as there:
            written = f"; what was written in the seconds in which it was open is in {final_dump.keep_written(there)}"
    updating_journal.write(instance, journal, MIGRATING)
    return written


def _close(instance: Instance, journal: Journal) -> None:
    if not journal.was_closed and not maintenance.state(instance.host, instance.web_root).is_on:
        visitors.keep_out(instance, REASON)


def _back(instance: Instance, journal: Journal, job: Job, found: Site | None = None) -> None:
    """Undo a change as far as its journal says it got; the page goes last."""
    if journal.phase != BACK:
        _close(instance, journal)
        restoring.mark(instance, is_open=False)
        switching.back(job)
        if journal.phase == MIGRATING:
            with nullcontext(found) if found else site.opened_anyhow(instance) as there:
                final_dump.load_back(there.client, instance, journal.dump)
        permissions.empty_caches(instance)
        updating_journal.write(instance, journal, BACK)
    visitors.let_in(instance)
    restoring.end(instance)
    _clear(instance, job)


def recover(instance: Instance) -> str:
    """End what a killed change left, and return what was done in words; nothing when there was nothing.

    Raises the fault that kept it from being ended; the page stays then.
    """
    journal = updating_journal.read(instance)
    if journal is None:
        return ""
    job = journal.job(instance)
    note = restoring.unfinished(instance)
    if process.conduct.dry_run:
        return f"would: end what a killed {journal.verb} to {journal.version} left"
    is_its_own = note is None or note.is_update
    if is_its_own and journal.phase == PROVEN or journal.phase == OPENED and updating_journal.counts(instance, journal):
        if journal.phase == OPENED:
            visitors.let_in(instance)
        release_files.forget(instance)
        baselines.renew(instance)
        _finish(instance, journal, job)
        return f"the {journal.verb} to {journal.version} was brought to its end"
    if not updating_journal.counts(instance, journal):
        _clear(instance, job)
        return ""
    if not switching.is_there(job):
        raise HostError(f"{instance.name}: {job.folder}, which holds what was there before {note.what}, is gone. "
                        f"Next: make restore INSTANCE={instance.name} ARCHIVE={note.safety}")
    output.say(f"{instance.name}: {note.what} that began {output.local(note.moment)} did not come to its end; putting "
               "back what was there")
    try:
        written = _keep_written(instance, journal)
        _back(instance, journal, job)
    except (Fault, OSError) as error:
        fault = of_os_error(error) if isinstance(error, OSError) else error
        raise unpacking.with_next_step(fault, f"{visitors.seen(instance)}. {restoring.way_out(instance, note)}"
                                       ) from error
    return f"{note.what} was taken back: code and database are what they were before it{written}"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def data_folders(found: Site) -> tuple[str, ...]:
    """Return the folders of the web root that hold what users made."""
    return tuple(sorted({*layout.SITE_DATA, *cloning_trees.named_inside(found)}))
