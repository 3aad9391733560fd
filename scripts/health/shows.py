"""Shows that nobody takes away: a run that broke off has left them, or no crontab line takes what is due."""

from collections.abc import Iterator
from datetime import timedelta

from scripts.health import mends
from scripts.health.finding import MANAGER, Checked, Wrong, look
from scripts.registry.settings import Settings
from scripts.steps import showing
from scripts.steps.showing import BUILD, FAILED, Show

OVERDUE = timedelta(days=1)  # the crontab's line comes at least once a day


def checks(settings: Settings) -> Iterator[Checked]:
    """Look at the shows of this toolkit, where there are any."""
    found = showing.all_of(settings)
    if found:
        yield look(MANAGER, "shows", lambda: _wrong(settings, found), mends.make(settings, "shows"))


def _wrong(settings: Settings, found: list[Show]) -> Iterator[Wrong]:
    overdue = [show.id for show in found if show.is_due(showing.now() - OVERDUE) and show.told_state != FAILED]
    if overdue:
        yield Wrong(f"{len(overdue)} expired more than a day ago and still there, as {overdue[0]}: no "
                    "crontab line takes what is due", mends.make(settings, "show-destroy", ID="due"))
    for show in found:
        if show.told_state == FAILED:
            verb = "show-destroy" if show.state in (BUILD, showing.DESTROY) else "show-reset"
            yield Wrong(f"show {show.id}: {show.reason or 'its making'} did not come to its end",
                        mends.make(settings, verb, ID=show.id))
