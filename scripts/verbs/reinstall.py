"""make reinstall: drops what a site holds and installs it anew, then applies the profiles of its env file: demo sites.

Code, db/local.php, .htaccess, restriction and env file stay. An archive comes first. A run that broke is gone on with
by the same call; until then visitors see the maintenance page.
"""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass

from scripts.errors import Fault, RefusedError, of_os_error
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry.instance import Instance
from scripts.steps import (
    answering,
    archiving,
    baselines,
    changed,
    confirming,
    creating,
    lineage,
    made_here,
    mods_after,
    neighbours,
    profile_sources,
    profiles,
    quieting,
    reinstalling,
    replace,
    restoring,
    site,
    unpacking,
    visitors,
    watching_database,
    way_back,
)
from scripts.steps.profile_sources import Source
from scripts.steps.profiles import Applied
from scripts.steps.reinstalling import Wanted
from scripts.steps.restoring import Note
from scripts.steps.scratch import scratch
from scripts.steps.site import Site
from scripts.tiki import console, probe
from scripts.verbs import profile

REASON = "This site is being made anew."


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for; without profiles and repository those of the env file count.

    given are the variables of make as they stood there, for the line that goes on.
    """

    profiles: tuple[str, ...] = ()
    repository: str = ""
    confirm: str = ""
    given: Mapping[str, str] | None = None


def reinstall(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Make a site anew and return what is to be told of it; None in a dry run."""
    started = time.monotonic()
    sources = _sources(instance, wishes)
    with site.opened(instance) as found:
        _refuse(found, wishes.confirm)
        wanted = reinstalling.plan(found)
        if process.conduct.dry_run:
            _tell_plan(wanted, sources)
            return None
        earlier, safety = answering.before(instance), _safety(found)
        note = restoring.begin(instance, "", safety, verb="reinstall", is_open=not restoring.is_mixture(instance),
                               variables={"INSTANCE": instance.name, **(wishes.given or {})})
        password, done, status = _carry_out(wanted, sources, note, earlier)
    profile.tell(instance, sources, done)
    for line in wanted.stays:
        output.warn(f"{instance.name}: {line}")
    mods_after.tell_after_reinstall(instance)
    seconds = time.monotonic() - started
    output.say(f"{instance.name}: Tiki {found.probe.version} is installed anew, in {output.duration(seconds)}")
    output.tell_secret(f"{instance.name}: log in as {creating.ADMIN} with the password {password}  (shown once)")
    return {"instance": instance.name, "version": str(found.probe.version), "safety": safety,
            "profiles": profile.result(done), "answers": status, "warnings": list(wanted.stays),
            "seconds": round(seconds, 1)}


def _sources(instance: Instance, wishes: Wishes) -> list[Source]:
    """Return the profiles of the call, else those of the env file; there need be none."""
    names = wishes.profiles or instance.profiles
    repository = wishes.repository or ("" if wishes.profiles and all(map(profile_sources.is_file, names))
                                       else instance.profile_repository)
    if not names and not profile_sources.is_file(repository):
        return []
    return profile_sources.find(instance.settings, names, repository)


def _refuse(found: Site, confirm: str) -> None:
    """Raise a fault when all that a site holds must not be dropped: guarded, not of our making, without a console."""
    instance, note = found.instance, restoring.unfinished(found.instance)
    if note and note.verb != "reinstall":
        restoring.refuse_half_restored(instance)
    console.call(instance, found.probe, ["database:install"])
    confirming.refuse_unconfirmed(instance, confirm, "made anew")
    # Who cannot be asked is in nobody's way: all is archived first.
    neighbours.refuse_shared_database(found, neighbours.all_of(instance), heeds_silent=False)
    if note or confirm == instance.name or instance.guarded or lineage.here(found) or made_here.is_noted(found):
        return
    reason = (f"it holds a Tiki {found.probe.version} that TRIM has neither created nor cloned, and all in it would be "
              "gone")
    if prompts.confirmed(instance.name, f"{instance.name}: {reason}. Type its name if that is meant"):
        return
    raise RefusedError(f"{instance.name}: {reason}. Nothing was changed. If that is meant: CONFIRM={instance.name}")


def _tell_plan(wanted: Wanted, sources: list[Source]) -> None:
    name = wanted.found.instance.name
    for line in ("archive what is there for safety", "put the maintenance page up", *wanted.lines(),
                 *(f"apply the profile {one.name} of {one.shown}" for one in sources),
                 "take the maintenance page away"):
        output.say(f"would: {name}: {line}")


def _safety(found: Site) -> str:
    """Archive what is there and return the archive's name; of what broke off, the one that was made before it."""
    instance, note = found.instance, restoring.unfinished(found.instance)
    if note and not note.is_open:
        output.say(f"{instance.name}: {note.what} did not come to its end; what was there before it is in "
                   f"{note.safety}")
        return note.safety
    with scratch(instance) as folder:
        # What EXCLUDE leaves out of backups is emptied too.
        return archiving.before(dataclasses.replace(found, instance=instance.with_(exclude=())), folder)


def _carry_out(wanted: Wanted, sources: list[Source], note: Note, earlier: answering.Answer | None
               ) -> tuple[str, list[Applied], int]:
    """Do it under the maintenance page, which stays when that breaks; return password, profiles, and how it answers."""
    instance = wanted.found.instance
    try:
        visitors.keep_out(instance, REASON)
        restoring.mark(instance, is_open=False)
        reinstalling.empty(wanted)
        password = reinstalling.install(wanted.found)
        _forget_what_it_was(instance)
        with site.opened(instance) as fresh:
            done = [profiles.apply(fresh, one, force=False) for one in sources]
            profiles.settle(fresh)
            if now := watching_database.read_if_watched(fresh):
                baselines.renew_database(instance, {}, now)
        probe.probe(instance)
        replace.open_again(instance, None)
        status = answering.require(instance, earlier, "its new database")
    except (Fault, OSError) as error:
        fault = of_os_error(error) if isinstance(error, OSError) else error
        _close_again(instance)
        raise unpacking.with_next_step(fault, f"{visitors.seen(instance)}. {restoring.way_out(instance, note)}"
                                       ) from error
    except BaseException:
        output.warn(f"{instance.name}: ended in the middle of {note.what}. {restoring.seen(instance)}. "
                    f"{restoring.way_out(instance, note)}")
        raise
    with site.opened(instance) as whole:
        made_here.remember(whole)
    restoring.end(instance)
    return password, done, status


def _close_again(instance: Instance) -> None:
    """Put the page up when the site was opened and turned out not to answer."""
    try:
        visitors.keep_out(instance, REASON)
        restoring.mark(instance, is_open=False)
    except Fault as fault:
        output.warn(f"{instance.name}: the maintenance page could not be put up: {fault}")


def _forget_what_it_was(instance: Instance) -> None:
    """Let a clone be nobody's copy any more, with nothing muted; what there was before an update is gone as well."""
    lineage.forget(instance)
    changed.forget(instance)
    quieting.note_loud(instance)
    way_back.forget(instance)
