"""make show-update: the newest code of a show's version; what was done in the show stays."""

from scripts.errors import RefusedError
from scripts.hosts import process
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import showing, showing_bases, showing_updating
from scripts.steps import showing_places as places
from scripts.steps.showing import Show
from scripts.steps.showing_bases import Base


def show_update(settings: Settings, show_id: str, is_prepared: bool = False, php_check: bool = True
                ) -> dict[str, object] | None:
    """Bring a show to the newest code of its version word; None in a dry run.

    is_prepared takes the newest base that is there and makes none.
    """
    places.require(settings)
    places.refuse_maintenance(settings)
    known = showing.read(settings, show_id)
    new = showing_bases.ready(settings, known.version) if is_prepared else \
        showing_bases.made(settings, known.version, php_check, output.say)
    if new.key == known.base:
        output.say(f"{show_id}: Tiki {known.tiki}, nothing newer")
        return {**showing.told(settings, known), "updated": []}
    _base(settings, known)  # asked first: a show that is not touched does not fail
    if process.conduct.dry_run:
        output.say(f"would: bring {show_id} from {known.base} to the newest code of {known.version}")
        return None
    with showing.working(settings, show_id, showing.MAINTENANCE, "update") as held:
        old = _base(settings, held)
        with showing.listing(settings):  # the one from above may have been removed before this show was held
            new = showing_bases.of_key(settings, new.key) or showing_bases.ready(settings, held.version)
        applied = showing_updating.carry_out(settings, held, old, new)
        showing.change(settings, show_id, base=new.key, tiki=new.tiki)
    output.say(f"{show_id}: Tiki {new.tiki}, {len(applied)} patches for its database: {places.url(settings, show_id)}")
    return {**showing.told(settings, showing.read(settings, show_id)), "updated": applied}


def _base(settings: Settings, known: Show) -> Base:
    """Return what a show was made from; raise RefusedError when that is gone."""
    found = showing_bases.of_key(settings, known.base)
    if found is None:
        raise RefusedError(f"{known.id}: what it was made from is gone. Nothing was changed. Next: make show-reset "
                           f"ID={known.id}")
    return found
