"""make upgrade: another branch or release for a site, above the one it has; the rest is as with make update."""

from scripts.code import words
from scripts.code.words import Word
from scripts.errors import RefusedError, UsageError
from scripts.present import prompts
from scripts.registry.instance import Instance
from scripts.steps import confirming, updating
from scripts.steps.updating import Wishes
from scripts.tiki import probe
from scripts.tiki.probe import Probe
from scripts.tiki.version import Version
from scripts.verbs import update, versions


def upgrade(instance: Instance, version: str, wishes: Wishes) -> dict[str, object] | None:
    """Bring an instance to another version and return what is to be told of it; None in a dry run."""
    version = version or choose(instance)
    word = words.parse(version)
    confirming.refuse_unconfirmed(instance, wishes.confirm, "upgraded")
    if update.recover(instance):
        return None
    found = probe.probe(instance)
    refuse_not_above(instance, found, word)
    tree = update.tree(instance, word, wishes, "upgrade")
    if not _is_above(Version(tree.version), found):
        raise RefusedError(f"{instance.name}: {word} says that it is Tiki {tree.version}, and {instance.name} has "
                           f"{found.version}. Nothing was changed. {_instead(instance)}")
    return updating.carry_out(instance, tree, wishes, "upgrade")


def refuse_not_above(instance: Instance, found: Probe, word: Word) -> None:
    """Raise RefusedError when a version is not above the one that is there."""
    present = Version(found.version.text)
    if word.kind == words.TRUNK:
        return
    above = Version(word.text.removesuffix(".x")).base > present.base if word.kind == words.RELEASE \
        else word.numbers > present.base[:len(word.numbers)]
    if not above:
        raise RefusedError(f"{instance.name}: has Tiki {found.version}, and VERSION={word} is not above it. Nothing "
                           f"was changed. {_instead(instance)}")


def _is_above(version: Version, found: Probe) -> bool:
    return version > found.version


def _instead(instance: Instance) -> str:
    return (f"For the newest of its own series: make update INSTANCE={instance.name}; for what it was before: make "
            f"rollback INSTANCE={instance.name}")


def choose(instance: Instance) -> str:
    """Let a person choose among the versions above the present one, with the PHP each needs."""
    if not prompts.can_ask():
        raise UsageError("VERSION= is missing: a release as in 27.2, a branch as in 27.x, or trunk. What can be had "
                         f"says: make versions INSTANCE={instance.name}")
    found = probe.probe(instance)
    rows = [row for row in versions.worth_a_line(versions.versions(instance.settings, instance))
            if _would_do(instance, found, words.parse(str(row["version"])))]
    if not rows:
        raise RefusedError(f"{instance.name}: nothing above Tiki {found.version} can be had. Nothing was changed. "
                           "Next: make versions")
    lines = [f"{row['version']}  needs PHP {row['php']}; {instance.name} has PHP {row['host_php'] or 'none'}: "
             f"{row['suits']}" for row in rows]
    return str(rows[prompts.choose("Which version", lines)]["version"])


def _would_do(instance: Instance, found: Probe, word: Word) -> bool:
    try:
        refuse_not_above(instance, found, word)
        return True
    except RefusedError:
        return False
