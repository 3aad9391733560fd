"""Says what a clone would do, and what it did."""

from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps.cloning import Cloned, Manner
from scripts.steps.cloning_places import Places
from scripts.steps.site import Site

SHOWN_TABLES = 5  # by name; of more only their number


def told(target: Instance, source: Instance, done: Cloned, seconds: float) -> None:
    """Say what a clone did, and what was made the target's own."""
    name = target.name
    if done.reloaded or done.unchanged:
        output.say(f"{name}: {_some(done.reloaded, 'reloaded')}, {len(done.unchanged)} unchanged"
                   + (f", {_some(done.dropped, 'dropped')}" if done.dropped else ""))
    for line in (*done.rewritten, *(f"applied {patch}" for patch in done.updated), *done.muted):
        output.say(f"{name}: {line}")
    for line in done.warnings:
        output.warn(f"{name}: {line}")
    output.say(f"{name}: is what {source.name} was at {output.local(done.moment)}; {done.trees.files} files, "
               f"{output.size(done.trees.size_bytes)} copied, in {output.duration(seconds)}")


def _some(tables: tuple[str, ...], what: str) -> str:
    names = f" ({', '.join(tables)})" if 0 < len(tables) <= SHOWN_TABLES else ""
    return f"{len(tables)} tables {what}{names}"


def plan(source: Site, target: Site, places: Places, manner: Manner, has_safety: bool) -> None:
    """Say what a clone would do."""
    would = []
    if has_safety:
        would.append(f"archive what is in {target.instance.web_root} and in database {target.account.name} for safety")
    would.append(f"put the maintenance page up at {target.instance.web_root}")
    comes = [folder.path for folder in places.folders] if "data" in manner.what else []
    for path in (source.instance.web_root, *comes):
        part = f", {manner.only} only" if manner.only and path == source.instance.web_root else ""
        would.append(f"make {places.goes[path]} equal to {path} of {source.instance.name}{part}")
    if "data" in manner.what:
        would.append(f"make database {target.account.name}, which holds {len(target.tables)} tables, equal to "
                     f"{source.account.name}, which holds {len(source.tables)}; its places and addresses rewritten")
    if manner.mutes:
        would.append(f"mute {target.instance.name}: no mail, no jobs, no logins of {source.instance.name}")
    would.append("take the maintenance page away")
    for line in would:
        output.say(f"would: {line}")


def result(done: Cloned) -> dict[str, object]:
    """Return what a clone did, for programs."""
    return {"moment": done.moment.isoformat(), "files": done.trees.files, "size_bytes": done.trees.size_bytes,
            "tables_reloaded": list(done.reloaded), "tables_unchanged": len(done.unchanged),
            "tables_dropped": list(done.dropped), "consistency": done.consistency, "updated": done.updated,
            "rewritten": done.rewritten, "muted": done.muted, "warnings": done.warnings}
