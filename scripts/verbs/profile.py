"""make profile: applies one of Tiki's configuration profiles, and says what it changed in preferences.

A profile comes from a repository that Tiki asks itself, or from a folder or a YAML file here, which is sent to the
site's host for that. Tiki stops in the middle of one that is wrong: then the tables that it changed are put back.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.errors import Fault, of_os_error
from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import keeping_tables, profile_sources, profiles, replace, restoring, site, unpacking
from scripts.steps.keeping_tables import Kept
from scripts.steps.profile_sources import Source
from scripts.steps.profiles import Applied
from scripts.steps.scratch import scratch
from scripts.steps.site import Site
from scripts.tiki import maintenance

REASON = "This site is being put back to what it was."


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for; force applies what was applied before."""

    profiles: tuple[str, ...] = ()
    repository: str = ""
    force: bool = False


def profile(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Apply profiles and return what they changed; None in a dry run, which says what they would change."""
    restoring.refuse_half_restored(instance)
    sources = profile_sources.find(instance.settings, wishes.profiles, wishes.repository)
    with site.opened(instance) as found:
        if process.conduct.dry_run:
            _tell_preview(found, sources)
            return None
        with scratch(instance) as folder:
            kept = keeping_tables.keep(found, folder)
            done = _apply_or_put_back(found, sources, wishes.force, kept)
    tell(instance, sources, done)
    return {"instance": instance.name, "profiles": result(done)}


def tell(instance: Instance, sources: list[Source], done: list[Applied]) -> None:
    """Say what was changed."""
    for source, one in zip(sources, done):
        for line in one.lines():
            output.say(f"{instance.name}: {line}")
        if not one.was_applied:
            output.say(f"{instance.name}: profile {one.name} of {source.shown} is applied: "
                       f"{len(one.preferences)} preferences changed, {len(one.objects)} objects")


def result(done: list[Applied]) -> list[dict[str, object]]:
    """Return what was changed, for programs."""
    return [{"profile": one.name, "was_applied": one.was_applied, "objects": one.objects,
             "preferences": [vars(preference) for preference in one.preferences]} for one in done]


def _tell_preview(found: Site, sources: list[Source]) -> None:
    for source in sources:
        lines = profiles.preview(found, source)
        for line in lines or ["nothing, or it was applied before (FORCE=1)"]:
            output.say(f"would: {source.name}: {line}")


def _apply_or_put_back(found: Site, sources: list[Source], force: bool, kept: Kept) -> list[Applied]:
    try:
        return [profiles.apply(found, source, force) for source in sources]
    except (Fault, OSError) as error:
        raise _put_back(found, kept, of_os_error(error) if isinstance(error, OSError) else error) from error
    except BaseException:
        output.warn(str(_put_back(found, kept, Fault(f"{found.instance.name}: ended in the middle of a profile"))))
        raise


def _put_back(found: Site, kept: Kept, fault: Fault) -> Fault:
    """Put back the tables that are not as they were, and return the fault that tells how that ended."""
    instance = found.instance
    was_on = maintenance.state(instance.host, instance.web_root).is_on
    try:
        if not was_on:
            replace.close(instance, instance.web_root, datetime.now(UTC), REASON)
        tables = keeping_tables.put_back(kept)
        profiles.settle(found)
        if not was_on:
            replace.open_again(instance, None)
    except (Fault, OSError) as second:
        return unpacking.with_next_step(fault, f"Putting back what it had changed failed too: {second}. The "
                                               f"maintenance page stays. Next: make restore INSTANCE={instance.name}; "
                                               f"to open the site as it is: make maintenance INSTANCE={instance.name} "
                                               "STATE=off")
    if not tables:
        return unpacking.with_next_step(fault, "Nothing in the database was changed")
    return unpacking.with_next_step(fault, f"What it had changed was put back, tables {', '.join(tables)}, with the "
                                           "page on meanwhile; files that it made stay")
