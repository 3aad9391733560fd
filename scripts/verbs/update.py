"""make update: the newest code of the branch or series that a site is of, switched in within seconds, with a way back.

What a killed update left is taken back first. A site of a release gets the newest release of its series, a checkout the
tip of its branch, trunk the newest trunk.
"""

from scripts.code import revisions, sources, trees, words
from scripts.code.trees import PreparedTree
from scripts.code.words import RELEASE, TRUNK, Word
from scripts.errors import HostError, RegistryError
from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import checkouts, confirming, release_files, switch_over, updating, updating_checkout
from scripts.steps.updating import Wishes
from scripts.tiki import probe
from scripts.tiki.probe import Probe

__all__ = ["Wishes", "update"]


def update(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Bring an instance to the newest code of its own kind and return what is to be told of it; None in a dry run."""
    confirming.refuse_unconfirmed(instance, wishes.confirm, "updated")
    if recover(instance):
        return None
    found = probe.probe(instance)
    word = wanted(instance, found, by_commit=bool(wishes.revision or wishes.lag))
    if word is None:
        return updating.nothing(instance, str(found.version))
    commit = revisions.resolve(instance.settings, word, wishes.revision, wishes.lag, "update")
    if wishes.lag and _is_newer(instance, found, word, commit):
        return updating.nothing(instance, str(found.version))
    return updating.carry_out(instance, _prepared(instance, word, commit, "update"), wishes, "update")


def recover(instance: Instance) -> bool:
    """End what a killed run left, and say so; tell whether that is all that can be said in a dry run."""
    told = switch_over.recover(instance)
    if told:
        output.say(f"{instance.name}: {told}")
    return bool(told) and process.conduct.dry_run


def wanted(instance: Instance, found: Probe, by_commit: bool = False) -> Word | None:
    """Return what is the newest of a site's own kind, None when nothing as new can be had.

    by_commit asks for its branch, which has commits.
    """
    if not found.version.is_known and found.branch != TRUNK:
        raise RegistryError(f"{instance.name}: its code does not say which Tiki it is. Next: make upgrade "
                            f"INSTANCE={instance.name} VERSION=...")
    if "git" in found.checkouts and (named := words.understood(updating_checkout.branch(instance))):
        if named.kind != RELEASE:
            return named
    elif found.branch == TRUNK:
        return words.parse(TRUNK)
    series = words.parse(found.version.series)
    if by_commit or "git" in found.checkouts or not _is_of_release(found):
        return series
    return _newest(instance, series, words.parse(found.version.text))


def tree(instance: Instance, word: Word, wishes: Wishes, verb: str) -> PreparedTree:
    """Return the complete code of a version, or of the one commit that is wished for."""
    commit = revisions.resolve(instance.settings, word, wishes.revision, wishes.lag, verb)
    return _prepared(instance, word, commit, verb)


def _prepared(instance: Instance, word: Word, commit: str, verb: str) -> PreparedTree:
    return trees.prepared(instance.settings, word.text, commit=commit, verb=verb,
                          tell=lambda line: output.say(f"{instance.name}: {line}"))


def _is_newer(instance: Instance, found: Probe, word: Word, commit: str) -> bool:
    """Tell whether the site has younger code than LAG= asks for: it never goes back by itself."""
    record = release_files.read(instance)
    present = checkouts.head(instance.host, instance.web_root) if "git" in found.checkouts else \
        record.commit if record else ""
    return bool(present) and revisions.is_older(instance.settings, word, commit, present, "update")


def _is_of_release(found: Probe) -> bool:
    word = words.understood(found.version.text)
    return bool(word and word.kind == RELEASE)


def _newest(instance: Instance, series: Word, present: Word) -> Word | None:
    """Return the newest release of a series that can be had; None when only older ones can."""
    offers, problems = sources.everything(instance.settings)
    offered = [offer.word for offer in offers] + [words.of_tree(one.name) for one in
                                                  trees.all_trees(instance.settings)]
    best = words.newest([word for word in offered if word.kind == RELEASE], series)
    if best is None:
        raise HostError(f"{instance.name}: no release of {series} can be had: "
                        f"{'; '.join(problems) or 'no place offers one'}. Next: set RELEASES_DIR in conf/settings.env "
                        "to a folder of release files")
    for problem in problems:
        output.warn(f"{instance.name}: {problem}")
    return best if best.order >= present.order else None
