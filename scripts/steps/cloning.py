"""Makes one site what another one is, from the first change to the last, under the maintenance page of the target.

Nothing of the source is written to. What broke off is repaired by the next call, because every step makes its part
equal whatever is there.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.database import copy as databases
from scripts.errors import Fault, of_os_error
from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import (
    changed,
    cloning_settling,
    cloning_trees,
    lineage,
    location,
    replace,
    restoring,
    site,
    unpacking,
    visitors,
)
from scripts.steps.cloning_manner import FULL, Ahead, Call, Cloned, Manner, Origin
from scripts.steps.cloning_places import Places
from scripts.steps.lineage import Lineage
from scripts.steps.site import Site
from scripts.tiki import maintenance

__all__ = ["FULL", "Ahead", "Call", "Cloned", "Manner", "Origin", "copy", "remember"]

REASON = "This site is being made equal to another one."


def copy(source: Site, target: Site, places: Places, manner: Manner, call: Call) -> Cloned:
    """Make target what source is and remember that; a fault tells how to go on, and the page stays.

    The guards of cloning_guards come before, and give the places.
    """
    before = _look(source, target, manner)
    with _noted(source.instance, target, manner, call):
        changes = changed.Changes(is_known=False) if call.changes is None else call.changes
        told = _carry_out(source, target, places, manner, before, changes, call.ahead)
        call.proof()
        remember(source.instance, target.instance, manner, told)
    return told


@contextmanager
def closing(target: Site, source: str, verb: str, variables: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """Lend a call that puts the maintenance page up, for a block that only looks before it makes `copy`.

    When the block breaks before anything was begun, the page is as it was before; when the run is killed, a note tells
    of the call: source, verb and variables. The block may let one job of several call it: what is taken back is taken
    back here, where no job beside it can end that.
    """
    instance = target.instance
    is_begun = False

    def close() -> None:
        nonlocal is_begun
        is_begun = True
        restoring.begin_look(instance, source, verb, variables)
        visitors.keep_out(instance, REASON)

    try:
        yield close
    except BaseException:
        if is_begun and not restoring.is_mixture(instance) and _is_as_before(instance):
            restoring.end_look(instance)
        raise


def _is_as_before(instance: Instance) -> bool:
    """Let visitors in again where nothing was changed; the fault that led here is the one to tell."""
    try:
        visitors.let_in(instance)
        return True
    except (Fault, OSError) as fault:
        output.warn(f"{instance.name}: nothing was changed, but its maintenance page is still up: {fault}. Next: make "
                    f"maintenance INSTANCE={instance.name} STATE=off")
        return False


@contextmanager
def _noted(source: Instance, found: Site, manner: Manner, call: Call) -> Iterator[None]:
    """Note for the length of a block that a site is being changed as a whole; the note stays when the block breaks."""
    target, where = found.instance, location.as_noted(location.of(found))
    is_open = not (restoring.is_mixture(target) or restoring.looked(target))
    note = restoring.begin(target, "", call.safety, source=source.name, only=manner.only, verb=call.verb,
                           variables=call.variables, is_open=is_open, where=where)
    try:
        yield
    except (Fault, OSError) as error:
        fault = of_os_error(error) if isinstance(error, OSError) else error
        if call.undo:
            raise call.undo(note, fault) from error
        raise unpacking.with_next_step(fault, f"{visitors.seen(target)}. {restoring.way_out(target, note)}") from error
    except BaseException:
        output.warn(f"{target.name}: ended in the middle of {note.what}. {restoring.seen(target)}. "
                    f"{restoring.way_out(target, note)}")
        raise
    restoring.end(target)


@dataclass(frozen=True)
class _Before:
    """What is looked at before anything is changed: the source's entrances, and what the target keeps of its own."""

    entrances: cloning_trees.Files
    rules: list[str]
    preferences: Mapping[str, str]
    takes_htaccess: bool


def _look(source: Site, target: Site, manner: Manner) -> _Before:
    is_there = target.probe.state != "missing"
    return _Before(maintenance.read(source.instance.host, source.instance.web_root),
                   cloning_trees.kept_rules(target) if is_there and not manner.is_move else [],
                   cloning_settling.own_values(target), manner.is_move or not is_there or _lacks_htaccess(target))


def _lacks_htaccess(target: Site) -> bool:
    """Whether a target that was never cloned before has no .htaccess. One that was has none because it wants none."""
    if lineage.read(target.instance) is not None:
        return False
    host, web_root = target.instance.host, target.instance.web_root
    own, _ = maintenance.own_htaccess(host, web_root, maintenance.read(host, web_root))
    return own is None


def _carry_out(source: Site, target: Site, places: Places, manner: Manner, before: _Before,
               changes: changed.Changes, ahead: Ahead) -> Cloned:
    """Page on, trees and database, what is the target's own, quiet, page off."""
    instance, has_code = target.instance, "code" in manner.what
    if not changes.is_known:  # else they were looked for under the page
        instance.host.make_folder(instance.web_root)
        visitors.keep_out(instance, REASON)
        restoring.mark(instance, is_open=False)
    if has_code:
        cloning_trees.enter(source, target, before.entrances, takes_htaccess=before.takes_htaccess)
    told = _trees_and_database(source, target, places, manner, before.rules, changes.sums, ahead)
    if target.probe.config is None:
        replace.give_account(target, str(source.probe.version))
    is_as_it_was = changes.is_known and not changes.files and told.trees.moved_nothing
    with site.opened_again(target) if is_as_it_was else site.opened(instance) as fresh:
        origin = Origin(source.instance.name, source.instance.web_url, source.instance.web_root)
        cloning_settling.settle(origin, fresh, places.goes, manner, before.preferences, told)
        if _stays_a_clone(instance, manner):
            folders = _data_folders(target, places, manner)
            changed.remember(fresh, folders, () if told.updated else told.unchanged, changes.sums,
                             keeps_files=is_as_it_was)
            told.where = location.anew(fresh, folders)
    replace.open_again(instance, before.entrances["."].time if has_code else None)
    return told


def _data_folders(target: Site, places: Places, manner: Manner) -> list[str]:
    """Return where the target's data is from now on, outside the web root."""
    if "data" in manner.what:
        return [places.goes[folder.path] for folder in places.folders]
    return [folder.path for folder in target.folders if not folder.contains_web_root]


def remember(source: Instance, target: Instance, manner: Manner, told: Cloned, archive: str = "") -> None:
    """Write whose clone the target is now. After a move it is none: nothing may overwrite it without being asked."""
    if not _stays_a_clone(target, manner):
        lineage.forget(target)
        changed.forget(target)
    elif "data" in manner.what:
        known = lineage.read(target)
        then = location.read(known.where) if known else None
        is_there = known and not (then and told.where and location.moved(then, told.where))
        where = location.as_noted(told.where) if told.where else None
        what = tuple(sorted({*manner.what, *(known.what if is_there else ())}))
        lineage.write(target, Lineage(source.name, told.moment, datetime.now(UTC), manner.kind or target.kind,
                                      archive, what, where))


def _stays_a_clone(target: Instance, manner: Manner) -> bool:
    """Whether it may be overwritten again without being asked. Code alone does not make a clone of a site."""
    return not manner.is_move and ("data" in manner.what or lineage.read(target) is not None)


def _trees_and_database(source: Site, target: Site, places: Places, manner: Manner, rules: list[str],
                        sums: Mapping[str, str], ahead: Ahead) -> Cloned:
    """Copy both at the same time; the first fault ends the other. sums are those of the target's tables."""
    told = Cloned(datetime.now(UTC))
    jobs = [lambda: cloning_trees.copy(source, target, places, manner.what, rules, already=ahead.equal)]
    if "data" in manner.what:
        jobs.append(lambda: _database(source, target, manner, sums, ahead, told))
    told.trees, *_ = process.side_by_side(*jobs)
    told.warnings += told.trees.warnings
    return told


def _database(source: Site, target: Site, manner: Manner, sums: Mapping[str, str], ahead: Ahead, told: Cloned) -> None:
    """Make the target's database equal and quiet; what is done goes into told."""
    made = databases.make_equal(source.client, target.client, full=manner.full, known=sums, early=ahead.early)
    told.moment, told.consistency = made.moment, made.consistency
    told.reloaded, told.unchanged, told.dropped = made.reloaded, made.unchanged, made.dropped
    if made.consistency == "unlocked":
        told.warnings.append("the source's tables are not all InnoDB and may not be locked: what visitors wrote "
                             "meanwhile may be in some tables and not in others")
    cloning_settling.hush(source, target, manner, told)
