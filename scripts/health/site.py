"""The site itself, through the same doors as a backup: web root, rights, data folders, disk, maintenance page."""

import posixpath
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from scripts.database import whereabouts
from scripts.errors import DatabaseError, Fault, HostError
from scripts.health import copies, database, files, leftovers, mends
from scripts.health.finding import Checked, Wrong, checked, look, told
from scripts.health.reach import Reached
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import lineage, local_files, mods_journal, patch_writing, restoring, restricting, updating_journal
from scripts.steps import site as sites
from scripts.steps.site import Site
from scripts.store import archive
from scripts.tiki import layout, maintenance, probe

NO_TIKI = ("there is no such folder", "the folder is empty", "never installed", "this is not a Tiki")


def checks(instance: Instance, reached: Reached) -> Iterator[Checked]:
    """Look at a site whose host was reached."""
    yield look(instance.name, "maintenance page", lambda: _maintenance(instance),
               mends.make(instance.settings, "maintenance", INSTANCE=instance.name, STATE="off"))
    yield checked(instance.name, "patches", _half_patched(instance))
    yield checked(instance.name, "mods", _half_changed_mods(instance))
    if restricting.is_restricted(instance):
        mend = mends.make(instance.settings, "restrict", INSTANCE=instance.name)
        yield look(instance.name, "restriction", lambda: _open_though_restricted(instance, mend), mend)
    with ExitStack() as stack:
        try:
            found = stack.enter_context(_opened(instance))
        except DatabaseError as fault:
            wrong = fault
            yield look(instance.name, "database", lambda: [database.why_not_entered(instance, wrong)],
                       mends.edit_env(instance))
            return
        except Fault as fault:
            wrong = Wrong(told(fault, instance.name), _mend_web_root(instance, fault, reached))
            yield checked(instance.name, "web root", [wrong])
            return
        yield from _of_open_site(found, reached)


def _opened(instance: Instance):
    """Return the open site; a blank has its account in the env file and may be anything but another's folder."""
    return sites.opened_target(instance) if instance.db_name else sites.opened(instance)


def _of_open_site(found: Site, reached: Reached) -> Iterator[Checked]:
    instance = found.instance
    yield checked(instance.name, "web root", _php(found, reached))
    if found.probe.state != "missing":
        yield look(instance.name, "rights", lambda: files.rights(found, reached),
                   files.mend_rights(instance, reached.user))
        yield look(instance.name, "disk", lambda: files.disk(found), mends.at_host(instance, "df -h"))
    yield look(instance.name, "database", lambda: _ask(found, reached), mends.edit_env(instance))
    yield look(instance.name, "database rights", lambda: database.rights(found), mends.edit_env(instance))
    yield checked(instance.name, "data folders", [*files.missing_folders(found, reached), *files.loose_links(found)])
    yield checked(instance.name, "own folders", files.ours_inside(found))
    if lineage.read(instance):
        yield look(instance.name, "origin", lambda: copies.strayed(found), mends.edit_env(instance))
    if copies.is_visited(found):
        yield look(instance.name, "visits", lambda: copies.unvisited(found), mends.edit_env(instance))
    if found.probe.state in ("empty", "missing"):
        yield checked(instance.name, "blank", _not_blank(found))


def _ask(found: Site, reached: Reached) -> tuple[Wrong, ...]:
    """Ask the server who it is: that it answers is well."""
    reached.database = whereabouts.ask(found.client)
    return ()


def _open_though_restricted(instance: Instance, mend: str) -> Iterator[Wrong]:
    """Look whether a site obeys its env file; where there is none yet, nothing can stand open."""
    if probe.look(instance).state not in ("empty", "missing"):
        yield from (Wrong(one, mend) for one in restricting.problems(instance))


def _maintenance(instance: Instance) -> Iterator[Wrong]:
    """Look for a restore or clone that broke off and for a page that was forgotten; a run at work is neither."""
    if leftovers.is_running(instance.settings, instance.name):
        return
    note = restoring.unfinished(instance)
    if (note and note.is_update) or updating_journal.read(instance):
        yield _half_updated(instance, note)
        return
    if note and (note.is_clone or note.variables):
        yield Wrong(f"{note.what}, begun {output.local(note.moment)}, did not come to its end: "
                    f"{_left(instance, note)}{note.remark}",
                    mends.make(instance.settings, note.verb, **restoring.again(instance, note)))
        return
    if note:
        source = archive.read(Path(note.archive)).instance
        more = {"FROM": source} if source != instance.name else {}
        yield Wrong(f"a restore of {note.archive}, begun {output.local(note.moment)}, did not come to its end: "
                    f"{_left(instance, note)}",
                    mends.restore(instance, ARCHIVE=note.archive, **more))
        return
    if not instance.host.present(instance.web_root, kind="d"):
        return
    page = maintenance.state(instance.host, instance.web_root)
    if page.is_on and (note := restoring.looked(instance)):
        confirm = {"CONFIRM": instance.name} if instance.guarded else {}
        yield Wrong(f"{note.what}, begun {output.local(note.moment)}, was ended while it looked for what was changed: "
                    "the site is as it was, and visitors see the maintenance page",
                    mends.make(instance.settings, note.verb, **{**note.variables, **confirm}))
        return
    if page.is_on or not page.complete:
        since = f" since {output.local(page.since)}" if page.since else ""
        reason = f" ({page.reason})" if page.reason else ""
        what = "visitors see the maintenance page" if page.is_on else "parts of a maintenance page were left"
        yield Wrong(f"{what}{since}{reason}",
                    mends.make(instance.settings, "maintenance", INSTANCE=instance.name, STATE="off"))


def _left(instance: Instance, note: restoring.Note) -> str:
    """Return what is there after a run that did not come to its end; the page is looked at, it may be off by now."""
    site = "it ended before it closed the site, or after it opened it again" if note.is_open else \
        "the site is a mixture"
    return f"{site}, and visitors {_seen(instance)}"


def _seen(instance: Instance) -> str:
    host, web_root = instance.host, instance.web_root
    is_closed = host.present(web_root, kind="d") and maintenance.state(host, web_root).is_on
    return "see the maintenance page" if is_closed else "are in"


def _half_patched(instance: Instance) -> Iterator[Wrong]:
    """Look for files that a killed run has changed in part."""
    if (earlier := patch_writing.unfinished(instance)) and not leftovers.is_running(instance.settings, instance.name):
        yield Wrong(f"a patch was not written to its end: {local_files.some(sorted(earlier))}",
                    mends.make(instance.settings, "fix", INSTANCE=instance.name))


def _half_changed_mods(instance: Instance) -> Iterator[Wrong]:
    """Look for what a killed change of mods left though it changed nothing; one that did has its note."""
    journal = mods_journal.read(instance)
    if journal and not mods_journal.counts(instance, journal) and \
            not leftovers.is_running(instance.settings, instance.name):
        yield Wrong(f"a killed {journal.verb} left its folder {journal.folder} and changed nothing",
                    mends.make(instance.settings, "fix", INSTANCE=instance.name))


def _half_updated(instance: Instance, note: restoring.Note | None) -> Wrong:
    """Return what is wrong after an update that was killed; without a note it had not begun to change the site."""
    confirm = {"CONFIRM": instance.name} if instance.guarded else {}
    mend = mends.make(instance.settings, "rollback", INSTANCE=instance.name, **confirm)
    journal = updating_journal.read(instance)
    if note is None or not note.is_update:
        return Wrong(f"a killed {journal.verb} left its folder {journal.folder} and changed nothing", mend)
    if journal is None:
        return Wrong(f"{note.what}, begun {output.local(note.moment)}, did not come to its end, and its journal is "
                     "gone", mends.restore(instance, ARCHIVE=note.safety))
    begun, seen = f"{note.what}, begun {output.local(note.moment)}, did not come to its end", _seen(instance)
    if journal.phase in (updating_journal.OPENED, updating_journal.PROVEN):
        state = "only its folder is left" if journal.phase == updating_journal.PROVEN else \
            f"whether the site works was not seen, and visitors {seen}"
        return Wrong(f"{begun}: its work is done, {state}. This brings it to its end", mend)
    state = "the site does not work" if journal.phase == updating_journal.FAILED else \
        "code and database may not go together"
    return Wrong(f"{begun}: {state}, and visitors {seen}. This takes back what it changed, needs neither the site's "
                 "PHP nor its code, and loses nothing that was there before", mend)


def _mend_web_root(instance: Instance, fault: Fault, reached: Reached) -> str:
    """Return what mends a web root that cannot be used."""
    said = str(fault)
    if isinstance(fault, HostError) and "there is no program" in said:
        return mends.at_host(instance, mends.install("mariadb-client", reached.is_root))
    backups = [one for one in archive.of_instance(instance.settings, instance.name) if not one.is_safety]
    if any(words in said for words in NO_TIKI) and backups:
        return mends.restore(instance)
    if isinstance(fault, HostError) and "may not read" in said and instance.access == "local":
        return files.mend_rights(instance, reached.user)
    path = posixpath.join(instance.web_root, layout.local_php(instance.site))
    if f"{path}:" in said and "is not there" not in said and "may not read" not in said:
        return mends.at_host(instance, mends.edit(path))
    return mends.edit_env(instance)


def _php(found: Site, reached: Reached) -> Iterator[Wrong]:
    instance = found.instance
    if not found.probe.php_version:
        package = mends.at_host(instance, mends.install("php-cli", reached.is_root))
        yield Wrong(f"there is no program {instance.php} (PHP): the database account has to be read from the text of "
                    f"{layout.LOCAL_PHP}, and the search index is not built after a restore",
                    package if instance.php == "php" else mends.edit_env(instance))
    elif found.probe.is_tiki and (problem := probe.why_not_installed(instance, found.probe)):
        yield Wrong(told(problem, instance.name), _mend_web_root(instance, problem, reached))


def _not_blank(found: Site) -> Iterator[Wrong]:
    if found.tables:
        yield Wrong(f"the folder is empty, but database {found.account.name} holds {len(found.tables)} tables, as in "
                    f"{found.tables[0].name}: a restore would refuse to empty it. Give it a database of its own",
                    mends.edit_env(found.instance))
