"""make tags: shows or changes the words an instance is selected by; of its env file only that value is rewritten."""

import re

from scripts.errors import UsageError
from scripts.present import output
from scripts.registry import change
from scripts.registry.instance import Instance

COLUMNS = {"name": "NAME", "tags": "TAGS"}
WORD = re.compile(r"\w[\w.-]*")


def wanted(add: tuple[str, ...], drop: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words to add and to drop; raise UsageError for one that INSTANCE=tag:word could not select."""
    for key, words in (("ADD", add), ("DROP", drop)):
        wrong = next((word for word in words if not WORD.fullmatch(word)), None)
        if wrong:
            raise UsageError(f"{key}={wrong}: a tag is one word of letters, digits, dots, dashes and underscores")
    both = sorted(set(add) & set(drop))
    if both:
        raise UsageError(f"ADD and DROP both name {both[0]}: which is meant?")
    return add, drop


def tags(instance: Instance, add: tuple[str, ...], drop: tuple[str, ...]) -> dict[str, object]:
    """Bring the tags of one instance to what is wanted; return its row for the table."""
    for word in drop:
        if word not in instance.tags:
            output.say(f"{instance.name}: has no tag {word}")
    kept = [word for word in instance.tags if word not in drop]
    new = tuple(dict.fromkeys([*kept, *add]))
    if new != instance.tags:
        change.set_values(instance.settings, instance.name, {"TAGS": ",".join(new)})
    return {"name": instance.name, "tags": ", ".join(new)}
