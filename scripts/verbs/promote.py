"""make promote: brings the code of a stage to the next one up, which keeps its data, its configuration and its address.

An archive of what is there comes first. Then, under the maintenance page, come the code and Tiki's own update of the
database. What fails after that, a site that answers with an error included, is put back from the archive.
"""

import time
from datetime import datetime
from functools import partial

from scripts.errors import Fault, HostError, RefusedError
from scripts.health import web
from scripts.hosts import process
from scripts.present import output
from scripts.registry import registry, relations
from scripts.registry.instance import Instance
from scripts.steps import cloning, cloning_guards, cloning_told, restoring, schema_updates, site
from scripts.steps.cloning import Call, Cloned, Manner
from scripts.steps.cloning_places import Places
from scripts.steps.restoring import Note
from scripts.steps.scratch import scratch
from scripts.steps.site import Site
from scripts.store import archive
from scripts.tiki import maintenance
from scripts.verbs import restore

CODE = Manner(("code",))
BROKEN = 500            # this status and those above say that the site itself failed
SETTLING_SECONDS = 3    # PHP looks every 2 seconds whether a file it has compiled was changed (opcache.revalidate_freq)


def target(source: Instance, to: str) -> Instance:
    """Return where the code goes: TO, or the PARENT; raise a fault when that is not known or lies below."""
    if to:
        goal = registry.load(source.settings, to)
    else:
        goal = relations.parent(source)
        relations.refuse_circle(source)
    relations.refuse_code_downwards(source, goal)
    return goal


def promote(source: Instance, goal: Instance, confirm: str) -> dict[str, object] | None:
    """Give goal the code of source and return what is to be told of it; None in a dry run."""
    started = time.monotonic()
    relations.refuse_code_downwards(source, goal)
    cloning_guards.refuse_by_name(source, goal, confirm)
    _refuse_other_mixture(goal)
    with site.opened(source) as theirs, site.opened_target(goal) as found:
        places = cloning_guards.refuse(theirs, found, _agreed(source, goal, confirm), CODE.what)
        cloning_guards.refuse_unfit(theirs, found, CODE.what)
        if process.conduct.dry_run:
            _tell_plan(theirs, found, places)
            return None
        safety = _safety(found)
        call = Call("promote", _again(source, goal, confirm), safety, undo=partial(_put_back, goal),
                    proof=partial(_require_answer, source, goal, _status_before(goal)))
        told = cloning.copy(theirs, found, places, CODE, call)
        versions = str(found.probe.version), str(theirs.probe.version)
    seconds = time.monotonic() - started
    _tell(source, goal, told, versions, seconds)
    return {"instance": source.name, "to": goal.name, "safety": safety, "version_before": versions[0],
            "version": versions[1], "updated": told.updated, "files": told.trees.files,
            "size_bytes": told.trees.size_bytes, "warnings": told.warnings, "seconds": round(seconds, 1)}


def _agreed(source: Instance, goal: Instance, confirm: str) -> str:
    """Return whose overwriting is agreed to: by its name, or because the env files say that the code goes there."""
    return goal.name if goal.guarded or goal.name in relations.above(source) else confirm


def _refuse_other_mixture(goal: Instance) -> None:
    """Raise RefusedError when something else than a promotion broke off there: an archive of that is worth nothing."""
    note = restoring.unfinished(goal)
    if note and note.verb != "promote":
        restoring.refuse_half_restored(goal)


def _safety(found: Site) -> str:
    """Archive what is there and return the archive's name; of what broke off, the one that was made before it."""
    goal, note = found.instance, restoring.unfinished(found.instance)
    if note:
        output.say(f"{goal.name}: {note.what} did not come to its end; what was there before it is in {note.safety}")
        return note.safety
    with scratch(goal) as folder:
        safety = restore.make_safety(found, folder)
    if not safety:
        raise RefusedError(f"{goal.name}: no archive of it could be made. Nothing was changed")
    return safety


def _again(source: Instance, goal: Instance, confirm: str) -> dict[str, str]:
    """Return the call that goes on."""
    return {"INSTANCE": source.name, "TO": goal.name, **({"CONFIRM": confirm} if confirm else {})}


def _put_back(goal: Instance, note: Note, fault: Fault) -> Fault:
    """Put back what was there; what visitors wrote between the archive and the page is not in it, and that is told."""
    told = restore.put_back(goal, note, fault)
    if not restoring.unfinished(goal):
        begun = datetime.strptime(archive.choose(goal.settings, goal.name, note.safety).stamp, archive.STAMP)
        output.warn(f"{goal.name}: what was written there between {begun} and {output.local(note.moment)} may not be "
                    f"in {note.safety}")
    return told


# Does it answer?

def _status_before(goal: Instance) -> int:
    """Return how the site answered before; 0 where that says nothing."""
    host, web_root = goal.host, goal.web_root
    if not goal.web_url or maintenance.state(host, web_root).is_on:
        return 0
    return web.visit(goal).status


def _require_answer(source: Instance, goal: Instance, before: int) -> None:
    """Raise HostError when visitors get an error that they did not get before."""
    if not goal.web_url:
        output.say(f"{goal.name}: it has no WEB_URL: whether it answers was not seen")
        return
    status = web.visit(goal).status
    if status >= BROKEN:
        time.sleep(SETTLING_SECONDS)
        status = web.visit(goal).status
    if status == 0:
        output.warn(f"{goal.name}: {goal.web_url} does not answer this machine: whether it works was not seen")
    elif status >= BROKEN and status == before:
        output.warn(f"{goal.name}: {goal.web_url} answers {status}, as it did before")
    elif status >= BROKEN:
        raise HostError(f"{goal.name}: {goal.web_url} answers {status} with the code of {source.name}. The web "
                        "server's error log says why")


# What is said

def _tell_plan(theirs: Site, found: Site, places: Places) -> None:
    name = found.instance.name
    output.say(f"would: archive what is in {found.instance.web_root} and in database {found.account.name}")
    cloning_told.plan(theirs, found, places, CODE, False)
    missing = schema_updates.patches(theirs.instance) - schema_updates.patches(found.instance)
    output.say(f"would: let Tiki's console update the database of {name}; {len(missing)} patches come with the code")


def _tell(source: Instance, goal: Instance, told: Cloned, versions: tuple[str, str], seconds: float) -> None:
    for patch in told.updated:
        output.say(f"{goal.name}: applied {patch}")
    for line in told.warnings:
        output.warn(f"{goal.name}: {line}")
    before, now = versions
    output.say(f"{goal.name}: has the code of {source.name}, Tiki {now}" + (f" (was {before})" if before != now else "")
               + f"; {told.trees.files} files, {output.size(told.trees.size_bytes)} copied, in "
               f"{output.duration(seconds)}")
