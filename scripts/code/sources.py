"""What can be had, and from where: RELEASES_DIR, RELEASES_URL, GIT_REMOTE, or what the mirror holds already."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from scripts.code import download, mirror, words
from scripts.code.words import RELEASE, Word
from scripts.errors import ArchiveError, CommandError, Fault, HostError
from scripts.registry.settings import Settings

DIR, URL, GIT, MIRROR, SOURCE = "dir", "url", "git", "mirror", "source"
ENDINGS = (".tar.zst", ".tar.gz", ".tgz", ".tar.bz2", ".zip")  # the quickest to open first
FILE = re.compile(r"tiki(?:wiki)?-(\d+(?:\.\d+)+)(" + "|".join(map(re.escape, ENDINGS)) + ")")
# Branches and tags as Tiki's own repository has them; its tags came from subversion.
REF = re.compile(r"refs/(?:heads|tags)/(?:tags/|branches/)?([^/]+)")


@dataclass(frozen=True)
class Offer:
    """One version at one place: a path, an address, or the name of a ref with the commit it stands for."""

    word: Word
    origin: str
    place: str
    commit: str = ""


Look = Callable[[Settings], list[Offer]]
T = TypeVar("T")


def of_folder(settings: Settings) -> list[Offer]:
    """Return the release files in RELEASES_DIR; none when there is no such setting."""
    if not settings.releases_dir:
        return []
    folder = settings.place(settings.releases_dir)
    if not folder.is_dir():
        raise HostError(f"{folder} (RELEASES_DIR): there is no such folder")
    return _files(DIR, {str(path): path.name for path in folder.iterdir()})


def of_page(settings: Settings) -> list[Offer]:
    """Return the release files that RELEASES_URL links to; raise HostError when it cannot be read."""
    linked = download.links(settings.releases_url) if settings.releases_url else []
    return _files(URL, {address: download.name_of(address) for address in linked})


def of_git(settings: Settings) -> list[Offer]:
    """Return branches and releases of GIT_REMOTE; raise HostError when it cannot be reached."""
    return _refs(GIT, mirror.remote_refs(settings)) if settings.git_remote else []


def of_git_before(settings: Settings) -> list[Offer]:
    """Return branches and releases of GIT_REMOTE as they were when it was asked last, without asking it."""
    return _refs(GIT, mirror.known_refs(settings)) if settings.git_remote else []


def of_mirror(settings: Settings) -> list[Offer]:
    """Return what was fetched before: it can be had without a network."""
    return _refs(MIRROR, mirror.own_refs(settings))


def everything(settings: Settings) -> tuple[list[Offer], list[str]]:
    """Return all offers, and for each place that could not be asked the sentence that says why."""
    offers, problems = [], []
    for look in (of_folder, of_page, of_git, of_mirror):
        try:
            offers += look(settings)
        except Fault as fault:
            problems.append(str(fault))
    return offers, problems


def first(settings: Settings, word: Word, use: Callable[[Offer], T], tell: Callable[[str], None]) -> T:
    """Return what use makes of the first offer that works; the places that did not are told then.

    A release is the same everywhere: the nearest place counts. Of a branch the newest code is wanted: git, and
    only without it the newest release of that series.
    """
    problems: list[str] = []
    for offer in _offers(settings, word, problems):
        try:
            used = use(offer)
        except (HostError, CommandError, ArchiveError) as fault:
            problems.append(str(fault))
            continue
        for problem in problems:
            tell(f"{word}: {problem}")
        if offer.word != word:
            tell(f"{word}: the branch cannot be had: its newest release is taken, {offer.word}")
        elif offer.origin == MIRROR and word.kind != RELEASE:
            tell(f"{word}: taken as it was fetched last, commit {offer.commit[:12]}")
        return used
    raise HostError(f"{word} cannot be had: {'; '.join(problems) or 'no place offers it'}. "
                    "What can be had says: make versions")


def _offers(settings: Settings, word: Word, problems: list[str]) -> Iterator[Offer]:
    near_first = (of_folder, of_mirror, of_page, of_git) if word.kind == RELEASE else (of_git, of_mirror)
    for look in near_first:
        yield from (offer for offer in _asked(look, settings, problems) if offer.word == word)
    if word.kind == words.BRANCH:
        files = [offer for look in (of_folder, of_page) for offer in _asked(look, settings, problems)]
        best = words.newest((offer.word for offer in files), word)
        yield from (offer for offer in files if offer.word == best)


def _asked(look: Look, settings: Settings, problems: list[str]) -> list[Offer]:
    try:
        return look(settings)
    except (HostError, CommandError) as fault:
        problems.append(str(fault))
        return []


def _files(origin: str, names: dict[str, str]) -> list[Offer]:
    """Return the release files among places, whose names are given."""
    found = [(FILE.fullmatch(name), place) for place, name in names.items()]
    ordered = sorted((name for name in found if name[0]), key=lambda one: (ENDINGS.index(one[0][2]), one[1]))
    return [Offer(words.parse(name[1]), origin, place) for name, place in ordered]


def _refs(origin: str, refs: dict[str, str]) -> list[Offer]:
    found = [(REF.fullmatch(ref), ref, commit) for ref, commit in refs.items()]
    known = [(words.understood(name[1]), ref, commit) for name, ref, commit in found if name]
    # A branch named as a release, or a tag named as a branch, is neither.
    return [Offer(word, origin, ref, commit) for word, ref, commit in known
            if word and (word.kind == RELEASE) == ref.startswith("refs/tags/")]


def given(settings: Settings, word: Word, source: str) -> Offer:
    """Return the offer that SOURCE= is; raise HostError when there is nothing."""
    path = settings.top / Path(source).expanduser()
    if not path.exists():
        raise HostError(f"{path} (SOURCE): there is no such file or folder")
    if path.is_file() and not path.name.endswith(ENDINGS):
        raise ArchiveError(f"{path} (SOURCE): expected a folder or a file that ends with {', '.join(ENDINGS)}")
    return Offer(word, SOURCE, str(path))
