"""make promote: brings the code of a stage to the next one up, which keeps its data, its configuration and its address.

An archive of what is there comes first. Then, under the maintenance page, come the code and Tiki's own update of the
database. What fails after that, a site that answers with an error included, is put back from the archive.
"""

import time
from datetime import datetime
from functools import partial

from scripts.errors import Fault, RefusedError
from scripts.hosts import process
from scripts.present import output
from scripts.registry import registry, relations
from scripts.registry.instance import Instance
from scripts.steps import (
    answering,
    cloning,
    cloning_guards,
    cloning_told,
    code_marks,
    final_dump,
    restoring,
    schema_updates,
    site,
    switch_over,
    unpacking,
    visitors,
    way_back,
)
from scripts.steps.cloning import Call, Cloned, Manner
from scripts.steps.cloning_places import Places
from scripts.steps.code_marks import Difference
from scripts.steps.restoring import Note
from scripts.steps.scratch import scratch
from scripts.steps.site import Site
from scripts.steps.way_back import WayBack
from scripts.store import archive
from scripts.tiki import guard
from scripts.verbs import restore

CODE = Manner(("code",))


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
        cloning_guards.require_room(theirs, found, places, CODE.what)
        if process.conduct.dry_run:
            _tell_plan(theirs, found, places)
            return None
        safety = _safety(found)
        call = Call("promote", _again(source, goal, confirm), safety, undo=partial(_put_back, goal),
                    proof=partial(answering.require, goal, answering.before(goal), f"the code of {source.name}",
                                  answering.SETTLING_SECONDS))
        # After a killed run nothing here is what it was.
        before = None if restoring.unfinished(goal) else code_marks.read(found)
        told = cloning.copy(theirs, found, places, CODE, call)
        versions = str(found.probe.version), str(theirs.probe.version)
        if before is not None:
            _remember_way_back(goal, versions, safety, code_marks.difference(before, code_marks.read(found)))
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
    """Archive what is there and return the archive's name; of a mixture, the one that was made before it.

    What broke off while visitors were in is archived too: what they wrote since is in no other.
    """
    goal, note = found.instance, restoring.unfinished(found.instance)
    if note:
        output.say(f"{goal.name}: {note.what} did not come to its end; what was there before it is in {note.safety}"
                   + (", what was written since will be in another" if note.is_open else ""))
    if note and not note.is_open:
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
    """Put back what was there, unless what visitors wrote since it was open again cannot be kept.

    What they wrote between the archive and the page is not in it, and that is told.
    """
    try:
        _keep_written(goal)
    except (Fault, OSError) as second:
        return unpacking.with_next_step(fault, f"{goal.name} was not put back, because what was written while it was "
                                               f"open cannot be kept: {second}. {visitors.seen(goal)}. "
                                               f"{restoring.way_out(goal, note)}")
    told = restore.put_back(goal, note, fault)
    if not restoring.unfinished(goal):
        begun = datetime.strptime(archive.choose(goal.settings, goal.name, note.safety).stamp, archive.STAMP)
        output.warn(f"{goal.name}: what was written there between {begun} and {output.local(note.moment)} may not be "
                    f"in {note.safety}")
    return told


def _keep_written(goal: Instance) -> None:
    """Keep the database of a site that visitors were in again; they are out from here on."""
    if restoring.is_mixture(goal):
        return
    visitors.keep_out(goal, cloning.REASON)
    with site.opened_anyhow(goal) as found:
        path = final_dump.keep_written(found)
    output.warn(f"{goal.name}: what was written in the seconds in which it was open is in {path}")


def _remember_way_back(goal: Instance, versions: tuple[str, str], safety: str, changed: Difference) -> None:
    """Let make rollback take the promotion back: the archive has the old files, the entrances and the database."""
    entrances = tuple(guard.ENTRANCES)
    way_back.remember(goal, WayBack("promote", switch_over.now(), *versions, safety, "", changed.replaced,
                                    changed.removed, changed.added, entrances=entrances))
    output.say(f"{goal.name}: back, if need be: make rollback INSTANCE={goal.name}")


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
