"""make cloneandupdate: makes a clone of a site, brings it to the newest code of its branch, and says what that changed.

The source is only read. The clone stays as it is, to be looked at, whatever TEST says of it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import comparing, comparing_report, differences, operators, visits
from scripts.steps.comparing import Comparison
from scripts.steps.comparing_sides import Wanted, opened
from scripts.steps.scratch import named
from scripts.steps.visits import Visits
from scripts.verbs import clone, compare, update


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for of the clone, of the update, and the command line that judges the result."""

    copy: clone.Wishes = clone.Wishes()
    code: update.Wishes = update.Wishes()
    test: str = ""


def cloneandupdate(source: Instance, target: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Clone, update the clone, and return what is to be told of it; None in a dry run."""
    return carry_out(source, target, wishes, "cloneandupdate", lambda asked: update.update(target, asked))


def carry_out(source: Instance, target: Instance, wishes: Wishes, verb: str,
              change: Callable[[update.Wishes], dict[str, object] | None]) -> dict[str, object] | None:
    """Do both; change is the update or upgrade of the clone."""
    started = time.monotonic()
    made = clone.clone(source, target, replace(wishes.copy, verb=verb))
    if made is None:
        output.say(f"would: bring {target.name} to the newer code, compare it with {source.name}, visit it"
                   + (", run TEST" if wishes.test else ""))
        return None
    before = visits.take(target)
    # Whoever agreed to its being overwritten has agreed to what comes after that.
    done = change(replace(wishes.code, confirm=target.name))
    after = visits.take(target)
    found = _compared(source, target)
    told = _told(source, target, done, (before, after), found)
    seconds = time.monotonic() - started
    output.say(f"{target.name}: cloned from {source.name} and brought to Tiki {done['version']}, in "
               f"{output.duration(seconds)}")
    operators.require(verb, target, wishes.test, f"{target.name} stays as it is, to be looked at")
    return {"clone": made, **done, **told, "seconds": round(seconds, 1)}


def _compared(source: Instance, target: Instance) -> Comparison:
    """Compare the updated clone with its source."""
    sides = [Wanted(one.name, instance=one) for one in (source, target)]
    with named(target.settings, f"compare-{target.name}") as folder, \
            opened(target.settings, sides[0], folder / "a") as a, opened(target.settings, sides[1], folder / "b") as b:
        return comparing.compare(a, b, compare.rules(sides, (a, b)))


def _told(source: Instance, target: Instance, done: dict[str, object], times: tuple[Visits, Visits],
          found: Comparison) -> dict[str, object]:
    """Say what the update changed, and return the same for programs."""
    for line in comparing_report.summary(found):
        output.say(line)
    before, after = times
    output.say(f"{target.name}: Tiki {done['version_before']} {before}, Tiki {done['version']} {after} (median of "
               f"{visits.COUNT} visits)")
    if after.problem:
        output.warn(f"{target.name}: {target.web_url} {after.problem}")
    return {"source": source.name, "differences": len(differences.found(found.differences)),
            "in_short": comparing_report.in_short(found.differences), "answers": after.status,
            "milliseconds_before": before.milliseconds, "milliseconds": after.milliseconds}
