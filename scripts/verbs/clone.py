"""make clone: makes one site what another one is now, or what an archive of it says, and keeps it a site of its own.

The source is only read. The target keeps its account, its places, its address, its .htaccess and its restriction; it is
quiet before the first visitor can reach it.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.database import copy as databases
from scripts.errors import Fault, RefusedError
from scripts.hosts import process
from scripts.present import output
from scripts.registry import change, registry
from scripts.registry.instance import Instance
from scripts.steps import (
    changed,
    cloning,
    cloning_guards,
    cloning_places,
    cloning_settling,
    cloning_told,
    cloning_trees,
    extra_paths,
    lineage,
    location,
    replace,
    restoring,
    restricting,
    site,
)
from scripts.steps.changed import Changes
from scripts.steps.cloning import Ahead, Call, Cloned, Manner, Origin
from scripts.steps.cloning_places import Places
from scripts.steps.scratch import scratch
from scripts.steps.site import Site
from scripts.steps.unpacking import Unpacked
from scripts.store import archive
from scripts.store.manifest import DATA
from scripts.tiki import layout, maintenance


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for. given are the variables of make as they stood there, for the line that goes on.

    verb is the one that was called: refresh asks for the target alone, mirror brings an archive.
    """

    manner: Manner = Manner()
    confirm: str = ""
    archive: str = ""
    expires: str = ""
    discards: bool = False
    may_be_open: bool = False
    is_unverified: bool = False
    given: Mapping[str, str] | None = None
    verb: str = "clone"


def clone(source: Instance, target: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Make target equal to source and return what is to be told of it; None in a dry run."""
    started = time.monotonic()
    cloning_guards.refuse_by_name(source, target, wishes.confirm, is_of_archive=bool(wishes.archive))
    refuse_open(source, target, wishes)
    make = _from_archive if wishes.archive else _from_site
    made = make(source, target, wishes)
    if made is None:
        return None
    told, safety, changes = made
    _write_keys(source, target, wishes)
    cloning_told.told(target, source, told, time.monotonic() - started)
    return {"instance": target.name, "source": source.name, "archive": wishes.archive, "safety": safety,
            "changed": changes.lines() if changes else [], **cloning_told.result(told),
            "seconds": round(time.monotonic() - started, 1)}


def _from_site(source: Instance, target: Instance, wishes: Wishes) -> tuple[Cloned, str, Changes | None] | None:
    again = _again(source, target, wishes)
    with site.opened_both(source, target) as (theirs, found), \
            cloning.closing(found, source.name, wishes.verb, again) as close:
        places, changes, ahead = _looked_at(theirs, found, wishes, close)
        if process.conduct.dry_run:
            cloning_told.plan(theirs, found, places, wishes.manner, bool(changes) and not wishes.discards)
            return None
        safety = _safety(found, changes, wishes)
        if ahead.equal and not _are_still_equal(changes, safety):
            ahead = Ahead(ahead.early)
            cloning_guards.require_room(theirs, found, places, wishes.manner.what)
        # An archive takes its time: what the source was before it is too old.
        call = Call(wishes.verb, again, safety, changes, Ahead() if safety or changes is None else ahead)
        told = cloning.copy(theirs, found, places, wishes.manner, call)
        if "data" in wishes.manner.what:
            extra_paths.take(target, (*places.folders, *places.missing), places.goes,
                             lambda path: places.on_one_machine and places.leads.to(path) is not None)
        return told, safety, changes


def refuse_open(source: Instance, target: Instance, wishes: Wishes) -> None:
    """Raise RefusedError when a site as it was before would stand open to everybody."""
    kind = wishes.manner.kind or target.kind
    if kind != "before" or wishes.may_be_open or restricting.is_restricted(target):
        return
    raise RefusedError(f"{target.name}: KIND=before shows everybody what {source.name} was, and nothing keeps anybody "
                       f"out of it. Nothing was changed. Next: make restrict INSTANCE={target.name} USERS=name, or, if "
                       "it shall be open: OPEN=yes")


def _guarded(source: Site, target: Site, wishes: Wishes) -> Places:
    """Ask every guard but the one for room; raise what one of them raises."""
    places = cloning_guards.refuse(source, target, wishes.confirm, wishes.manner.what)
    cloning_guards.refuse_unfit(source, target, wishes.manner.what)
    return places


def _looked_at(source: Site, target: Site, wishes: Wishes, close: Callable[[], None]
               ) -> tuple[Places, Changes | None, Ahead]:
    """Ask every guard, close a clone and look what was changed there.

    Where most will be equal, the source is summed and the trees are compared meanwhile; only what is not equal needs
    room.
    """
    manner, places = wishes.manner, _guarded(source, target, wishes)
    known = lineage.here(target)

    def changes() -> Changes | None:
        # Under the page: what is written between the look and the copy would be lost unseen.
        if known and target.probe.is_tiki and not process.conduct.dry_run:
            close()
        return _changes(target)

    def sums() -> databases.Early | None:
        has_data = "data" in manner.what
        return databases.sum_early(source.client, changed.summed_tables(source)) if has_data else None

    def trees() -> frozenset[str]:
        equal = cloning_trees.equal(source, target, places, manner.what)
        cloning_guards.require_room(source, target, places, manner.what, equal)
        return equal

    if manner.full or process.conduct.dry_run or known is None or not set(manner.what) <= set(known.what) \
            or restoring.unfinished(target.instance):
        cloning_guards.require_room(source, target, places, manner.what)
        return places, changes(), Ahead()
    found, early, equal = process.side_by_side(changes, sums, trees)
    return places, found, Ahead(early, equal)


def _are_still_equal(changes: Changes | None, safety: str) -> bool:
    """Whether folders are what they were when they were compared, as is known now that the page is up."""
    return not safety and changes is not None and changes.is_known and not changes.files


def _changes(found: Site) -> Changes | None:
    """Say and return what was changed on the target since it was cloned; None when nothing there is to be kept."""
    target, note = found.instance, restoring.unfinished(found.instance)
    if note and not note.is_open:
        output.say(f"{target.name}: {note.what} did not come to its end; what was there before it is in "
                   f"{note.safety or 'no archive'}")
        return None
    if found.is_blank:
        return None
    if lineage.here(found) is None:
        return Changes(is_known=False)
    changes = changed.since(found)
    for line in changes.lines():
        output.say(f"{target.name}: {line}")
    return changes


def _safety(found: Site, changes: Changes | None, wishes: Wishes) -> str:
    """Archive what would be lost, and return the archive's name; nothing when there is nothing, or when it may go."""
    target, note = found.instance, restoring.unfinished(found.instance)
    if note and not note.is_open:
        return note.safety
    if not changes:
        return ""
    if wishes.discards:
        output.say(f"{target.name}: CHANGED=discard: it goes without an archive")
        return ""
    from scripts.verbs import restore  # here, because what packs and unpacks takes its time to load
    with scratch(target) as folder:
        return restore.make_safety(found, folder)


def _again(source: Instance, target: Instance, wishes: Wishes) -> dict[str, str]:
    """Return the call that goes on for this target alone."""
    confirm = {"CONFIRM": target.name} if target.name in wishes.confirm.split(",") else {}
    sides = {"FROM": source.name, "TO": target.name} if wishes.verb != "refresh" else {"INSTANCE": target.name}
    return {**sides, **(wishes.given or {}), **confirm}


def _write_keys(source: Instance, target: Instance, wishes: Wishes) -> None:
    """Write into the target's env file what it is now."""
    values = {key: value for key, value in (("KIND", wishes.manner.kind), ("EXPIRES", wishes.expires)) if value}
    # A mirror is no stage: nothing is to be refreshed from the present.
    is_derived = "data" in wishes.manner.what and not wishes.manner.is_move and wishes.verb != "mirror"
    if is_derived and not target.parent and source.parent != target.name:
        values["PARENT"] = source.name
    if values:
        change.set_values(target.settings, target.name, values)


# From an archive

def _from_archive(source: Instance, target: Instance, wishes: Wishes) -> tuple[Cloned, str, Changes | None] | None:
    """Let restore do the work; what makes the target a clone is done before it lets visitors in."""
    from scripts.verbs import restore
    chosen = archive.choose(target.settings, source.name, wishes.archive)
    with ExitStack() as opened:
        theirs = _asked(opened, source)
        with site.opened_target(target) as found:
            cloning_guards.refuse_never_cloned(found, wishes.confirm)
            if theirs:
                cloning_guards.refuse_same_database(theirs, found)
                cloning_places.find(theirs, found)
            changes, own = _changes(found), cloning_settling.own_values(found)
            has_safety, where = bool(changes) and not wishes.discards, location.as_noted(location.of(found))
        told = Cloned(datetime.now(UTC))

        def places(unpacked: Unpacked, found: Site) -> dict[str, str]:
            parts = [part for part in unpacked.parts if part.kind == DATA]
            goes = cloning_places.of_archive(theirs, found, unpacked.app.path, parts)
            cloning_guards.refuse_third(source, found, goes.values())
            return goes

        def settle(unpacked: Unpacked, goes: dict[str, str]) -> replace.Replaced:
            told.moment = datetime.fromisoformat(unpacked.manifest.dumped) if unpacked.manifest else chosen.moment
            told.reloaded = tuple(unpacked.tables)
            url = (unpacked.manifest.web_url if unpacked.manifest else "") or source.web_url
            with site.opened(target) as fresh:
                origin = Origin(source.name, url, unpacked.app.path)
                cloning_settling.settle(origin, fresh, goes, wishes.manner, own, told)
                folders = [place for path, place in goes.items() if path != unpacked.app.path]
                changed.remember(fresh, folders, (), {})
                told.where = location.anew(fresh, folders)
            return replace.Replaced()

        note = {"source": source.name, "verb": wishes.verb, "variables": _again(source, target, wishes), "where": where}
        becoming = restore.Becoming(note, places, _kept_here, settle)
        done = restore.restore(target, restore.Wishes(source.name, wishes.archive, target.name, has_safety,
                                                      wishes.is_unverified, becoming=becoming,
                                                      is_full=wishes.manner.full))
    if done is None:
        return None
    cloning.remember(source, target, wishes.manner, told, chosen.path.name)
    return told, str(done["safety"]), changes


def _asked(opened: ExitStack, source: Instance) -> Site | None:
    """Return the source itself, which may be down or gone: then its archive alone tells whose folders are whose."""
    if source.name not in registry.names(source.settings):
        return None
    try:
        return opened.enter_context(site.opened(source))
    except Fault as fault:
        output.warn(f"{source.name}: cannot be asked, so only its archive tells which folders are its own: {fault}")
        return None


def _kept_here(found: Site) -> list[str]:
    """Return which files of its web root the target keeps, besides its accounts; the page is on by now."""
    host, web_root = found.instance.host, found.instance.web_root
    own, _ = maintenance.own_htaccess(host, web_root, maintenance.read(host, web_root))
    rules = [layout.HTACCESS, maintenance.KEPT] if own else []
    return [*rules, *cloning_trees.kept_rules(found), cloning_trees.CERTIFICATES]
