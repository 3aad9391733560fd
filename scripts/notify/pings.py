"""Pings in the manner of healthchecks.io: a watcher elsewhere hears of each unattended run, and misses silent ones.

PING_FILE has lines `WHAT ADDRESS`; WHAT is a crontab line's id (CRON=), a verb, or `all`; the first of these that is
there counts. The address itself is pinged at success, ADDRESS/start, ADDRESS/fail and ADDRESS/log at the rest.
Source: healthchecks.io, "Pinging API".
"""

import http.client
import urllib.error
import urllib.request
import uuid

from scripts.errors import RegistryError
from scripts.notify import secrets
from scripts.registry.runs import Run
from scripts.registry.settings import Settings

START, SUCCESS, FAIL, LOG = "/start", "", "/fail", "/log"
TIMEOUT = 10            # seconds
MOST_BYTES = 10_000     # of a ping's body; the end of it is what counts
ALL = "all"


def ping(settings: Settings, run: Run, moment: str, text: str = "") -> str:
    """Tell the watcher of this run, if it has one; return what went wrong, never fail."""
    if not settings.ping_file:
        return ""
    try:
        address = addressed(settings, run)
        return _sent(f"{address}{moment}", run.id, secrets.hidden(settings, text)) if address else ""
    except RegistryError as fault:
        return str(fault)


def addressed(settings: Settings, run: Run) -> str:
    """Return where a run pings; nothing when no line is about it."""
    known = addresses(settings)
    return next((known[what] for what in (run.cron_id, run.verb, ALL) if what in known), "")


def addresses(settings: Settings) -> dict[str, str]:
    """Return the addresses of PING_FILE by what they are for."""
    found = {}
    for line in secrets.read_private(settings, settings.ping_file, "PING_FILE"):
        what, _, address = line.partition(" ")
        address = address.strip().rstrip("/")
        if not address.startswith(("http://", "https://")):
            raise RegistryError(f"{settings.ping_file} (PING_FILE): {what}: expected WHAT and an http address on a "
                                "line")
        found[what] = address
    return found


def test(settings: Settings) -> dict[str, str]:
    """Ping every address with a note that changes no state there; return what went wrong by what it is for."""
    return {what: _sent(f"{address}{LOG}", what, "a test of TRIM: make notify-test")
            for what, address in addresses(settings).items()}


def _sent(address: str, run_id: str, text: str) -> str:
    # rid joins start and end of one run.
    with_id = f"{address}?rid={uuid.uuid5(uuid.NAMESPACE_URL, run_id)}"
    body = text.encode("utf-8", "backslashreplace")[-MOST_BYTES:]
    try:
        with urllib.request.urlopen(urllib.request.Request(with_id, data=body), timeout=TIMEOUT) as answer:
            answer.read(1)
        return ""
    except urllib.error.HTTPError as error:
        return f"the watcher answers {error.code}"
    except urllib.error.URLError as error:
        return f"the watcher cannot be reached: {error.reason}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"the watcher cannot be reached: {type(error).__name__}"
