"""Gets the code of an offer to this machine, so that it can be unpacked."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.code import download, mirror, sources, unpack
from scripts.code.sources import Offer
from scripts.code.words import Word
from scripts.errors import ArchiveError
from scripts.hosts import transfer
from scripts.hosts.local import MANAGER
from scripts.registry.settings import Settings

CHECKOUT = ("--exclude=/.git", "--exclude=/.svn")  # its history is no part of a release


@dataclass(frozen=True)
class Material:
    """Code that is here. identity is the same for the same code, empty where nobody can tell.

    unpack puts it into an empty folder.
    """

    offer: Offer
    origin: str
    identity: str
    unpack: Callable[[Path], None]


def obtain(settings: Settings, offer: Offer, verb: str) -> Material:
    """Download or fetch what is not here yet."""
    if offer.origin in (sources.GIT, sources.MIRROR):
        commit = offer.commit if offer.origin == sources.MIRROR else mirror.fetch(settings, offer.place, offer.commit,
                                                                                  verb)
        return Material(offer, f"{settings.git_remote} {offer.place}", commit,
                        lambda into: mirror.unpacked(settings, commit, into))
    if offer.origin == sources.URL:
        path = download.fetched(offer.place, settings.cache / "downloads")
        return Material(offer, offer.place, _identity(path), lambda into: _unpack_download(path, into))
    path = Path(offer.place)
    if path.is_dir():
        return Material(offer, offer.place, "", lambda into: _copy(path, into))
    return Material(offer, offer.place, _identity(path), lambda into: unpack.from_file(path, into))


def of_commit(settings: Settings, word: Word, verb: str) -> Material:
    """Fetch one commit of a branch, whatever its newest one is."""
    mirror.fetch_commit(settings, word.commit, verb)
    origin = f"{settings.git_remote} {word.commit}"
    return Material(Offer(word, sources.GIT, word.commit, word.commit), origin, word.commit,
                    lambda into: mirror.unpacked(settings, word.commit, into))


def _unpack_download(path: Path, into: Path) -> None:
    try:
        unpack.from_file(path, into)
    except ArchiveError as fault:
        download.forget(path)
        raise ArchiveError(f"{fault}. The download was removed; the next run loads it again") from fault


def _copy(source: Path, into: Path) -> None:
    # The code becomes ours, whoever it belonged to; only root can, and need.
    owner = f"{os.geteuid()}:{os.getegid()}" if os.geteuid() == 0 else None
    transfer.put(str(source), MANAGER, str(into), list(CHECKOUT), owner)


def _identity(path: Path) -> str:
    return f"sha256:{download.sha256(path)}"
