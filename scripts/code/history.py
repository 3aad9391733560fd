"""What happened on a branch, commit by commit, without any file: CACHE_DIR/history.git.

It is a repository of its own, because git leaves out trees and files only where all of a repository is like that.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.code import mirror
from scripts.errors import CommandError, HostError
from scripts.hosts import process
from scripts.registry.settings import Settings

REMOTE = "origin"
FORM = "%H%x09%ct%x09%at%x09%s"


@dataclass(frozen=True)
class Commit:
    """One commit: when it came to be (moment) and when it was written, both UTC, and its first line."""

    id: str
    moment: datetime
    written: datetime
    subject: str


def line(settings: Settings, ref: str, tip: str, since: datetime | None, verb: str) -> list[Commit]:
    """Return what a branch was, commit after commit, the newest first: what was merged into it counts as one.

    tip is its newest commit, since how far back is wanted at least, None for all.
    """
    tip = _fetch(settings, ref, tip, since, verb)
    told = process.read(mirror.git(settings, "log", "-z", "--first-parent", f"--format={FORM}", tip, "--",
                                   place=folder(settings)))
    if not told.endswith(b"\0"):
        raise CommandError("[manager] git log: its list is cut off. Try again")
    return [_commit(one.decode("utf-8", "replace")) for one in told.split(b"\0")[:-1]]


def ids(settings: Settings, ref: str, tip: str, since: datetime | None, verb: str) -> list[str]:
    """Return every commit that is part of a branch, those that were merged into it too."""
    tip = _fetch(settings, ref, tip, since, verb)
    told = process.read(mirror.git(settings, "rev-list", tip, "--", place=folder(settings)))
    if not told.endswith(b"\n"):
        raise CommandError("[manager] git rev-list: its list is cut off. Try again")
    return told.decode().split()


def folder(settings: Settings) -> Path:
    """Return the place of the repository."""
    return settings.cache / "history.git"


def _fetch(settings: Settings, ref: str, tip: str, since: datetime | None, verb: str) -> str:
    """Fetch the commits of a branch, back to a moment or all, and return the newest; who cannot leave out sends all."""
    place = folder(settings)
    there = mirror.own_refs(settings, place)
    is_complete = bool(there) and not _is_shallow(settings)
    if is_complete and there.get(ref) == tip:
        return tip
    depths = [(mirror.ENDLESS,)]
    if is_complete:
        depths = [()]  # only what is new comes
    elif since:
        # When nothing on the branch is that young, or the server knows no such question, all comes.
        depths.insert(0, (f"--shallow-since={since:%Y-%m-%dT%H:%M:%SZ}",))
    with mirror.opened(settings, place, verb):
        for key, value in ((f"remote.{REMOTE}.url", settings.git_remote), (f"remote.{REMOTE}.promisor", "true"),
                           ("core.repositoryFormatVersion", "1"), ("extensions.partialClone", REMOTE)):
            process.read(mirror.git(settings, "config", key, value, place=place))
        for number, depth in enumerate(depths, 1):
            try:
                _call(settings, "fetch", "-q", "--no-tags", "--filter=tree:0", *depth, REMOTE, f"+{ref}:{ref}")
                break
            except HostError:
                if number == len(depths):
                    raise
    if ref not in (there := mirror.own_refs(settings, place)):
        raise CommandError(f"[manager] git fetch: ended without a fault, and {ref} is not there")
    return there[ref]


def _call(settings: Settings, *words: str) -> bytes:
    command = mirror.git(settings, *words, place=folder(settings))
    return mirror.reached(settings, lambda: process.read(command))


def _is_shallow(settings: Settings) -> bool:
    answer = process.read(mirror.git(settings, "rev-parse", "--is-shallow-repository", place=folder(settings)))
    return answer.strip() != b"false"


def _commit(text: str) -> Commit:
    commit, moment, written, subject = text.split("\t", 3)
    return Commit(commit, datetime.fromtimestamp(int(moment), UTC), datetime.fromtimestamp(int(written), UTC), subject)
