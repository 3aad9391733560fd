"""Asks for the name of a guarded instance before it is changed."""

from scripts.errors import RefusedError
from scripts.present import prompts
from scripts.registry.instance import Instance

GUARDED = "is guarded (STAGE=production or PROTECTED=yes"


def refuse_unconfirmed(instance: Instance, confirm: str, deed: str) -> None:
    """Raise RefusedError when a guarded instance is to be changed without its name as CONFIRM; deed as in overwritten.

    At a terminal the name is asked for.
    """
    name = instance.name
    if not instance.guarded or confirm == name:
        return
    if prompts.confirmed(name, f"{name} {GUARDED}). Type its name if it is to be {deed}"):
        return
    raise RefusedError(f"{name}: {GUARDED} in its env file) and would be {deed}. Nothing was changed. If that is "
                       f"meant: CONFIRM={name}")
