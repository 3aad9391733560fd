"""make doctor: everything that could hurt at night, looked at now; each finding with the command that mends it.

Reads only and holds no lock. What stops one instance's checks is a finding of that instance; the others go on.
"""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain

from scripts.errors import Fault, Findings
from scripts.health import (
    archives,
    copies,
    env_files,
    finding,
    leftovers,
    manager,
    mends,
    reach,
    sharing,
    shows,
    silence,
    site,
    unattended,
    web,
)
from scripts.health.finding import Checked, Finding, Wrong, told
from scripts.health.reach import Reached
from scripts.hosts import process, shared
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings


def doctor(settings: Settings, names: list[str], at_once: int = 1) -> None:
    """Check the manager and these instances, and tell what was found; raise Findings when that is anything.

    at_once is how many instances are looked at at the same time; they are told of in the order of their names.
    """
    findings: list[Finding] = []
    shared.remember_refusals()
    for checked in _everything(settings, names, at_once):
        _tell(checked)
        findings += checked.findings
    output.show_json([asdict(one) for one in findings])
    if findings:
        places = ", ".join(dict.fromkeys(one.instance for one in findings))
        lines = (f"{one.instance}: {one.check}: {one.problem}. Next: {one.next}" for one in findings)
        raise Findings(f"{len(findings)} finding{'s' if len(findings) > 1 else ''}: {places}", details="\n".join(lines))


def _everything(settings: Settings, names: list[str], at_once: int) -> Iterator[Checked]:
    yield from manager.checks(settings)
    yield from leftovers.checks(settings)
    yield from unattended.checks(settings)
    yield from shows.checks(settings)
    yield silence.checks(settings)
    yield from env_files.checks(settings, names)
    instances = {one.name: one for one in env_files.readable(settings, names)}
    reached = {name: Reached() for name in instances}
    if at_once > 1 and len(instances) > 1:
        jobs = (lambda one=one: list(_of_instance(one, reached[one.name])) for one in instances.values())
        yield from chain.from_iterable(process.side_by_side(*jobs, at_once=min(at_once, len(instances))))
    else:
        for name, instance in instances.items():
            yield from _of_instance(instance, reached[name])
    yield sharing.checks(instances, {name: known.database for name, known in reached.items() if known.database})


def _of_instance(instance: Instance, reached: Reached) -> Iterator[Checked]:
    seen: list[Checked] = []
    try:
        for checked in _at_host(instance, reached):
            seen.append(checked)
            yield checked
    except Fault as fault:  # the connection broke between two questions
        yield finding.checked(instance.name, "host", [Wrong(told(fault, instance.name), mends.reach_by_hand(instance))])
    if copy := copies.check(instance):
        yield copy
    if archives.are_owed(instance):
        yield archives.check(instance)
    if instance.web_url:
        yield web.check(instance, is_closed=any(one.check == "maintenance page" and one.findings for one in seen))


def _at_host(instance: Instance, reached: Reached) -> Iterator[Checked]:
    yield from reach.checks(instance, reached)
    if reached.is_there:
        yield from site.checks(instance, reached)


def _tell(checked: Checked) -> None:
    if not checked.findings:
        output.say(f"ok       {checked.place}: {checked.check}")
    for one in checked.findings:
        # An unattended run says nothing but what is wrong.
        tell = output.warn if output.manner.is_quiet else output.say
        tell(f"finding  {one.instance}: {one.check}: {one.problem}. Next: {one.next}")
