"""make show-snapshot: a dump with one row a line and the tree of a show, to look at behind the show's own guard."""

from scripts.hosts import process
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import showing, showing_snapshots
from scripts.steps import showing_places as places


def show_snapshot(settings: Settings, show_id: str) -> dict[str, object] | None:
    """Make a show's snapshot in place of the one before; None in a dry run. The show goes on meanwhile."""
    places.require(settings)
    places.refuse_maintenance(settings)
    known = showing.read(settings, show_id)
    if process.conduct.dry_run:
        output.say(f"would: make a snapshot of {known.id} in {places.web_root(settings, known.id)}/snapshots")
        return None
    with showing.working(settings, show_id, showing.SNAPSHOT, "snapshot") as held:
        addresses = showing_snapshots.take(settings, held)
    for address in addresses:
        output.say(f"{show_id}: {address}")
    return {**showing.told(settings, showing.read(settings, show_id)), "snapshots": addresses}
