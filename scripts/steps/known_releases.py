"""The newest release of a Tiki's series that this toolkit has heard of. Asks nobody: it works without a network."""

from collections.abc import Iterable

from scripts.code import sources, trees, words
from scripts.errors import Fault
from scripts.registry.settings import Settings
from scripts.tiki.version import Version


def all_of(settings: Settings, versions: Iterable[str] = ()) -> list[Version]:
    """Return the releases that are known: from RELEASES_DIR, from git as it was asked last, prepared, or in use."""
    found = {one.name for one in trees.all_trees(settings)} | set(versions)
    for look in (sources.of_folder, sources.of_mirror, sources.of_git_before):
        try:
            found |= {offer.word.text for offer in look(settings)}
        except Fault:
            continue    # make doctor and make versions tell of that
    return sorted(Version(text) for text in found if (word := words.understood(text)) and word.kind == words.RELEASE)


def newest(version: str, known: Iterable[Version]) -> str:
    """Return the newest release of a version's series when it is newer than the version, else nothing."""
    mine = Version(version)
    newer = [one for one in known if mine.is_known and one.series == mine.series and one > mine]
    return str(max(newer)) if newer else ""
