"""make show-destroy: a last snapshot, which is kept; then folder, database and account of a show go.

Works from any half-made state. ID=due takes those that have expired: a line for the crontab.
"""

import fnmatch
from contextlib import suppress

from scripts.errors import Fault, RefusedError, UsageError
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry import locks
from scripts.registry.settings import Settings
from scripts.steps import showing, showing_bases, showing_building, showing_snapshots
from scripts.steps import showing_places as places
from scripts.steps.showing import Show

DUE, ALL = "due", "all"


def targets(settings: Settings, wanted: str, confirm: str) -> list[str]:
    """Return the ids that ID= means: one, a list with commas, a glob, due, or all, which wants CONFIRM=all."""
    shows = showing.all_of(settings)
    if not wanted:
        raise UsageError("ID= is missing: an id, a list with commas, a glob, due or all. Which there are: make shows")
    if wanted == DUE:
        return [one.id for one in shows if one.is_due(showing.now())]
    if wanted == ALL:
        if confirm != ALL and not (shows and prompts.confirmed(ALL, f"{len(shows)} shows would go. Type all to go on")):
            raise RefusedError(f"all {len(shows)} shows would go. Nothing was changed. If that is meant: CONFIRM=all")
        return [one.id for one in shows]
    chosen: dict[str, None] = {}
    for word in filter(None, (part.strip() for part in wanted.split(","))):
        found = fnmatch.filter([one.id for one in shows], word) if set(word) & set("*?[") else []
        chosen.update(dict.fromkeys(found or [showing.read(settings, word).id]))
    return list(chosen)


def show_destroy(settings: Settings, ids: list[str], has_snapshot: bool) -> list[dict[str, object]]:
    """Destroy shows and return what is to be told; one that fails does not stop the others, and fails the run last."""
    places.require(settings)
    rows, faults = [], []
    for show_id in ids:
        try:
            rows.append(_destroy(settings, show_id, has_snapshot))
        except (Fault, OSError) as fault:
            if len(ids) == 1:
                raise
            output.warn(str(fault))
            faults.append(fault)
    if not process.conduct.dry_run:
        with suppress(Fault):  # a base that is being made; the next run sees to it
            showing_bases.drop_unused(settings, "show-destroy")
    if faults:
        raise RefusedError(f"{len(faults)} of {len(ids)} shows are still there: {faults[0]}") from faults[0]
    return [row for row in rows if row]


def _destroy(settings: Settings, show_id: str, has_snapshot: bool) -> dict[str, object] | None:
    with locks.hold(settings, [showing.lock(show_id)], "show-destroy"):
        known = showing.read(settings, show_id)
        if process.conduct.dry_run:
            output.say(f"would: destroy {show_id}" + (" after a last snapshot" if has_snapshot else ""))
            return None
        last = _last_snapshot(settings, known) if has_snapshot else ""
        showing.begin(settings, show_id, showing.DESTROY, "its destruction")
        showing_building.take_away(settings, known)
        showing.forget(settings, show_id)
    output.say(f"{show_id}: gone" + (f"; its last snapshot is {last}" if last else ""))
    return {"id": show_id, "state": showing.NONE, "last_snapshot": last}


def _last_snapshot(settings: Settings, known: Show) -> str:
    """Keep what is in a show; one that was never whole, or is half gone, has nothing to keep."""
    if known.state in (showing.BUILD, showing.DESTROY):
        return ""
    try:
        return str(showing_snapshots.keep_last(settings, known))
    except (Fault, OSError) as fault:
        if known.told_state == showing.FAILED:
            output.warn(f"{known.id}: has no last snapshot: {fault}")
            return ""
        raise type(fault)(f"{fault}. Without a last snapshot {known.id} stays. If it shall go: make show-destroy "
                          f"ID={known.id} SNAPSHOT=no") from fault
