"""make profile: applies one of Tiki's configuration profiles, and says what it changed in preferences.

A profile comes from a repository that Tiki asks itself, or from a folder or a YAML file here, which is sent to the
site's host for that. Tiki stops in the middle of one that is wrong: then the tables that it changed are put back. The
maintenance page is up meanwhile, so that nothing of visitors is put back with them; Tiki's console works under it.

A note stands from the dump of the tables to the end: what a killed run left is put back by the next one.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from scripts.errors import Fault, RefusedError, of_os_error
from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import (
    keeping_tables,
    profile_sources,
    profiles,
    replace,
    restoring,
    site,
    unpacking,
    visitors,
    watching_database,
)
from scripts.steps.keeping_tables import Kept
from scripts.steps.profile_sources import Source
from scripts.steps.profiles import Applied
from scripts.steps.restoring import Note
from scripts.steps.site import Site
from scripts.tiki import maintenance

REASON = "A profile is being applied."
VERB = "profile"


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for; force applies what was applied before.

    given are the variables of make as they stood there, for the line that goes on.
    """

    profiles: tuple[str, ...] = ()
    repository: str = ""
    force: bool = False
    given: Mapping[str, str] | None = None


def profile(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Apply profiles and return what they changed; None in a dry run, which says what they would change."""
    earlier = restoring.unfinished(instance)
    if earlier and earlier.verb != VERB:
        restoring.refuse_half_restored(instance)
    sources = profile_sources.find(instance.settings, wishes.profiles, wishes.repository)
    with site.opened(instance) as found:
        if process.conduct.dry_run:
            _tell_preview(found, sources, earlier)
            return None
        with _closed(instance):
            if earlier:
                _put_back_of(found, earlier)
            kept = keeping_tables.keep(found, restoring.dump(instance))
            note = restoring.begin(instance, "", "", verb=VERB,
                                   variables={"INSTANCE": instance.name, **(wishes.given or {})})
            follow = watching_database.following(found)
            done = _apply_or_put_back(found, sources, wishes.force, kept, note)
            follow()
            restoring.end(instance)
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


@contextmanager
def _closed(instance: Instance) -> Iterator[None]:
    """Show visitors the page while the block runs, and after it while there is a note; another's page stays anyway."""
    page = maintenance.state(instance.host, instance.web_root)
    if page.is_on_purpose:
        yield
        return
    try:
        visitors.keep_out(instance, REASON)
        yield
    except BaseException:
        if not restoring.unfinished(instance):
            _open_if_possible(instance)
        raise
    replace.open_again(instance, None)


def _open_if_possible(instance: Instance) -> None:
    try:
        replace.open_again(instance, None)
    except Fault as fault:
        output.warn(f"{instance.name}: the maintenance page could not be taken away: {fault}. Next: make maintenance "
                    f"INSTANCE={instance.name} STATE=off")


def _tell_preview(found: Site, sources: list[Source], earlier: Note | None) -> None:
    if earlier:
        output.say(f"would: {found.instance.name}: put back what {earlier.what} that did not come to its end had "
                   "changed; what the profiles would change after that is not known")
        return
    for source in sources:
        lines = profiles.preview(found, source)
        for line in lines or ["nothing, or it was applied before (FORCE=1)"]:
            output.say(f"would: {source.name}: {line}")


def _apply_or_put_back(found: Site, sources: list[Source], force: bool, kept: Kept, note: Note) -> list[Applied]:
    try:
        return [profiles.apply(found, source, force) for source in sources]
    except (Fault, OSError) as error:
        raise _put_back(found, kept, note, of_os_error(error) if isinstance(error, OSError) else error) from error
    except BaseException:
        ended = Fault(f"{found.instance.name}: ended in the middle of a profile")
        output.warn(str(_put_back(found, kept, note, ended)))
        raise


def _put_back(found: Site, kept: Kept, note: Note, fault: Fault) -> Fault:
    """Put back the tables that are not as they were, and return the fault that tells how that ended."""
    instance = found.instance
    try:
        tables = keeping_tables.put_back(kept)
        profiles.settle(found)
        restoring.end(instance)
    except (Fault, OSError) as second:
        return unpacking.with_next_step(fault, f"Putting back what it had changed failed too: {second}. The "
                                               f"maintenance page stays. {restoring.way_out(instance, note)}, which "
                                               "puts it back first")
    if not tables:
        return unpacking.with_next_step(fault, "Nothing in the database was changed")
    return unpacking.with_next_step(fault, f"What it had changed was put back, tables {', '.join(tables)}; files that "
                                           "it made stay")


def _put_back_of(found: Site, earlier: Note) -> None:
    """Put back what a run that was killed had changed; raise RefusedError when what it kept is gone."""
    instance = found.instance
    path = restoring.dump(instance)
    if not path.exists():
        raise RefusedError(f"{instance.name}: {earlier.what} that began {output.local(earlier.moment)} did not come to "
                           f"its end, and {path}, which was there before it, is gone. Next: make restore "
                           f"INSTANCE={instance.name}; to open the site as it is: make maintenance "
                           f"INSTANCE={instance.name} STATE=off")
    tables = keeping_tables.put_back(keeping_tables.kept_before(found, path))
    profiles.settle(found)
    restoring.end(instance)
    output.say(f"{instance.name}: {earlier.what} did not come to its end; what it had changed was put back, "
               f"{'tables ' + ', '.join(tables) if tables else 'which was nothing'}")
