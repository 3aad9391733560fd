"""make shows: which throw-away Tikis there are, whose, in what state, how big, and until when."""

from datetime import datetime

from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import showing, showing_places, showing_quota, showing_snapshots

COLUMNS = {"id": "id", "state": "state", "tiki": "Tiki", "for": "for", "user": "user", "age": "age",
           "left": "expires in", "size": "size", "url": "address"}
EMPTY = "No show yet. Next: make show VERSION=24.x"


def shows(settings: Settings) -> list[dict[str, object]]:
    """Return a row for each show."""
    found = showing.all_of(settings)
    if found:
        showing_places.require(settings)
    sizes = showing_quota.totals(settings, found)
    rows = []
    for one in found:
        known = showing.told(settings, one)
        rows.append({**known, "snapshots": showing_snapshots.addresses(settings, one), "bytes": sizes[one.id],
                     "size": output.size(sizes[one.id]), "due": one.is_due(showing.now()),
                     "age": output.age(datetime.fromisoformat(one.made)) if one.made else "",
                     "left": _left(one.expires)})
    return rows


def _left(expires: str) -> str:
    if not expires:
        return ""
    span = datetime.fromisoformat(expires) - showing.now()
    return output.days(span) if span.total_seconds() > 0 else "is over"
