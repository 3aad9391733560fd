"""make mods-unpublish: takes mods off the public list; their archives stay in Dist/, where nobody is told of them."""

from scripts.errors import UsageError
from scripts.hosts import process
from scripts.mods import names, provider
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection, mods_publishing


def mods_unpublish(settings: Settings, mod: str) -> list[dict[str, object]]:
    """Take mods off the list and return them."""
    provider.require_publishing(settings)
    if not mod:
        raise UsageError("MOD= is missing: which published mods? A name, several with commas, a glob, or all")
    lines = {line.mod: line for line in mods_collection.published(settings)}
    going = names.select(mod, lines, "the public list")
    mods_publishing.write(settings, [line for line in lines.values() if line.mod not in going])
    for one in going:
        output.say(f"{'would: unpublish' if process.conduct.dry_run else 'no longer published:'} {one} "
                   f"{lines[one].revision}")
    return [{"mod": one, "revision": lines[one].revision.text} for one in going]
