"""make mods-republish: publishes the mods of the collection whose revision is newer than the one that is listed."""

from scripts.mods import provider
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection
from scripts.verbs import mods_publish


def mods_republish(settings: Settings, mod: str, sign: bool) -> list[dict[str, object]]:
    """Publish what is newer than before; return what now is. The archives of earlier revisions stay."""
    provider.require_publishing(settings)
    wanted = mods_publish.chosen(settings, mod)
    mods_collection.ready(settings)
    listed = {line.mod: line for line in mods_collection.published(settings)}
    here = mods_collection.local(settings)
    newer = []
    for one in wanted:
        if one not in listed:
            output.say(f"{one}: is not published. Next: make mods-publish MOD={one}")
        elif here[one].revision > listed[one].revision:
            newer.append(one)
        else:
            output.say(f"{one}: {listed[one].revision} is published, and {here[one].revision} in the collection")
    return mods_publish.publish(settings, newer, sign)
