"""How instances stand to each other: stages from production down to development, and what is derived from what.

Data goes down only and code goes up only. Decides from env files; no host is asked.
"""

from scripts.errors import RefusedError, RegistryError, UsageError
from scripts.registry import registry
from scripts.registry.instance import STAGES, Instance
from scripts.registry.settings import Settings

TOP_STAGE = STAGES[0]


def is_above(one: Instance, other: Instance) -> bool:
    """Whether one's stage is above the other's.

    Where a stage is missing nothing is known, but that production is above all that is not production.
    """
    if not one.stage or not other.stage:
        return one.stage == TOP_STAGE
    return STAGES.index(one.stage) < STAGES.index(other.stage)


def parent(instance: Instance) -> Instance:
    """Return the instance that this one is derived from; raise RegistryError when that is not known."""
    name, settings = instance.name, instance.settings
    if not instance.parent:
        raise RegistryError(f"{name}: has no PARENT: which instance is it derived from? "
                            f"{registry.known_names(settings)}. Next: make edit INSTANCE={name}, and there PARENT=name")
    try:
        registry.require(settings, instance.parent)
    except UsageError as fault:
        raise RegistryError(f"{name}: PARENT={instance.parent}: {fault}. Next: make edit INSTANCE={name}") from fault
    return registry.load(settings, instance.parent)


def above(instance: Instance) -> list[str]:
    """Return the names above an instance by PARENT, nearest first, up to one that is not there or comes again."""
    settings, names = instance.settings, []
    while instance.parent and instance.parent not in names:
        names.append(instance.parent)
        if instance.parent not in registry.names(settings):
            break
        instance = registry.load(settings, instance.parent)
    return names


def refuse_circle(instance: Instance) -> None:
    """Raise RefusedError when the PARENTs of an instance lead back to it."""
    names = above(instance)
    if instance.name in names:
        way = " -> ".join([instance.name, *names[:names.index(instance.name) + 1]])
        raise RefusedError(f"{instance.name}: its PARENTs lead back to itself ({way}): nobody knows whose data is "
                           f"whose. Nothing was changed. Next: make edit INSTANCE={instance.name}")


def refuse_data_upwards(source: Instance, target: Instance) -> None:
    """Raise RefusedError when data would come from a lower stage."""
    if is_above(target, source):
        raise RefusedError(f"{target.name}: is {staged(target)}, above {source.name}, which is {staged(source)}: data "
                           f"never travels up. Nothing was changed. Is a STAGE or PARENT wrong? make edit "
                           f"INSTANCE={target.name}")


def refuse_code_downwards(source: Instance, target: Instance) -> None:
    """Raise RefusedError when code would come from a higher stage."""
    if is_above(source, target):
        raise RefusedError(f"{target.name}: is {staged(target)}, below {source.name}, which is {staged(source)}: code "
                           f"never travels down. Nothing was changed. To make it what {source.name} is: make clone "
                           f"FROM={source.name} TO={target.name}")


def staged(instance: Instance) -> str:
    """Return an instance's stage in words."""
    return instance.stage or "of no STAGE"


def named_by(settings: Settings, name: str) -> list[tuple[str, str]]:
    """Return which instances name this one, and by which key; those that cannot be read are left out."""
    found = []
    for other in registry.names(settings):
        try:
            instance = registry.load(settings, other)
        except RegistryError:
            continue
        found += [(other, key) for key, value in (("PARENT", instance.parent), ("MIRROR_OF", instance.mirror_of))
                  if value == name]
    return found
