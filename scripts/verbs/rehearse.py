"""make rehearse: tries an update, or an upgrade, on a throw-away clone on the manager: does it migrate, does it answer,
how long does it take. The site itself is only read.
"""

import time
from dataclasses import dataclass

from scripts.code import words
from scripts.code.trees import PreparedTree
from scripts.errors import Fault
from scripts.hosts import process
from scripts.present import output
from scripts.registry import locks
from scripts.registry.instance import Instance
from scripts.steps import operators, rehearsing, requiring, site, unpacking, updating, visits
from scripts.tiki import probe
from scripts.verbs import update, upgrade


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for: a version for an upgrade, a program for PHP on the manager, what judges it."""

    version: str = ""
    code: update.Wishes = update.Wishes()
    php: str = ""
    test: str = ""


def rehearse(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Try it and return what is to be told; None in a dry run. Raises the fault that the update would end with."""
    started = time.monotonic()
    tree = _tree(instance, wishes)
    if tree is None:
        return updating.nothing(instance, str(probe.probe(instance).version))
    php = wishes.php or (instance.php if instance.host.reads_in_place else "php")
    if process.conduct.dry_run:
        output.say(f"would: clone {instance.name} into {instance.settings.work}, with a database server and {php} -S "
                   f"of its own, bring it to Tiki {tree.version}, visit it, and remove all of that")
        return None
    _warn_of_host(instance, tree, wishes.code.php_check)
    with locks.hold(instance.settings, [tree.lock], "rehearse"), rehearsing.throw_away(instance, php) as clone:
        copied = time.monotonic()
        before = visits.take(clone)
        try:
            with output.quietly():  # it would speak of the clone as of the site, and of a way back
                done = updating.carry_out(clone, tree, wishes.code, "upgrade" if wishes.version else "update")
            after = visits.take(clone)
            operators.require("rehearse", clone, wishes.test, "The site itself was not touched")
        except Fault as fault:
            raise unpacking.with_next_step(fault, "All that was on a throw-away clone, which is gone: the site itself "
                                                  "was not touched") from fault
        rehearsed = time.monotonic() - copied
    output.say(f"{instance.name}: Tiki {done['version_before']} {before}, Tiki {done['version']} {after} (median of "
               f"{visits.COUNT} visits of the rehearsal)")
    if after.problem:
        output.warn(f"{instance.name}: the rehearsal {after.problem}")
    output.say(f"{instance.name}: to Tiki {done['version']}: {len(done['updated'])} patches in "
               f"{output.duration(done['schema_seconds'])}, {output.duration(done['closed_seconds'])} under the "
               f"maintenance page, {output.duration(rehearsed)} with archive and search index; the site itself was not "
               "touched")
    told = {"answers": after.status, "milliseconds_before": before.milliseconds, "milliseconds": after.milliseconds,
            "seconds": round(time.monotonic() - started, 1)}
    return {**done, "instance": instance.name, "archive": "", **told}


def _warn_of_host(instance: Instance, tree: PreparedTree, php_check: bool) -> None:
    """Say what the site's own host lacks: the rehearsal has the manager's PHP and a database server of its own."""
    with site.opened(instance) as found:
        told = [*requiring.shortcomings(instance, found.probe, tree.version, 0, php_check),
                *requiring.server_shortcomings(found.client, tree.version)]
    for line in told:
        output.warn(f"{instance.name}: on its own host the update would be refused: {line}")


def _tree(instance: Instance, wishes: Wishes) -> PreparedTree | None:
    """Return the code that the update or the upgrade would bring; None when there is nothing newer."""
    found = probe.probe(instance)
    if wishes.version:
        word = words.parse(wishes.version)
        upgrade.refuse_not_above(instance, found, word)
    else:
        word = update.wanted(instance, found, by_commit=bool(wishes.code.revision or wishes.code.lag))
    return update.tree(instance, word, wishes.code, "rehearse") if word else None
