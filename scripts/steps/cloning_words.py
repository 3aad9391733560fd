"""What the words of a clone's call mean: which targets, which manner, until when."""

from datetime import date, timedelta

from scripts.errors import UsageError
from scripts.present import prompts
from scripts.registry import registry
from scripts.registry.instance import DAYS_IN, KINDS
from scripts.registry.settings import Settings
from scripts.steps import lineage
from scripts.steps.cloning import Manner

__all__ = ["KINDS", "expiry", "given", "manner", "targets"]

MOST_DAYS = 36500  # a hundred years; more is a slip of the finger


def targets(settings: Settings, given: str, source: str) -> str:
    """Return the names of TO= as they were given, each of which is known; at a terminal a missing one is chosen."""
    names = [name.strip() for name in given.split(",") if name.strip()]
    if not names:
        known = [name for name in registry.names(settings) if name != source]
        if not known or not prompts.can_ask():
            raise UsageError(f"TO= is missing: which instance shall become equal to {source}? "
                             f"{registry.known_names(settings)}")
        names = [known[prompts.choose("TO", known)]]
    for name in names:
        registry.require(settings, name)
    return ",".join(names)


def manner(only: str | None, kind: str | None, full: bool, is_quiet: bool, is_move: bool, archive: str,
           is_unverified: bool = False) -> Manner:
    """Return how the clone is made; raise UsageError for words that do not go together."""
    for word, is_given in (("ONLY", only), ("KIND", kind), ("ARCHIVE", archive)):
        if is_move and is_given:
            raise UsageError(f"MOVE=1 brings a whole living site to its new place: it does not go with {word}=")
    if only and archive:
        raise UsageError("ONLY= does not go with ARCHIVE=: an archive comes as a whole")
    if is_unverified and not archive:
        raise UsageError("UNVERIFIED=yes is about an archive: give ARCHIVE= too")
    return Manner((only,) if only else lineage.ALL, full, is_quiet, is_move, kind=kind or "")


def expiry(text: str | None, today: date | None = None) -> str:
    """Return the day that EXPIRES= means: in so many days, weeks or months, or a day itself; raise UsageError."""
    if not text:
        return ""
    today = today or date.today()
    if text[:-1].isdecimal() and text[-1] in DAYS_IN and 0 < (days := int(text[:-1]) * DAYS_IN[text[-1]]) \
            <= MOST_DAYS:
        return (today + timedelta(days)).isoformat()
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"EXPIRES={text}: expected days, weeks or months, as in 90d, or a day, as in 2027-01-31"
                         ) from error
    if day <= today:
        raise UsageError(f"EXPIRES={text}: that day is not to come any more")
    return day.isoformat()


def given(only: str | None, archive: str | None, kind: str | None, expires: str | None, full: str | None,
          quiet: str | None, move: str | None, open_: str | None, unverified: str | None) -> dict[str, str]:
    """Return the variables of make that a clone which broke off has to be called with again."""
    words = {"ONLY": only, "ARCHIVE": archive, "KIND": kind, "EXPIRES": expires, "FULL": full, "QUIET": quiet,
             "MOVE": move, "OPEN": open_, "UNVERIFIED": unverified}
    return {name: text for name, text in words.items() if text}
