"""Which commit of a branch is meant: by its name (REVISION=), or the newest that is old enough (LAG=3d).

The age of a commit is the time since it was committed; when it came to the branch's server is not on record.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from scripts.code import history, mirror, sources
from scripts.code.history import Commit
from scripts.code.sources import Offer
from scripts.code.words import RELEASE, Word
from scripts.errors import HostError, UsageError
from scripts.registry.instance import DAYS_IN
from scripts.registry.settings import Settings

LAG = re.compile(r"([1-9]\d{0,3})([dwm])", re.ASCII)
HEXADECIMAL = re.compile(r"[0-9a-f]{4,64}")
LOOK_BACK = (timedelta(days=90), None)  # what is looked for is rarely older; the whole past takes a minute to fetch


def resolve(settings: Settings, word: Word, revision: str, lag: str, verb: str) -> str:
    """Return the commit of a branch or of trunk that REVISION= or LAG= means, in full; nothing when neither is given.

    Raises UsageError for words that cannot be meant, HostError when GIT_REMOTE cannot tell. It is asked in a dry run
    too.
    """
    if not revision and not lag:
        return ""
    refuse(word, revision, lag)
    branch = _branch(settings, word)
    if lag:
        return _old_enough(settings, word, branch, lag, verb)
    return _named(settings, word, branch, revision, verb)


def refuse(word: Word, revision: str, lag: str) -> None:
    """Raise UsageError for REVISION= and LAG= that cannot go with a version word."""
    given = f"REVISION={revision}" if revision else f"LAG={lag}"
    if revision and lag:
        raise UsageError(f"REVISION={revision} LAG={lag}: give one of them: each says which commit is taken")
    if (revision or lag) and word.kind == RELEASE:
        raise UsageError(f"{given}: {word} is a release, which stays what it is; REVISION and LAG choose among the "
                         f"commits of a branch, as in {word.numbers[0]}.x, or of trunk")
    if lag:
        distance(lag)


def distance(lag: str) -> timedelta:
    """Return how old LAG= wants a commit to be."""
    found = LAG.fullmatch(lag)
    if not found:
        raise UsageError(f"LAG={lag}: expected days, weeks or months, as in 3d, 2w, 1m")
    return timedelta(days=int(found[1]) * DAYS_IN[found[2]])


def between(settings: Settings, word: Word, good: str, bad: str, verb: str) -> list[Commit]:
    """Return the commits of a branch after good up to bad, the oldest first; raise UsageError when bad is not later."""
    line, places = _line_with(settings, word, {good, bad}, verb)
    for name, commit in (("GOOD", good), ("BAD", bad)):
        if commit not in places:
            raise UsageError(f"{name}={commit[:12]}: came to {word} by a merge, or not at all: the branch never was "
                             "what it is. Give the commit that merged it")
    if places[bad] >= places[good]:
        raise UsageError(f"BAD={bad[:12]} is not later on {word} than GOOD={good[:12]}")
    return line[places[bad]:places[good]][::-1]


def is_older(settings: Settings, word: Word, commit: str, present: str, verb: str) -> bool:
    """Tell whether a commit came to a branch before another one; False when the branch never was one of them."""
    _, places = _line_with(settings, word, {commit, present}, verb)
    return {commit, present} <= places.keys() and places[commit] > places[present]


def _line_with(settings: Settings, word: Word, wanted: set[str], verb: str) -> tuple[list[Commit], dict[str, int]]:
    """Return the commits of a branch, the newest first, far enough back for these if it has them; and their places."""
    branch = _branch(settings, word)
    for back in LOOK_BACK:
        line = history.line(settings, branch.place, branch.commit, back and datetime.now(UTC) - back, verb)
        places = {one.id: number for number, one in enumerate(line)}
        if wanted <= places.keys():
            break
    return line, places


def newest_before(line: Iterable[Commit], moment: datetime) -> Commit | None:
    """Return the newest commit that is not younger than a moment, and has nothing younger before it.

    line has the newest first. A commit whose clock was wrong may look old and stand on young ones.
    """
    found = None
    for one in line:
        if one.moment > moment:
            found = None
        elif found is None:
            found = one
    return found


def matching(ids: Iterable[str], start: str) -> list[str]:
    """Return the commits whose name begins with these characters."""
    return [one for one in ids if one.startswith(start)]


def _branch(settings: Settings, word: Word) -> Offer:
    if not settings.git_remote:
        raise HostError(f"{word}: commits come from GIT_REMOTE, and conf/settings.env says there is none")
    offer = next((one for one in sources.of_git(settings) if one.word == word), None)
    if offer is None:
        raise HostError(f"{settings.git_remote} (GIT_REMOTE): has no branch {word}. What can be had says: "
                        "make versions")
    return offer


def _old_enough(settings: Settings, word: Word, branch: Offer, lag: str, verb: str) -> str:
    moment = datetime.now(UTC) - distance(lag)
    for back in LOOK_BACK:
        line = history.line(settings, branch.place, branch.commit, back and moment - back, verb)
        if found := newest_before(line, moment):
            return found.id
    raise UsageError(f"LAG={lag}: no commit of {word} is that old")


def _named(settings: Settings, word: Word, branch: Offer, revision: str, verb: str) -> str:
    """Return the commit of a tag, or the one of the branch whose name begins like that."""
    tags = {ref.removeprefix("refs/tags/"): commit for ref, commit in mirror.remote_refs(settings).items()
            if ref.startswith("refs/tags/")}
    tagged = tags.get(revision) or tags.get(f"tags/{revision}")
    if tagged:
        return tagged
    if not HEXADECIMAL.fullmatch(revision.lower()):
        raise UsageError(f"REVISION={revision}: is no tag of GIT_REMOTE, and no commit: expected 4 to 40 of the "
                         "characters 0-9 and a-f")
    return _of_branch(settings, word, branch, revision.lower(), verb)


def _of_branch(settings: Settings, word: Word, branch: Offer, start: str, verb: str) -> str:
    is_whole = len(start) == len(branch.commit)
    # Whether a shortened name means one commit alone, only the whole past tells.
    for back in LOOK_BACK if is_whole else LOOK_BACK[-1:]:
        since = back and datetime.now(UTC) - back
        if found := matching(history.ids(settings, branch.place, branch.commit, since, verb), start):
            break
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"REVISION={start}: {len(found)} commits of {word} begin like that, as in {found[0][:16]} and "
                         f"{found[1][:16]}. Give more of it")
    raise UsageError(f"REVISION={start}: no commit of {word} begins like that")
