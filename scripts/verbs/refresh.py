"""make refresh: brings a stage the data of the one it is derived from, and leaves it its code.

A clone of the data alone, from the PARENT of the env file; what is refused is that data travels up.
"""

from dataclasses import dataclass

from scripts.registry import relations
from scripts.registry.instance import Instance
from scripts.steps.cloning import Manner
from scripts.verbs import clone


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for, as of a clone."""

    confirm: str = ""
    is_full: bool = False
    discards: bool = False
    may_be_open: bool = False


def source(instance: Instance) -> Instance:
    """Return where the data comes from; raise RefusedError when it must not come from there."""
    theirs = relations.parent(instance)
    relations.refuse_circle(instance)
    relations.refuse_data_upwards(theirs, instance)
    return theirs


def refresh(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Make the data of an instance its PARENT's and return what is to be told of it; None in a dry run."""
    words = (("FULL", wishes.is_full), ("OPEN", wishes.may_be_open))
    return clone.clone(source(instance), instance, clone.Wishes(
        Manner(("data",), wishes.is_full), wishes.confirm, discards=wishes.discards, may_be_open=wishes.may_be_open,
        given={name: "1" for name, is_given in words if is_given}, verb="refresh"))
