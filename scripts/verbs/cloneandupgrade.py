"""make cloneandupgrade: makes a clone of a site, upgrades it to another branch or release, and says what that changed.

The rest is as with make cloneandupdate.
"""

from scripts.code import words
from scripts.registry.instance import Instance
from scripts.tiki import probe
from scripts.verbs import cloneandupdate, upgrade
from scripts.verbs.cloneandupdate import Wishes

__all__ = ["Wishes", "cloneandupgrade"]


def cloneandupgrade(source: Instance, target: Instance, version: str, wishes: Wishes) -> dict[str, object] | None:
    """Clone, upgrade the clone, and return what is to be told of it; None in a dry run.

    Raises RefusedError, before anything is cloned, for a version that is not above the source's.
    """
    version = version or upgrade.choose(source)
    upgrade.refuse_not_above(source, probe.probe(source), words.parse(version))
    return cloneandupdate.carry_out(source, target, wishes, "cloneandupgrade",
                                    lambda asked: upgrade.upgrade(target, version, asked))
