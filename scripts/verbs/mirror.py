"""make mirror: keeps a site what another one was some time ago, from that one's archives.

The newest archive that is old enough is taken, never a newer one. Neither the site that is followed nor its host is
needed for that. Where the mirror shows that archive already, nothing is done.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from scripts.errors import Fault, Findings, UsageError
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry import change, locks, registry, schema
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
from scripts.steps import changed, cloning_guards, lineage, restoring, site
from scripts.steps.cloning import Manner
from scripts.steps.site import Site
from scripts.store import archive, choosing
from scripts.store.archive import Archive
from scripts.verbs import clone

KIND = "before"
NOWHERE = "/nonexistent"  # Debian's name for a folder that never is
DELAY = schema.keys(Instance)["MIRROR_DELAY"].metadata


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for; source and delay are the env file's where they are empty."""

    source: str = ""
    delay: str = ""
    confirm: str = ""
    may_be_open: bool = False
    discards: bool = False
    is_forced: bool = False


def targets(settings: Settings, wanted: str) -> str:
    """Return the names that TO= means, with commas; at a terminal a missing one is chosen."""
    known = registry.names(settings)
    if not wanted and known and prompts.can_ask():
        return known[prompts.choose("TO", known)]
    if not wanted:
        raise UsageError(f"TO= is missing: which instance shall show the past? {registry.known_names(settings)}")
    try:
        return ",".join(registry.select(settings, wanted))
    except UsageError as fault:
        raise UsageError(str(fault).replace("INSTANCE=", "TO=")) from fault


def mirror(target: Instance, wishes: Wishes) -> dict[str, object]:
    """Make target what the instance it follows was, and return what is to be told of it; "finding" is what is wrong."""
    target, source = _following(target, wishes)
    as_clone = clone.Wishes(Manner(kind=KIND), target.name, discards=wishes.discards, may_be_open=wishes.may_be_open,
                            verb="mirror", given=_given(target, wishes))
    cloning_guards.refuse_by_name(source, target, wishes.confirm, is_of_archive=True)
    clone.refuse_open(source, target, as_clone)
    archives, now = archive.of_instance(target.settings, source.name), datetime.now(UTC)
    chosen = choosing.newest_before(archives, now - target.mirror_distance)
    with site.opened_target(target) as found:
        cloning_guards.refuse_never_cloned(found, wishes.confirm)
        is_done = bool(chosen) and not wishes.is_forced and _shows(found, chosen)
    # From now on retention keeps what the mirror needs, also where it has to wait for that.
    change.set_values(target.settings, target.name,
                      {"MIRROR_OF": target.mirror_of, "MIRROR_DELAY": target.mirror_delay})
    if chosen and not is_done:
        with locks.hold(target.settings, [Lock(chosen.path.name, exclusive=False)], "mirror"):
            clone.clone(source, target, replace(as_clone, archive=chosen.path.name))
    finding = _finding(target, archives, chosen, now)
    _tell(target, chosen, is_done, finding)
    return {"instance": target.name, "source": source.name, "delay": target.mirror_delay,
            "archive": chosen.path.name if chosen else "", "moment": chosen.shows.isoformat() if chosen else "",
            "made": bool(chosen) and not is_done and not process.conduct.dry_run, "finding": finding}


def fail(rows: list[dict[str, object]]) -> None:
    """Raise Findings when one of these mirrors does not show what it should."""
    off = [str(row["instance"]) for row in rows if row["finding"]]
    if off:
        raise Findings(f"{len(off)} finding{'s' if len(off) > 1 else ''}: {', '.join(off)}")


# What is meant

def _following(target: Instance, wishes: Wishes) -> tuple[Instance, Instance]:
    """Return the target as its env file will describe it, and the instance it follows; raise UsageError."""
    name = wishes.source or target.mirror_of or _asked_source(target)
    delay = wishes.delay or target.mirror_delay or _asked_delay(target)
    _check_delay(delay)
    source = _source(target.settings, name)
    return target.with_(mirror_of=name, mirror_delay=delay), source


def _asked_source(target: Instance) -> str:
    known = [name for name in registry.names(target.settings) if name != target.name]
    if not known or not prompts.can_ask():
        raise UsageError(f"FROM= is missing: whose past shall {target.name} show? "
                         f"{registry.known_names(target.settings)}")
    return known[prompts.choose(f"FROM: whose past shall {target.name} show", known)]


def _asked_delay(target: Instance) -> str:
    if not prompts.can_ask():
        raise UsageError(f"DELAY= is missing: how far behind shall {target.name} stay? {DELAY['wants']}")
    return prompts.ask(f"DELAY: how far behind shall {target.name} stay ({DELAY['wants']})", "1d", _check_delay)


def _check_delay(delay: str) -> None:
    if not re.fullmatch(DELAY["pattern"], delay):
        raise UsageError(f"DELAY={delay}: expected {DELAY['wants']}")


def _source(settings: Settings, name: str) -> Instance:
    """Return the instance that is followed; where its env file is gone, a name that its archives go by."""
    registry.check_name(name)
    if name in registry.names(settings) or not archive.of_instance(settings, name):
        return registry.load(settings, name)
    output.say(f"{name}: has no env file any more; its archives are here")
    return Instance(name=name, settings=settings, web_root=f"{NOWHERE}/{name}")


def _given(target: Instance, wishes: Wishes) -> dict[str, str]:
    """Return the variables of make that a mirror which broke off is called with again, besides FROM and TO."""
    words = {"DELAY": target.mirror_delay, "OPEN": "yes" if wishes.may_be_open else ""}
    return {name: text for name, text in words.items() if text}


# What it shows

def _shows(found: Site, chosen: Archive) -> bool:
    """Whether the mirror is what this archive made of it, and nobody has changed it since."""
    known = lineage.here(found)
    if restoring.unfinished(found.instance) or not known \
            or (known.source, known.archive) != (found.instance.mirror_of, chosen.path.name):
        return False
    try:
        return not changed.since(found)
    except Fault:
        return False  # what cannot be looked at is made anew


def _finding(target: Instance, archives: list[Archive], chosen: Archive | None, now: datetime) -> str:
    """Return what is wrong with what the mirror shows, in a sentence; nothing when it is near enough."""
    name, delay = target.mirror_of, target.mirror_distance
    oldest = choosing.oldest(archives)
    if not oldest:
        return (f"{name} has no archive that was made and verified here. The site stays as it is. Next: make backup "
                f"INSTANCE={name}, each night: {_kept(target)}")
    if not chosen:
        return (f"no archive of {name} is {target.mirror_delay} old yet: the oldest shows {output.local(oldest.shows)}."
                f" The site stays as it is. It will work from {output.local(oldest.shows + delay)} on; until then make "
                f"backup INSTANCE={name} each night: {_kept(target)}")
    off, tolerated = now - delay - chosen.shows, choosing.tolerated(delay, archives)
    if off <= tolerated:
        return ""
    return (f"shows {name} {output.days(now - chosen.shows)} ago, {output.days(off)} more than {target.mirror_delay}; "
            f"{output.days(tolerated)} are tolerated, and no archive lies nearer. {_nearer(target, archives, now)}")


def _nearer(target: Instance, archives: list[Archive], now: datetime) -> str:
    """Return from when on the mirror will be right, or what has to be done for that."""
    delay, name = target.mirror_distance, target.mirror_of
    coming = [one for one in archives if choosing.newest_before([one], now) and one.shows > now - delay]
    if not coming:
        return f"Next: make backup INSTANCE={name}, each night: {_kept(target)}"
    return f"The next one is old enough at {output.local(choosing.oldest(coming).shows + delay)}; {_kept(target)}"


def _kept(target: Instance) -> str:
    return (f"MIRROR_OF and MIRROR_DELAY in instances.d/{target.name}.env keep the archives that it needs, whatever "
            "KEEP says")


def _tell(target: Instance, chosen: Archive | None, is_done: bool, finding: str) -> None:
    name = target.name
    if is_done:
        output.say(f"{name}: nothing to do: it is what {chosen.path.name} says, and nobody has changed it since")
    if chosen:
        would = "would show" if process.conduct.dry_run and not is_done else "shows"
        output.say(f"{name}: {would} {target.mirror_of} as of {output.local(chosen.shows)}, "
                   f"{output.age(chosen.shows)} ago")
    if finding:
        output.warn(f"{name}: {finding}")
