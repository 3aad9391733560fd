"""make rollback: what a site was before its last update, upgrade or promotion: code and database; user files stay.

A killed update is taken back first, and that is all then. Otherwise what is there is archived, the old files come from
the archive of that time, and they are switched in as an update is. Neither the site's code nor its PHP is needed.
"""

import os
import time
from dataclasses import replace
from pathlib import Path

from scripts.errors import Fault, HostError, RefusedError
from scripts.hosts import listing, process
from scripts.hosts.listing import LINK
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import (
    answering,
    archiving,
    baselines,
    confirming,
    final_dump,
    known_version,
    mods_after,
    permissions,
    release_files,
    restoring,
    site,
    switch_over,
    switching,
    unpacking,
    updating_plan,
    watching_database,
    way_back,
)
from scripts.steps import replace as replacing
from scripts.steps.scratch import scratch
from scripts.steps.site import Site
from scripts.steps.switch_over import Change
from scripts.steps.switching import Job, Lists
from scripts.steps.unpacking import Unpacked
from scripts.steps.way_back import WayBack
from scripts.store import archive
from scripts.tiki import probe


def rollback(instance: Instance, confirm: str) -> dict[str, object] | None:
    """Bring an instance back and return what is to be told of it; None in a dry run."""
    started = time.monotonic()
    if told := switch_over.recover(instance):
        output.say(f"{instance.name}: {told}")
        if process.conduct.dry_run:
            return None
        return {"instance": instance.name, "recovered": told, "seconds": round(time.monotonic() - started, 1)}
    restoring.refuse_half_restored(instance)
    way = way_back.read(instance)
    if way is None:
        raise RefusedError(f"{instance.name}: no update, upgrade or promotion of it is on record, so there is no way "
                           "back. Nothing was changed. Its archives are another: make archives "
                           f"INSTANCE={instance.name}")
    output.say(f"{instance.name}: goes back from Tiki {way.version} to {way.version_before}, which it was before the "
               f"{way.verb} of {output.local(way.since)}; what was written in its database since then will be gone "
               "from it, and is in the archive that is made now")
    confirming.refuse_unconfirmed(instance, confirm, f"set back to {output.local(way.since)}")
    if process.conduct.dry_run:
        output.say(f"would: archive {instance.web_root} and its database")
        output.say(f"would: replace {len(way.replaced)} files, add {len(way.removed)}, remove {len(way.added)}, from "
                   f"{way.archive}")
        output.say(f"would: load {way.dump or 'the dump of that archive'} into the database")
        return None
    result = _go_back(instance, way, confirm)
    return result | {"seconds": round(time.monotonic() - started, 1)}


def _go_back(instance: Instance, way: WayBack, confirm: str) -> dict[str, object]:
    chosen = archive.choose(instance.settings, instance.name, way.archive)
    with site.opened_anyhow(instance) as found, scratch(instance) as folder:
        safety = _safety(found, way, folder)
        with unpacking.opened(instance, chosen, folder, False, "rollback") as unpacked:
            lists, told = _lists(found, way, unpacked)
            final_dump.require_room(found)
            change = _change(found, way, unpacked, lists, safety, folder, confirm)
            done = switch_over.carry_out(found, change)
            told += [] if way.dump else replacing.search_index(unpacked, found)
    for line in told:
        output.warn(f"{instance.name}: {line}")
    mods_after.tell_after_rollback(instance, way.since)
    output.say(f"{instance.name}: is Tiki {way.version_before} again, as before the {way.verb} of "
               f"{output.local(way.since)}; what was there is in {safety}")
    return {"instance": instance.name, "version_before": way.version, "version": way.version_before,
            "replaced": len(lists.replaced), "removed": len(lists.gone), "added": len(lists.added), "archive": safety,
            "closed_seconds": done.closed_seconds, "answers": done.status, "warnings": told}


def _safety(found: Site, way: WayBack, folder: Path) -> str:
    """Archive what is there and return the archive's name; a fault says how to go back without."""
    instance = found.instance
    try:
        return archiving.before(replace(found, instance=instance.with_(exclude=())), folder)
    except Fault as fault:
        raise unpacking.with_next_step(fault, "Nothing was changed. To go back without an archive of what is there: "
                                              f"make restore INSTANCE={instance.name} ARCHIVE={way.archive} SAFETY=no"
                                       ) from fault


def _lists(found: Site, way: WayBack, unpacked: Unpacked) -> tuple[Lists, list[str]]:
    """Return what changes, and what stays though the update had changed it."""
    instance, tree = found.instance, unpacked.folder(unpacked.app)
    rewritten = [path for path in way.rewritten if (tree / path).is_file()]
    entrances = [path for path in way.entrances if _is_there(tree / path)]
    wanted = sorted({*way.replaced, *way.removed, *entrances})
    added = sorted({*way.added, *way.entrances} - {*entrances})
    lacking = [path for path in wanted if not _is_there(tree / path)]
    if lacking:
        raise HostError(f"{instance.name}: {way.archive} lacks {len(lacking)} of the old files, as in "
                        f"{', '.join(lacking[:3])}. Nothing was changed. Next: make restore INSTANCE={instance.name} "
                        f"ARCHIVE={way.archive}")
    there = listing.named(instance.host, instance.web_root, dict.fromkeys([*wanted, *added, *rewritten]))
    sums = listing.sums(instance.host, instance.web_root,
                        {path: there[path].size for path in rewritten if path in there and there[path].kind != LINK})
    own = [path for path in rewritten if path in there and sums.get(path) != way.rewritten[path]]
    put = {*wanted, *(path for path in rewritten if path not in own)}
    gone = sorted(path for path in added if path in there and path not in put)
    lists = Lists(tuple(sorted(put)), tuple(sorted(put & set(there))), tuple(gone),
                  updating_plan.emptied(gone, put))
    return lists, [f"{path} was changed since the {way.verb}, and stays" for path in own]


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _change(found: Site, way: WayBack, unpacked: Unpacked, lists: Lists, safety: str, folder: Path,
            confirm: str) -> Change:
    instance, since = found.instance, permissions.clock(found.instance)
    earlier = answering.before(instance)

    def stage(job: Job) -> None:
        # As they are in the archive: their modes as well, and their owners where root unpacked them.
        owner = None if os.geteuid() == 0 else replacing.owner_of(found)
        switching.stage(job, unpacked.folder(unpacked.app), lists.put, folder, [], owner)

    def database(job: Job) -> list[str]:
        if way.dump:
            final_dump.load_back(found.client, instance, way.dump)
        else:
            replacing.database(unpacked, found)
        if now := watching_database.read_if_watched(found):
            baselines.renew_database(instance, now, now)
        return []

    def proof() -> None:
        now = probe.look_anyhow(instance)
        if not now.is_tiki or str(now.version) != way.version_before:
            raise HostError(f"{instance.name}: its code says it is Tiki {now.version}, and {way.version_before} was "
                            "put back")

    def seen() -> int:
        try:
            return answering.require(instance, earlier, f"Tiki {way.version_before}")
        except HostError as fault:
            # It was meant to be what it was, and is: worse than before the rollback it is not for TRIM to say.
            output.warn(str(fault))
            return answering.visit(instance).status

    def settled() -> None:
        release_files.forget(instance)
        baselines.renew(instance)
        known_version.remember(instance, way.version_before)
        if way.commit_before:
            permissions.give_to_owner(instance, found.probe, since=since)

    variables = {"INSTANCE": instance.name, **({"CONFIRM": confirm} if confirm else {})}
    return Change("rollback", variables, way.version_before, safety, lists, switch_over.data_folders(found), stage,
                  database, proof, seen, lambda dump, effects: None, settled, way.commit_before, way.head)
