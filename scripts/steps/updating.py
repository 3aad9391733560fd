"""Brings a site to the code of a prepared tree: refuse, archive, lay aside, switch, prove; and what comes after.

Which tree that is, a verb decides. switch_over.py takes back what fails.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.code.trees import PreparedTree
from scripts.errors import Fault
from scripts.hosts import process
from scripts.hosts.listing import sums
from scripts.present import output
from scripts.registry import locks
from scripts.registry.instance import Instance
from scripts.steps import (
    answering,
    archiving,
    baselines,
    known_version,
    local_files,
    mods_after,
    patch_writing,
    patching,
    permissions,
    release_files,
    schema_updates,
    site,
    switch_over,
    switching,
    updating_checkout,
    updating_plan,
    updating_proof,
    watching_database,
)
from scripts.steps import (
    replace as replacing,
)
from scripts.steps.scratch import scratch
from scripts.steps.site import Site
from scripts.steps.switch_over import Change, Done, Effects
from scripts.steps.switching import Job
from scripts.steps.updating_plan import Plan
from scripts.steps.way_back import WayBack

INDEX_WORDS = ("index:rebuild", "preferences:rebuild-index")


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for. local is keep or discard, given are the variables of the call as they were given."""

    revision: str = ""
    lag: str = ""
    local: str = ""
    php_check: bool = True
    confirm: str = ""
    given: Mapping[str, str] | None = None

    @property
    def discards(self) -> bool:
        return self.local == "discard"


def carry_out(instance: Instance, tree: PreparedTree, wishes: Wishes, verb: str = "update", archive: str = ""
              ) -> dict[str, object] | None:
    """Give a site the code of a tree and return what is to be told of it; None in a dry run.

    archive is the name of one that has what is to be kept; without it one is made. A fault is raised after everything
    was put back. Where there is nothing to do nothing is done.
    """
    started = time.monotonic()
    if process.conduct.dry_run and not tree.files:
        output.say(f"would: bring {instance.name} to Tiki {tree.version}; what that changes is known once it is "
                   f"prepared: make prepare VERSION={tree.name}")
        return None
    held = locks.hold(instance.settings, [tree.lock], verb)
    patch_writing.mend(instance)
    with site.opened(instance) as found, _place(instance) as folder, held:
        plan = updating_plan.make(found, tree, wishes.discards, wishes.php_check, folder / "overlay")
        if plan.is_nothing:
            return nothing(instance, str(found.probe.version), plan.tree.commit)
        if process.conduct.dry_run:
            updating_plan.tell(found, plan)
            return None
        archive = archive or archiving.before(replace(found, instance=instance.with_(exclude=())), folder)
        done = switch_over.carry_out(found, _change(found, plan, wishes, verb, archive, folder))
    _after_work(instance)
    result = _result(found, plan, archive, done, started)
    _tell(instance, result)
    return result


def nothing(instance: Instance, version: str, commit: str = "") -> dict[str, object]:
    """Say that a site is up to date, and return what is to be told of it."""
    output.say(f"{instance.name}: is Tiki {version} already, and there is nothing newer")
    return {"instance": instance.name, "version_before": version, "version": version, "commit": commit, "updated": [],
            "replaced": 0, "removed": 0, "added": 0, "carried": [], "archive": "", "closed_seconds": 0.0,
            "schema_seconds": 0.0, "seconds": 0.0, "answers": 0, "warnings": []}


def _place(instance: Instance):
    """Return a scratch folder; of a dry run, which makes none there, a temporary one."""
    if not process.conduct.dry_run:
        return scratch(instance)
    return _Temporary()


class _Temporary(TemporaryDirectory):
    def __enter__(self) -> Path:
        return Path(super().__enter__())


def _change(found: Site, plan: Plan, wishes: Wishes, verb: str, archive: str, folder: Path) -> Change:
    """Return what switch_over is to do."""
    instance, version = found.instance, plan.tree.version
    since = permissions.clock(instance)
    earlier, page_before = answering.before(instance), updating_proof.page_problem(instance)
    permissions.give_to_owner(instance, found.probe, since=since)

    joined = _joined(instance, plan)

    def stage(job: Job) -> None:
        owner = replacing.owner_of(found)
        own = {path for path in plan.lists.put if (plan.overlay / path).is_file()}
        rest = [path for path in plan.lists.put if path not in own]
        size = switching.stage(job, plan.tree.path, rest, folder, plan.modes, owner)
        size += switching.stage(job, plan.overlay, own, folder, plan.modes, owner)
        output.say(f"{instance.name}: {len(plan.lists.put)} files, {output.size(size)} sent beside {instance.web_root}")
        if plan.checkout:
            updating_checkout.fetch(instance, plan.checkout, job, folder)

    def database(job: Job) -> list[str]:
        there = replace(found, probe=replace(found.probe, has_console=True))
        follow = watching_database.following(found)
        updated = schema_updates.update(there, schema_updates.patches_of(plan.new.files))
        follow()
        return updated

    def proof() -> None:
        updating_proof.require(instance, version, page_before)
        permissions.give_to_owner(instance, found.probe, updating_proof.WRITTEN, since)

    def remembered(dump: str, effects: Effects) -> WayBack:
        return _way_back(found, plan, verb, archive, dump, effects)

    def settled() -> None:
        release_files.remember(instance, plan.new)
        baselines.renew(instance, joined)
        patching.tell_after_update(instance, plan.new)
        mods_after.tell_after_update(instance, plan.new)
        known_version.remember(instance, version)
        permissions.give_to_owner(instance, found.probe, since=since)

    return Change(verb, {"INSTANCE": instance.name, **(wishes.given or {})}, version, archive, plan.lists, plan.data,
                  stage, database, proof, lambda: answering.require(instance, earlier, f"Tiki {version}"), remembered,
                  settled, *((plan.checkout.commit, plan.checkout.head) if plan.checkout else ()))


def _joined(instance: Instance, plan: Plan) -> dict[str, str]:
    """Return the sums of merged files whose site's side was as the baseline has it: what was odd in one stays odd."""
    texts = {path: (plan.overlay / path).read_bytes() for path in plan.carried.files}
    right = baselines.agreeing(instance, local_files.texts(instance, texts)) if texts else set()
    return {path: hashlib.sha256(text).hexdigest() for path, text in texts.items() if path in right}


def _way_back(found: Site, plan: Plan, verb: str, archive: str, dump: str, effects: Effects) -> WayBack:
    instance, lists = found.instance, plan.lists
    rewritten = sums(instance.host, instance.web_root, dict.fromkeys(effects["~"], 0)) if effects["~"] else {}
    git = {"head": plan.checkout.head_before, "commit_before": plan.checkout.commit_before} if plan.checkout else {}
    return WayBack(verb, switch_over.now(), str(found.probe.version), plan.tree.version, archive, dump,
                   replaced=lists.replaced, removed=(*lists.gone, *effects["-"]),
                   added=(*lists.added, *effects["+"]), rewritten=rewritten, **git)


def _after_work(instance: Instance) -> None:
    """Do what takes long and may be done with the site open: the search index."""
    try:
        with site.opened(instance) as fresh:
            since = permissions.clock(instance)
            for word in INDEX_WORDS:
                replacing.try_console(instance, word)
            permissions.give_to_owner(instance, fresh.probe, since=since)
    except Fault as fault:
        output.warn(f"{instance.name}: its search index was not built anew: {fault}")


def _result(found: Site, plan: Plan, archive: str, done: Done, started: float) -> dict[str, object]:
    lists = plan.lists
    return {"instance": found.instance.name, "version_before": str(found.probe.version), "version": plan.tree.version,
            "commit": plan.tree.commit, "updated": done.updated, "replaced": len(lists.replaced),
            "removed": len(lists.gone), "added": len(lists.added), "carried": [*plan.carried.files, *plan.carried.kept],
            "archive": archive, "closed_seconds": done.closed_seconds,
            "schema_seconds": done.schema_seconds,
            "seconds": round(time.monotonic() - started, 1), "answers": done.status, "warnings": []}


def _tell(instance: Instance, result: dict[str, object]) -> None:
    for patch in result["updated"]:
        output.say(f"{instance.name}: applied {patch}")
    was = f" (was {result['version_before']})" if result["version_before"] != result["version"] else ""
    output.say(f"{instance.name}: is Tiki {result['version']}{was}: {result['replaced']} files replaced, "
               f"{result['added']} added, {result['removed']} removed, {len(result['updated'])} patches; visitors saw "
               f"the maintenance page for {output.duration(result['closed_seconds'])} of "
               f"{output.duration(result['seconds'])}. Back, if need be: make rollback INSTANCE={instance.name}")
