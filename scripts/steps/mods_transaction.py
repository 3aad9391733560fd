"""Changes the mods of a site as one: tables kept, SQL, files, record; whatever fails takes all of it back.

Visitors see the maintenance page from the dump to the end: what they wrote would otherwise be lost on the way back. A
run that is killed leaves its journal; the next one takes back what was done, or ends what only lacked its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.errors import Fault, HostError, of_os_error
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import (
    baselines,
    mods_journal,
    mods_state,
    mods_switching,
    mods_tables,
    permissions,
    restoring,
    switching,
    unpacking,
    visitors,
    watching_database,
)
from scripts.steps import site as sites
from scripts.steps.mods_journal import CHANGING, DUMPING, STAGING, Journal
from scripts.steps.mods_state import State
from scripts.steps.mods_switching import Files
from scripts.steps.mods_tables import Script
from scripts.steps.site import Site
from scripts.steps.switching import Job
from scripts.tiki import maintenance

REASON = "An extension of this site is being changed."


@dataclass(frozen=True)
class Work:
    """What is to be done. after is the state that it leads to; variables are those of the call of make.

    keeps_dump is where the dump of the touched tables is to stay, if anywhere.
    """

    verb: str
    variables: Mapping[str, str]
    files: Files
    script: Script
    after: State
    keeps_dump: Path | None = None

    @property
    def is_only_record(self) -> bool:
        """Whether nothing of the site changes."""
        return not (self.files.touched or self.script.lines)


def carry_out(found: Site, work: Work) -> None:
    """Do the work; raise its fault after everything was put back."""
    instance = found.instance
    if work.is_only_record:
        mods_state.write(instance, work.after)
        mods_state.sweep(instance, work.after)
        return
    is_closed = maintenance.state(instance.host, instance.web_root).is_on_purpose
    job = switching.place(instance)
    journal = Journal(work.verb, work.variables, job.folder, job.root, job.web_root, is_closed,
                      bool(work.script.lines), sorted(work.script.names), sorted(found.table_names),
                      keeps_dump=str(work.keeps_dump or ""), accepted=work.files.digests)
    mods_journal.write(instance, journal, STAGING)
    try:
        mods_switching.stage(job, work.files)
    except BaseException as error:
        raise _unstaged(instance, job, error) from error
    mods_journal.write(instance, journal, DUMPING)
    restoring.begin(instance, "", "", verb=work.verb, variables=work.variables)
    follow = watching_database.following(found) if journal.has_sql else lambda: None
    try:
        _change(found, work, job, journal)
    except BaseException as error:
        if not _is_recorded(instance, journal):
            raise _put_back(found, journal, job, error) from error
        if not isinstance(error, (Fault, OSError)):
            raise
    try:
        _open(instance, journal)
    except (Fault, OSError) as error:
        fault = of_os_error(error) if isinstance(error, OSError) else error
        raise unpacking.with_next_step(fault, "Its work is done, but visitors may still see the maintenance page. "
                                              f"Next: make fix INSTANCE={instance.name}") from error
    try:
        follow()
        _clean(instance, journal, job)
    except (Fault, OSError) as fault:  # the site is what it was to be
        output.warn(f"{instance.name}: {fault}. The next {work.verb}, or make fix, cleans up")


def _change(found: Site, work: Work, job: Job, journal: Journal) -> None:
    instance = found.instance
    if not journal.was_closed:
        visitors.keep_out(instance, REASON)
    if journal.has_sql:
        mods_tables.keep(work.script, found, restoring.dump(instance))
    mods_journal.write(instance, journal, CHANGING)
    mods_tables.run(work.script, found, switching.marked(job))
    if work.files.touched:
        mods_switching.put(job, work.files)
        permissions.empty_caches(instance)
    # From here on it is done: a run that is killed now is brought to its end.
    mods_state.write(instance, replace(work.after, job=job.folder))


def _open(instance: Instance, journal: Journal) -> None:
    """Let visitors in: the change is done. May be done a second time, as what follows."""
    visitors.let_in(instance)
    if journal.keeps_dump and restoring.dump(instance).exists():
        MANAGER.make_folder(str(Path(journal.keeps_dump).parent), 0o700)
        MANAGER.rename(str(restoring.dump(instance)), journal.keeps_dump)
    restoring.end(instance)


def _clean(instance: Instance, journal: Journal, job: Job) -> None:
    """Let watch know what was done, and remove what only the change needed."""
    mods_state.sweep(instance, mods_state.read(instance))
    baselines.accept(instance, journal.accepted)
    _clear(instance, job)


def _clear(instance: Instance, job: Job) -> None:
    switching.remove(job)
    mods_journal.forget(instance)


# Back

def _unstaged(instance: Instance, job: Job, error: BaseException) -> BaseException:
    """Remove what was laid beside the web root; return what is to be raised."""
    fault = of_os_error(error) if isinstance(error, OSError) else error
    try:
        _clear(instance, job)
    except (Fault, OSError) as second:
        output.warn(f"{instance.name}: {job.folder} could not be removed: {second}. Next: make fix "
                    f"INSTANCE={instance.name}")
    return unpacking.with_next_step(fault, "Nothing was changed") if isinstance(fault, Fault) else error


def _put_back(found: Site, journal: Journal, job: Job, error: BaseException) -> BaseException:
    """Take back what was done; return what is to be raised, which tells how that ended."""
    instance = found.instance
    if isinstance(error, (Fault, OSError)):
        return _told_back(found, journal, job, of_os_error(error) if isinstance(error, OSError) else error)
    output.warn(str(_told_back(found, journal, job, Fault(f"{instance.name}: ended in the middle of {journal.verb}"))))
    return error


def _told_back(found: Site, journal: Journal, job: Job, fault: Fault) -> Fault:
    instance, note = found.instance, restoring.unfinished(found.instance)
    try:
        _back(instance, journal, job, found)
        return unpacking.with_next_step(fault, "What it had changed was put back: files and database are what they "
                                               "were before")
    except (Fault, OSError) as second:
        return unpacking.with_next_step(fault, f"Putting back what it had changed failed too: {second}. The "
                                               f"maintenance page stays. {restoring.way_out(instance, note)}, which "
                                               "puts it back first")


def _back(instance: Instance, journal: Journal, job: Job, found: Site | None = None) -> None:
    if journal.phase == CHANGING:
        mods_switching.back(job)
        if journal.has_sql:
            if found:
                _tables_back(found, journal)
            else:
                with sites.opened_anyhow(instance) as there:
                    _tables_back(there, journal)
        permissions.empty_caches(instance)
    visitors.let_in(instance)
    restoring.end(instance)
    _clear(instance, job)


def _tables_back(found: Site, journal: Journal) -> None:
    mods_tables.put_back(found, restoring.dump(found.instance), journal.names, journal.tables)


def recover(instance: Instance) -> str:
    """End what a killed change left, and return what was done in words; nothing when there was nothing.

    Raises the fault that kept it from being ended; the page stays then.
    """
    journal = mods_journal.read(instance)
    if journal is None:
        return ""
    if process.conduct.dry_run:
        return f"would: end what a killed {journal.verb} left"
    job = journal.job(instance)
    if not mods_journal.counts(instance, journal):
        if _is_recorded(instance, journal):
            _clean(instance, journal, job)
        _clear(instance, job)
        return ""
    if _is_recorded(instance, journal):
        _open(instance, journal)
        _clean(instance, journal, job)
        return f"a {journal.verb} that was killed was brought to its end"
    if journal.phase == CHANGING and not switching.is_there(job):
        raise HostError(f"{instance.name}: {job.folder}, which holds what was there before a {journal.verb} that was "
                        f"killed, is gone. Next: make restore INSTANCE={instance.name}")
    _back(instance, journal, job)
    return f"a {journal.verb} that was killed was taken back: files and database are what they were before it"


def _is_recorded(instance: Instance, journal: Journal) -> bool:
    """Whether a change is done, and only its end is lacking."""
    return mods_state.read(instance).job == journal.folder
