"""make show-reset: a show as it was when it was new, with new passwords: the administrator's and the guard's login's.

The snapshot and the day it expires stay. Mends a show that a broken run has left.
"""

from dataclasses import replace

from scripts.errors import RefusedError
from scripts.hosts import process
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import creating, showing, showing_bases, showing_building
from scripts.steps import showing_places as places
from scripts.steps.showing import Show
from scripts.steps.showing_bases import Base
from scripts.tiki import htpasswd, passwords
from scripts.verbs import show


def show_reset(settings: Settings, show_id: str) -> dict[str, object] | None:
    """Put a show back and return what is to be told, its new passwords included; None in a dry run."""
    places.require(settings)
    places.refuse_maintenance(settings)
    known = showing.read(settings, show_id)
    if known.state == showing.BUILD:
        raise RefusedError(f"{show_id}: was never whole. Next: make show-destroy ID={show_id}, and make show again")
    if process.conduct.dry_run:
        output.say(f"would: make {show_id} anew from its base")
        return None
    _base(settings, known)  # asked first: a show that is not touched does not fail
    with showing.working(settings, show_id, showing.MAINTENANCE, "reset", mends=True) as held:
        with showing.listing(settings):  # none is removed meanwhile
            base = _base(settings, held)
        showing_building.close(settings, show_id)
        viewer = held.viewer.partition(":")[0] or show.VIEWER, passwords.new()
        held = replace(held, viewer=f"{viewer[0]}:{htpasswd.hashed(viewer[1])}")
        password = showing_building.fill(settings, held, base)
        showing.change(settings, show_id, base=base.key, tiki=base.tiki, viewer=held.viewer)
    output.say(f"{show_id}: as new: {places.url(settings, show_id)}")
    if not output.manner.is_json:
        show.tell_passwords(show_id, password, viewer)
    return {**showing.told(settings, showing.read(settings, show_id)), "admin": creating.ADMIN,
            "admin_password": password, "viewer": viewer[0], "viewer_password": viewer[1]}


def _base(settings: Settings, known: Show) -> Base:
    """Return what a show is made from anew; raise RefusedError when nothing is there."""
    return showing_bases.of_key(settings, known.base) or showing_bases.ready(settings, known.version)
