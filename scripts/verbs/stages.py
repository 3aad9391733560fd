"""make stages: which site is derived from which, as a tree. Asks no host: it works when one of them is down."""

from collections.abc import Mapping
from datetime import date

from scripts.errors import Fault
from scripts.present import output, tree
from scripts.registry import registry, relations
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import known_version, lineage, quieting, restoring

COLUMNS = {"tree": "SITE", "stage": "STAGE", "kind": "KIND", "version": "VERSION", "data_of": "DATA OF", "age": "AGE",
           "expires": "EXPIRES", "problem": "PROBLEM"}


def stages(settings: Settings) -> list[dict[str, object]]:
    """Return a row an instance, those derived from it below it; what is wrong with its relations is its problem."""
    known, problems = _read(settings)
    above = {name: _above(one) for name, one in known.items()}
    children = {name: [other for other in known if above[other] == name] for name in known}
    roots = [name for name in known if above[name] not in known]
    roots += [name for name in known if name not in tree.drawn(children, roots)]  # circles: nobody is above all
    lines = tree.drawn(children, roots)
    rows = [{"tree": line, **_row(known[name], known)} for name, line in lines.items()]
    return rows + [{"tree": name, "name": name, "problem": problem} for name, problem in problems.items()]


def _read(settings: Settings) -> tuple[dict[str, Instance], dict[str, str]]:
    """Return the instances, and what is wrong with env files that cannot be read."""
    known, problems = {}, {}
    for name in registry.names(settings):
        try:
            known[name] = registry.load(settings, name)
        except Fault as fault:
            problems[name] = str(fault)
    return known, problems


def _above(instance: Instance) -> str:
    """Return the instance that this one hangs on."""
    return instance.parent or instance.mirror_of


def _row(instance: Instance, known: Mapping[str, Instance]) -> dict[str, object]:
    made = lineage.read(instance)
    return {"name": instance.name, "parent": instance.parent, "mirror_of": instance.mirror_of, "stage": instance.stage,
            "kind": _kind(instance), "version": known_version.newest(instance), "data_of": made.source if made else "",
            "moment": made.moment.isoformat() if made else "", "age": output.age(made.moment) if made else "",
            "expires": instance.expires, "muted": quieting.is_muted(instance), "protected": instance.guarded,
            "problem": "; ".join(_problems(instance, known))}


def _kind(instance: Instance) -> str:
    mirrored = f"mirror {instance.mirror_delay}".strip() if instance.mirror_of else ""
    return ", ".join(filter(None, (instance.kind, mirrored)))


def _problems(instance: Instance, known: Mapping[str, Instance]) -> list[str]:
    """Return what is wrong with an instance's relations, in words."""
    found = []
    for key, other in (("PARENT", instance.parent), ("MIRROR_OF", instance.mirror_of)):
        if other and other not in known:
            found.append(f"{key}={other}: there is no such instance")
    way = _way_up(instance, known)
    if instance.name in way:
        found.append(f"circle: {' -> '.join([instance.name, *way])}")
    elif instance.parent in known and relations.is_above(instance, known[instance.parent]):
        found.append(f"its stage is above the one of its PARENT, {relations.staged(known[instance.parent])}")
    if instance.expires and date.fromisoformat(instance.expires) <= date.today():
        found.append("it has expired")
    if note := restoring.unfinished(instance):
        found.append(f"{note.what} did not come to its end")
    return found


def _way_up(instance: Instance, known: Mapping[str, Instance]) -> list[str]:
    """Return the names above an instance, nearest first, up to itself, one that comes again, or the last known one."""
    way: list[str] = []
    name = _above(instance)
    while name in known and name not in way:
        way.append(name)
        if name == instance.name:
            break
        name = _above(known[name])
    return way
