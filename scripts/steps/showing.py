"""Which shows there are, whose, and in what state: throw-away Tikis on this machine, a file each under var/shows/.

A show is no instance: nothing of it stands in instances.d/.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from scripts.errors import BusyError, RefusedError, UsageError
from scripts.hosts.local import MANAGER
from scripts.present import prompts
from scripts.registry import locks
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
from scripts.steps import showing_places as places

# The words of the old Show server, which its Tiki field understands. FAIL is told and never written: a run that was
# killed could not.
NONE, BUILD, ACTIVE, SNAPSHOT = "NONE", "BUILD", "ACTIV", "SNAPS"
DESTROY, MAINTENANCE, FAILED = "DESTR", "MAINT", "FAIL"

ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # one label of a host's name
ISSUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,19}", re.ASCII)
USER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@ -]{0,38}[A-Za-z0-9])?", re.ASCII)
SPAN = re.compile(r"([1-9]\d{0,3})([hdw])", re.ASCII)
HOURS_IN = {"h": 1, "d": 24, "w": 7 * 24}
USER_PART = 24             # characters of an id; with issue and random word it stays below the 63 of a label
MOST_NAMED = 20            # ids in one message
WAIT_SECONDS = 20          # for another run that is at the list: that takes it milliseconds


@dataclass(frozen=True)
class Show:
    """One show as its file says. version is the word it was asked for, tiki what its code says it is.

    state is what a run began last, begun when; pid is that run's, 0 once it came to its end. viewer is the guard's
    `login:hash`, base what it was made from, database the name of its
    database and account. Moments are UTC in ISO form.
    """

    id: str
    state: str
    version: str = ""
    tiki: str = ""
    base: str = ""
    issue: str = ""
    user: str = ""
    made: str = ""
    expires: str = ""
    viewer: str = ""
    database: str = ""
    snapshot: str = ""
    pid: int = 0
    begun: str = ""
    reason: str = ""

    @property
    def is_at_work(self) -> bool:
        """Whether the run that wrote the state still lives; its number may have been given to another since."""
        try:
            started = psutil.Process(self.pid).create_time() if self.pid else None
        except psutil.Error:
            return False
        return started is not None and started <= datetime.fromisoformat(self.begun).timestamp()

    @property
    def told_state(self) -> str:
        """Return the state as it is told: what a run did not bring to its end has failed, but for a snapshot."""
        if self.state == ACTIVE or self.is_at_work:
            return self.state
        return ACTIVE if self.state == SNAPSHOT else FAILED

    def is_due(self, moment: datetime) -> bool:
        """Whether it has expired, or was never whole."""
        if self.is_at_work:
            return False
        return self.state == BUILD or not self.expires or datetime.fromisoformat(self.expires) <= moment


def all_of(settings: Settings) -> list[Show]:
    """Return every show, by id."""
    return [_read(path) for path in sorted(_folder(settings).glob("*.json")) if ID.fullmatch(path.stem)]


def read(settings: Settings, show_id: str) -> Show:
    """Return one show; raise UsageError that names the known ones."""
    if not ID.fullmatch(show_id) or not _path(settings, show_id).exists():
        raise UsageError(f"there is no show {show_id!r}; {_known([one.id for one in all_of(settings)])}")
    return _read(_path(settings, show_id))


def named(settings: Settings, wanted: str | None) -> str:
    """Return the id that ID= means; at a terminal a missing one is a numbered choice."""
    known = [one.id for one in all_of(settings)]
    if wanted:
        return read(settings, wanted).id
    if not known or not prompts.can_ask():
        raise UsageError(f"ID= is missing: which show? {_known(known)}")
    return known[prompts.choose("ID", known)]


def find(settings: Settings, issue: str, user: str) -> Show | None:
    """Return the show of a user for an issue; without an issue each one is another."""
    return next((one for one in all_of(settings) if issue and (one.issue, one.user) == (issue, user)), None)


def write(settings: Settings, show: Show) -> None:
    """Put a show's file in place, at once."""
    MANAGER.make_folder(str(_folder(settings)), 0o700)
    MANAGER.write(str(_path(settings, show.id)), json.dumps(asdict(show), indent=1).encode(), 0o600)


def change(settings: Settings, show_id: str, **changes: object) -> Show:
    """Write other values into a show's file; return the show."""
    changed = replace(read(settings, show_id), **changes)
    write(settings, changed)
    return changed


def forget(settings: Settings, show_id: str) -> None:
    """Remove a show's file: nothing of it is left."""
    MANAGER.remove(str(_path(settings, show_id)))


def begin(settings: Settings, show_id: str, state: str, reason: str = "") -> Show:
    """Write that this run has begun something with a show."""
    return change(settings, show_id, state=state, reason=reason, pid=os.getpid(), begun=now().isoformat())


def active(settings: Settings, show_id: str, **changes: object) -> Show:
    """Write that a show is whole, and nobody is at it."""
    return change(settings, show_id, state=ACTIVE, pid=0, reason="", **changes)


def lock(show_id: str) -> Lock:
    """The lock to hold while a show is changed. A dot is in no instance's name."""
    return Lock(f"{show_id}.show", exclusive=True)


@contextmanager
def working(settings: Settings, show_id: str, state: str, reason: str, *, mends: bool = False) -> Iterator[Show]:
    """Hold a show in a state while the block works on it; it is active again at the end, and failed after a fault.

    Only a block that mends takes one that has failed. Raises BusyError when another run works on it.
    """
    with locks.hold(settings, [lock(show_id)], f"show-{reason}"):
        before = read(settings, show_id)  # it may have gone, or broken, meanwhile
        if before.told_state != ACTIVE and not mends:
            raise RefusedError(f"{show_id}: {before.reason or 'its making'} did not come to its end. Nothing was "
                               f"changed. Next: make show-reset ID={show_id}, or make show-destroy ID={show_id}")
        try:
            yield begin(settings, show_id, state, reason)
        except BaseException:
            change(settings, show_id, pid=0)
            raise
        active(settings, show_id)


@contextmanager
def listing(settings: Settings) -> Iterator[None]:
    """Hold the list of shows for a moment; wait for a run that holds it too."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        held = locks.hold(settings, [Lock("list.shows", exclusive=True)], "show")
        try:
            held.__enter__()
            break
        except BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    try:
        yield
    finally:
        held.__exit__(None, None, None)


def new_id(settings: Settings, issue: str, user: str, random_word: str) -> str:
    """Return the id of a new show: USER-ISSUE, with a random word where one of them is missing or that is taken.

    Two users whose names differ in signs alone (Ann.Lee, ann-lee) would have the same.
    """
    words = [part for part in (_label(user)[:USER_PART].strip("-"), _label(issue)) if part]
    wanted = "-".join(words) or "show"
    is_free = not _path(settings, wanted).exists() and not places.home(settings, wanted).exists()
    return wanted if len(words) == 2 and is_free else f"{wanted}-{random_word}"


def check_owner(issue: str, user: str) -> None:
    """Raise UsageError for an issue or a user of another form."""
    if issue and not ISSUE.fullmatch(issue):
        raise UsageError(f"FOR={issue}: expected an issue's number or word: letters, digits, dashes, at most 20")
    if user and not USER.fullmatch(user):
        raise UsageError(f"FOR_USER={user}: expected a user's name: letters, digits, blanks and ._@-, at most 40")


def lifetime(text: str) -> timedelta:
    """Return what EXPIRES= means; raise UsageError for anything else."""
    found = SPAN.fullmatch(text)
    if not found:
        raise UsageError(f"EXPIRES={text}: expected hours, days or weeks, as in 12h, 7d, 2w")
    return timedelta(hours=int(found[1]) * HOURS_IN[found[2]])


def now() -> datetime:
    return datetime.now(UTC)


def told(settings: Settings, show: Show) -> dict[str, object]:
    """Return what may be told of a show to anybody; no hash is in it."""
    address = places.url(settings, show.id)
    return {"id": show.id, "state": show.told_state, "version": show.version, "tiki": show.tiki, "for": show.issue,
            "user": show.user, "url": address, "made": show.made, "expires": show.expires,
            "snapshot": f"{address}snapshots/" if show.snapshot else "", "reason": show.reason}


def _known(ids: list[str]) -> str:
    return f"known: {', '.join(ids[:MOST_NAMED])}" if ids else "there is none yet. Next: make show VERSION=24.x"


def _label(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _folder(settings: Settings) -> Path:
    return settings.state / "shows"


def _path(settings: Settings, show_id: str) -> Path:
    return _folder(settings) / f"{show_id}.json"


def _read(path: Path) -> Show:
    try:
        return replace(Show(**json.loads(path.read_text(encoding="utf-8"))), id=path.stem)
    except (OSError, ValueError, TypeError):
        # Not BUILD: what may have been whole is not taken away without a last snapshot.
        return Show(path.stem, MAINTENANCE, reason="its file cannot be read")
