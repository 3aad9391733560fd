"""make restore: makes a site what an archive says.

The archive is verified in full before anything is touched; what is there is archived for safety; then, under the
maintenance page, come the trees and the database. When a step fails, the safety archive is put back.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scripts.errors import Fault, HostError, of_os_error
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry import registry
from scripts.registry.instance import Instance
from scripts.steps import (
    archiving,
    baselines,
    confirming,
    extra_paths,
    known_version,
    location,
    mods_state,
    own_folders,
    quieting,
    release_files,
    replace,
    restoring,
    restoring_guards,
    site,
    unpacking,
    updating_journal,
    visitors,
    watching_database,
)
from scripts.steps.scratch import scratch
from scripts.steps.site import Site
from scripts.steps.unpacking import Unpacked
from scripts.store import archive, contents, verify
from scripts.store.archive import Archive
from scripts.tiki import probe
from scripts.verbs import archives

REASON = "This site is being restored from a backup."


@dataclass(frozen=True)
class Becoming:
    """What is different when the target is to become a clone of the archive's site.

    note is what restoring.begin is told besides, places says where folders go, keeps which files of its web root the
    target keeps, and settle makes what was loaded the target's own before visitors are let in.
    """

    note: Mapping[str, object]
    places: Callable[[Unpacked, Site], dict[str, str]]
    keeps: Callable[[Site], list[str]]
    settle: Callable[[Unpacked, dict[str, str]], replace.Replaced]


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for; from_name is the instance whose archives are meant.

    is_full: tables are loaded though they are equal.
    """

    from_name: str
    archive: str = ""
    confirm: str = ""
    has_safety: bool = True
    unverified: bool = False
    becoming: Becoming | None = None
    is_full: bool = False


def restore(target: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Make the target equal to an archive, and return what is to be told of it; None in a dry run."""
    started = time.monotonic()
    chosen = _choose(target, wishes)
    refuse_unconfirmed(target, wishes.confirm)
    if process.conduct.dry_run:
        _tell_plan(target, chosen, wishes)
        return None
    with scratch(target) as folder, unpacking.opened(target, chosen, folder, wishes.unverified, "restore") as unpacked:
        output.say(f"{target.name}: {chosen.path.name} is whole, {len(unpacked.tables)} tables and "
                   f"{len(unpacked.parts)} folders")
        is_own = _is_own(target, chosen, unpacked)
        own_copy = str(unpacked.folder(unpacked.app)) if is_own else ""
        with site.opened_target(target, own_copy) as found:
            restoring_guards.refuse(found, unpacked.manifest, wishes.confirm, is_own=is_own,
                                    is_clone=wishes.becoming is not None)
            _require_room(found, unpacked)
            goes = _places(found, unpacked, is_own, wishes.becoming)
            safety = _make_safety(found, folder, wishes)
            told = _replace_or_put_back(found, unpacked, is_own, goes, chosen, safety, wishes)
            if not is_own:
                extra_paths.take(target, unpacked.parts, goes)
    output.say(f"{target.name}: is what {chosen.path.name} says, in {output.duration(time.monotonic() - started)}")
    return {"instance": target.name, "archive": chosen.path.name, "safety": safety, "rewritten": told.rewritten,
            "warnings": told.warnings, "seconds": round(time.monotonic() - started, 1)}


def _tell_plan(target: Instance, chosen: Archive, wishes: Wishes) -> None:
    """Say what a restore would do; the archive is checked as a whole, and nothing is unpacked."""
    verify.check_file(chosen, wishes.unverified)
    output.say(f"{target.name}: {chosen.path.name} is what its sha256 says")
    with site.opened_target(target) as found:
        told = contents.told(chosen)
        restoring_guards.refuse(found, told, wishes.confirm, is_clone=wishes.becoming is not None,
                                is_own=not told or (told.instance, told.web_root) == (target.name, target.web_root))
        own_folders.refuse(target, [target.web_root, *(folder.path for folder in found.folders)])
        if not found.is_blank and wishes.has_safety:
            output.say(f"would: archive what is in {target.web_root} and in database {found.account.name} for safety")
        output.say("would: put the maintenance page up")
        output.say(f"would: make {target.web_root} and its data folders equal to the archive's")
        output.say(f"would: empty database {found.account.name}, which holds {len(found.tables)} tables, and load the "
                   "archive's")
        output.say("would: take the maintenance page away")


def refuse_unconfirmed(target: Instance, confirm: str) -> None:
    """Raise RefusedError when a guarded instance is to be overwritten without its name as CONFIRM."""
    confirming.refuse_unconfirmed(target, confirm, "overwritten")


def _choose(target: Instance, wishes: Wishes) -> Archive:
    """Return the archive that is meant; at a terminal, without ARCHIVE=, it is chosen from a list."""
    registry.check_name(wishes.from_name)
    found = archive.of_instance(target.settings, wishes.from_name)
    if not found:
        registry.load(target.settings, wishes.from_name)  # a wrong name is told as one
    if not wishes.archive and len(found) > 1 and prompts.can_ask():
        rows = archives.archives(target.settings, [wishes.from_name])
        lines = [f"{row['archive']}  {row['size']}  {row['kind']}  {row['proven'] and 'proven'}" for row in rows]
        return found[prompts.choose("Which archive", lines)]
    return archive.choose(target.settings, wishes.from_name, wishes.archive or "latest")


def _is_own(target: Instance, chosen: Archive, unpacked: Unpacked) -> bool:
    """Whether the archive is of this very site, so that its folders go back to where they were."""
    return chosen.instance == target.name and unpacked.app.path == target.web_root


def _require_room(found: Site, unpacked: Unpacked) -> None:
    """Raise HostError when the target's disk could not hold the tree, even if nothing of it were there."""
    host, web_root = found.instance.host, found.instance.web_root
    needed = unpacked.manifest.stream_bytes if unpacked.manifest else 0
    place = web_root if found.probe.state != "missing" else str(Path(web_root).parent)
    free = host.free_bytes(place)
    present = host.used_bytes(place) if free < needed else 0
    if free + present < needed:
        raise HostError(f"{found.instance.name}: no space: the site needs about {output.size(needed)} in {web_root}, "
                        f"and {output.size(free)} are free. Nothing was changed")


def _places(found: Site, unpacked: Unpacked, is_own: bool, becoming: Becoming | None = None) -> dict[str, str]:
    """Return where each folder of the archive goes; raise RefusedError when one of TRIM's own would go with it.

    Older archives may hold folders that are never a site's own, as /tmp: they go nowhere.
    """
    goes = becoming.places(unpacked, found) if becoming else replace.places(unpacked, found, is_own)
    for path, reason in replace.never(found.instance, unpacked.parts, goes).items():
        output.warn(f"{found.instance.name}: {path} in the archive is not put in place: {reason}")
        del goes[path]
    own_folders.refuse(found.instance, goes.values())
    return goes


def _make_safety(found: Site, folder: Path, wishes: Wishes) -> str:
    """Archive what is there and return the archive's name; empty when there is nothing, or when it was not wanted."""
    target = found.instance
    broken = restoring.unfinished(target)
    if broken and not broken.is_open:
        output.say(f"{target.name}: {broken.what} did not come to its end; what was there before it "
                   f"is in {broken.safety or 'no archive'}")
        return broken.safety
    if found.is_blank:
        return ""
    if not wishes.has_safety and wishes.becoming:
        return ""
    if not wishes.has_safety:
        output.warn(f"{target.name}: SAFETY=no: what is there now will be gone, with no way back")
        return ""
    return make_safety(found, folder)


def make_safety(found: Site, folder: Path) -> str:
    """Archive what is there, whatever it is, and return the archive's name. folder is a scratch folder.

    What EXCLUDE spares is in it too: it may go with the rest.
    """
    found.instance.host.make_folder(found.instance.web_root)
    return archiving.before(dataclasses.replace(found, instance=found.instance.with_(exclude=())), folder)


def _replace_or_put_back(found: Site, unpacked: Unpacked, is_own: bool, goes: dict[str, str], chosen: Archive,
                         safety: str, wishes: Wishes) -> replace.Replaced:
    """Replace the site; when that fails, put the safety archive back and say so."""
    target = found.instance
    becoming = wishes.becoming
    called = _called(target, chosen)
    more = becoming.note if becoming else {"variables": _again(target, called, wishes),
                                           "where": location.as_noted(location.of(found))}
    note = restoring.begin(target, called, safety, is_open=not restoring.is_mixture(target), **more)
    try:
        told = _replace(found, unpacked, is_own, goes, becoming, wishes.is_full)
    except (Fault, OSError) as error:
        fault = of_os_error(error) if isinstance(error, OSError) else error
        raise put_back(target, note, fault) from error
    except BaseException:
        output.warn(f"{target.name}: ended in the middle of {note.what}. {restoring.seen(target)}. "
                    f"{restoring.way_out(target, note)}")
        raise
    restoring.end(target)
    for line in told.rewritten:
        output.say(f"{target.name}: {line}")
    for line in told.warnings:
        output.warn(f"{target.name}: {line}")
    return told


def _called(target: Instance, chosen: Archive) -> str:
    """Return what ARCHIVE= has to be for the same archive: its name among the target's own, else its path."""
    is_own = chosen.path.parent == archive.folder(target.settings, target.name)
    return chosen.path.name if is_own else str(chosen.path)


def _again(target: Instance, called: str, wishes: Wishes) -> dict[str, str]:
    """Return the call that goes on, with the words that this one was given."""
    given = {"CONFIRM": wishes.confirm, "SAFETY": "" if wishes.has_safety else "no",
             "FULL": "1" if wishes.is_full else "", "UNVERIFIED": "yes" if wishes.unverified else ""}
    return {"INSTANCE": target.name, "ARCHIVE": called, **{name: value for name, value in given.items() if value}}


def _replace(found: Site, unpacked: Unpacked, is_own: bool, goes: dict[str, str], becoming: Becoming | None = None,
             is_full: bool = False) -> replace.Replaced:
    """The restore itself, from the first change to the last."""
    target = found.instance
    target.host.make_folder(target.web_root)
    notice = visitors.keep_out(target, REASON)
    restoring.mark(target, is_open=False)
    kept = becoming.keeps(found) if becoming else ()
    web_root_time = replace.trees(unpacked, found, goes, is_own, notice, kept)
    warnings = replace.configuration(unpacked, found, is_own)
    replace.database(unpacked, found, is_full)
    source = unpacked.archive.instance
    loaded = watching_database.read_if_watched(found, source)
    told = becoming.settle(unpacked, goes) if becoming else _settle(found, unpacked, goes, is_own)
    if loaded:
        baselines.renew_database(target, loaded, watching_database.read(found), source)
    mods_state.from_archive(target, unpacked.manifest.extra if unpacked.manifest else {})
    warnings += [*told.warnings, *replace.search_index(unpacked, found)]
    _require_site(target)
    baselines.renew(target, is_whole=True, source=source)
    replace.open_again(target, web_root_time)
    return replace.Replaced(told.rewritten, warnings)


def _settle(found: Site, unpacked: Unpacked, goes: dict[str, str], is_own: bool) -> replace.Replaced:
    """Let the database name the target's places and its address; a copy that is kept quiet stays so."""
    source_url = unpacked.manifest.web_url if unpacked.manifest else ""
    told = replace.Replaced([*replace.moved_folders(unpacked.app.path, found, goes),
                             *replace.addresses(source_url, found)])
    if quieting.is_muted(found.instance) and not is_own and unpacked.manifest:
        with site.opened(found.instance) as fresh:
            moment = datetime.fromisoformat(unpacked.manifest.dumped)
            told.rewritten += quieting.mute(fresh, unpacked.manifest.instance, moment)
    return told


def _require_site(target: Instance) -> None:
    """Raise a fault when what was put in place is no installed Tiki."""
    known_version.remember(target, str(probe.probe(target).version))
    release_files.forget(target)
    updating_journal.forget_changes(target)


def put_back(target: Instance, note: restoring.Note, fault: Fault) -> Fault:
    """Undo a broken restore with the safety archive; return the fault that tells how it ended."""
    if not note.safety:
        return unpacking.with_next_step(fault, f"{visitors.seen(target)}. {restoring.way_out(target, note)}")
    output.warn(f"{target.name}: {fault}; putting back what was there, from {note.safety}")
    try:
        chosen = archive.choose(target.settings, target.name, note.safety)
        with scratch(target) as folder, unpacking.opened(target, chosen, folder, False, "restore") as unpacked, \
                site.opened_target(target, str(unpacked.folder(unpacked.app))) as found:
            _replace(found, unpacked, True, _places(found, unpacked, True))
        restoring.end(target)
        return unpacking.with_next_step(fault, f"What was there before was put back, from {note.safety}")
    except (Fault, OSError) as second:
        return unpacking.with_next_step(fault, f"Putting {note.safety} back failed too: {second}. "
                                               f"{visitors.seen(target)}. {restoring.way_out(target, note)}")
