"""make delete: forgets an instance; with DESTROY=1 its site is removed first, after a last archive.

Forgetting changes nothing on the host. Destroying takes only what belongs to this site alone, and ends in forgetting:
while something of it is left, the env file is.
"""

from dataclasses import dataclass, replace

from scripts.errors import ArchiveError, Fault, RefusedError
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry import change
from scripts.registry.instance import Instance
from scripts.steps import archiving, forgetting, removing, restoring, restricting, site, visitors
from scripts.steps.removing import Plan
from scripts.steps.scratch import scratch
from scripts.store import archive

REASON = "This site has been closed."


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for; confirm is the name again."""

    destroy: bool = False
    confirm: str = ""
    has_safety: bool = True


def delete(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Forget an instance and return what is to be told of it; None in a dry run."""
    forgetting.refuse_needed(instance)
    _refuse_unconfirmed(instance, wishes)
    last = _destroy(instance, wishes) if wishes.destroy else ""
    if process.conduct.dry_run:
        _tell_plan(instance)
        return None
    if not wishes.destroy and (note := restoring.unfinished(instance)):
        output.warn(f"{instance.name}: {note.what} did not come to its end: the site is a mixture"
                    + (f"; what was there before is in {note.safety}" if note.safety else ""))
    where = forgetting.forget(instance)
    _tell(instance, wishes, where)
    return {"instance": instance.name, "env_file": str(where.env_file), "destroyed": wishes.destroy,
            "archives": str(where.archives or ""), "last_archive": last}


def _refuse_unconfirmed(instance: Instance, wishes: Wishes) -> None:
    """Raise RefusedError when a guarded instance is to go, or any site itself, without its name as CONFIRM."""
    if wishes.confirm == instance.name or not (wishes.destroy or instance.guarded):
        return
    what = "its files and its database would be removed" if wishes.destroy else \
        "it is guarded (STAGE=production or PROTECTED=yes in its env file)"
    if not wishes.confirm and prompts.confirmed(instance.name, f"{instance.name}: {what}. Type its name to go on"):
        return
    raise RefusedError(f"{instance.name}: {what}. Nothing was changed. If that is meant: CONFIRM={instance.name}")


def _destroy(instance: Instance, wishes: Wishes) -> str:
    """Remove the site of an instance; return the name of its last archive, or nothing when there is none."""
    if wishes.has_safety:
        restoring.refuse_half_restored(instance)
    with site.opened_target(instance) as found:
        plan = removing.plan(found)
        if process.conduct.dry_run:
            _tell_removal(plan, wishes)
            return ""
        last = _last_archive(plan, wishes)
        try:
            removing.carry_out(plan)
            restricting.remove_files(instance)
        except Fault as fault:
            raise type(fault)(f"{fault}. The env file stays. {_way_on(instance, last)}") from fault
        except BaseException:
            output.warn(f"{instance.name}: the env file stays. {_way_on(instance, last)}")
            raise
    for line in plan.lines():
        output.say(f"{instance.name}: removed {line}")
    for line in plan.stays:
        output.warn(f"{instance.name}: {line}")
    return last


def _last_archive(plan: Plan, wishes: Wishes) -> str:
    """Close the site and archive all of it; return the archive's name.

    Nothing is left out: what EXCLUDE spares every night would be gone for ever.
    """
    found, instance = plan.found, plan.found.instance
    if found.is_blank:
        return ""
    if not wishes.has_safety:
        output.warn(f"{instance.name}: SAFETY=no: there is no last archive; what is removed now is gone")
        return ""
    whole = replace(found, instance=instance.with_(exclude=(), no_index=False))
    try:
        if found.probe.is_tiki:
            visitors.keep_out(instance, REASON)
        with scratch(instance) as folder:
            made = archiving.make_archive(whole, folder, archiving.Wishes()).archive
        if not made.record or not made.record.verified:
            raise ArchiveError(f"{instance.name}: {made.path.name} was not verified")
    except BaseException as fault:
        if found.probe.is_tiki:
            visitors.let_in(instance)
        if isinstance(fault, Fault):
            raise type(fault)(f"{fault}. Without a last archive nothing is removed. If that is meant: "
                              "SAFETY=no") from fault
        raise
    output.say(f"{instance.name}: the last archive is {made.path.name}, {output.size(made.size_bytes)}, verified")
    return made.path.name


def _way_on(instance: Instance, last: str) -> str:
    kept = f"The last archive is {last}; put" if last else "Put"
    back = f"{kept} the site back: make restore INSTANCE={instance.name}, or " if last else ""
    return (f"{back}remove the rest when the cause is mended: make delete INSTANCE={instance.name} DESTROY=1 "
            f"CONFIRM={instance.name} SAFETY=no")


def _tell_removal(plan: Plan, wishes: Wishes) -> None:
    instance = plan.found.instance
    if not plan.found.is_blank:
        output.say(f"would: {'make a last archive' if wishes.has_safety else 'make no last archive (SAFETY=no)'}")
    for line in plan.lines():
        output.say(f"would: remove {line}")
    for line in plan.stays:
        output.say(f"{instance.name}: {line}")


def _tell_plan(instance: Instance) -> None:
    output.say(f"would: move {change.path_of(instance.settings, instance.name)} to "
               f"{instance.settings.state / 'trash'}")
    count = len(archive.of_instance(instance.settings, instance.name))
    if count:
        output.say(f"would: keep its {count} archives in "
                   f"{archive.folder(instance.settings, instance.name)}{archive.FORGOTTEN}...")


def _tell(instance: Instance, wishes: Wishes, where: forgetting.Forgotten) -> None:
    """Say where everything is now."""
    name, settings = instance.name, instance.settings
    at = f" on {instance.ssh_host}" if instance.access == "ssh" else ""
    output.say(f"{name}: forgotten; its env file is {where.env_file}")
    if wishes.destroy:
        output.say(f"{name}: the empty folder {instance.web_root}{at} stays, and the empty database with its account")
    else:
        database = f"database {instance.db_name}" if instance.db_name else "the database that its db/local.php names"
        output.say(f"{name}: the site stays as it is: {instance.web_root}{at}, and {database}")
    if where.archives:
        count = len(archive.of_instance(settings, where.archives.name))
        output.say(f"{name}: {count} {'archives are' if count != 1 else 'archive is'} kept in {where.archives}; to use "
                   f"one: make restore INSTANCE=... ARCHIVE={where.archives}/...")
    output.say(f"{name}: to have it back: {forgetting.way_back(instance, where)}")
