"""make mods-publish: packs mods of the collection into Dist/ and lists them for others."""

from scripts.errors import UsageError
from scripts.hosts import process
from scripts.mods import names, provider
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection, mods_publishing


def mods_publish(settings: Settings, mod: str, sign: bool) -> list[dict[str, object]]:
    """Publish what is not listed yet; return what now is."""
    provider.require_publishing(settings)
    wanted = chosen(settings, mod)
    mods_collection.ready(settings)
    listed = {line.mod: line for line in mods_collection.published(settings)}
    for one in [one for one in wanted if one in listed]:
        output.say(f"{one}: {listed[one].revision} is published already. A newer one: make mods-republish MOD={one}")
    return publish(settings, [one for one in wanted if one not in listed], sign)


def chosen(settings: Settings, mod: str) -> list[str]:
    """Return the mods of the collection that MOD= means."""
    if not mod:
        raise UsageError("MOD= is missing: which mods of the collection? A name, several with commas, a glob, or all")
    return names.select(mod, mods_collection.control_paths(settings), "the collection")


def publish(settings: Settings, mods: list[str], sign: bool) -> list[dict[str, object]]:
    """Pack and list these mods, and return what is to be told of them."""
    lines = mods_publishing.published(settings, mods, sign)
    word = "would: publish" if process.conduct.dry_run else "published"
    for line in lines:
        output.say(f"{word} {line.mod} {line.revision}: Dist/{line.archive_name}")
    return [{"mod": line.mod, "revision": line.revision.text, "archive": line.archive_name, "md5": line.md5,
             "sha256": line.sha256} for line in lines]
