"""make adopt: takes over what TRIM or Tiki Manager has on record; no host is asked, nothing of theirs is changed."""

from dataclasses import dataclass, field
from pathlib import Path

from scripts.errors import Fault, Findings, RegistryError, UsageError, of_os_error
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry import old_database, old_values, registry
from scripts.registry.instance import Instance
from scripts.registry.old_database import OldInstance
from scripts.registry.old_values import Adopted
from scripts.registry.settings import Settings
from scripts.steps import adopting, enrolling
from scripts.steps.adopting import OldManager
from scripts.store import foreign

COLUMNS = {"number": "ID", "old_name": "OLD NAME", "instance": "INSTANCE", "access": "ACCESS", "web_root": "WEB ROOT",
           "archives": "ARCHIVES", "state": "STATE"}
TAKEN, KNOWN, REFUSED = "taken", "there already", "not taken"


@dataclass
class Report:
    """What is told at the end: a row an instance, remarks, and what could not be taken."""

    rows: list[dict[str, object]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    places: dict[tuple, str] = field(default_factory=dict)  # what this run took: a dry run leaves no env file


def adopt(settings: Settings, wanted: str, archives: str) -> None:
    """Take over every instance of an old manager with its archives; raise Findings when something stays behind."""
    if not wanted:
        wanted = _ask_where()
    manager = adopting.locate(wanted, archives)
    old = old_database.read(manager.database)
    output.say(f"{manager.database}: schema {old.schema}, {len(old.instances)} instances; archives in "
               f"{manager.archives}{'' if manager.archives.is_dir() else ', which is not there'}")
    report = Report(remarks=[f"{what}: not taken" for what in old.left])
    if old.schema > old_database.NEWEST_SCHEMA:
        report.remarks.append(f"schema {old.schema} is newer than {old_database.NEWEST_SCHEMA}: what it added is "
                              "not looked at")
    candidates = _translated(old.instances, report)
    names = old_values.new_names(one.old for one in candidates)
    for one in candidates:
        _take(settings, manager, one, names[one.old.number], report)
    report.rows.sort(key=lambda row: row["number"])
    report.refused += adopting.unclaimed(manager.archives, {one.folder for one in old.instances},
                                         {str(one.number): one.name for one in old.instances})
    _tell(report)


def _ask_where() -> str:
    if not prompts.can_ask():
        raise UsageError("FROM= is missing: which folder of TRIM or Tiki Manager? It has data/trim.db in it")
    return prompts.ask("Folder of TRIM or Tiki Manager, with data/trim.db in it")


def _translated(olds: tuple[OldInstance, ...], report: Report) -> list[Adopted]:
    """Return what the old instances become; those that cannot come are told."""
    adopted = []
    for old in olds:
        try:
            adopted.append(old_values.translate(old))
        except RegistryError as fault:
            _refuse(report, old, str(fault))
    return adopted


def _take(settings: Settings, manager: OldManager, one: Adopted, name: str, report: Report) -> None:
    """Write the env file of one instance and bring its archives."""
    found = _archives(manager, one.old, report)
    try:
        instance, state = _registered(settings, one.instance(settings, name))
        if instance.place in report.places:
            raise RegistryError(f"is the same site as {report.places[instance.place]}")
        report.places[instance.place] = name
        if state == TAKEN:
            adopting.refuse_other_archives(settings, name, found)
            instance = _written(settings, manager, one, instance)
            report.remarks += [f"{name}: {remark}" for remark in _remarks(one, instance)]
    except (Fault, OSError) as error:
        _refuse(report, one.old, str(of_os_error(error) if isinstance(error, OSError) else error))
        return
    failed = adopting.bring_archives(instance, found) if found else []
    report.refused += failed
    report.rows.append(_row(one.old, state, instance, f"{len(found) - len(failed)} of {len(found)}"))


def _registered(settings: Settings, instance: Instance) -> tuple[Instance, str]:
    """Return the instance and whether it is new here; raise RegistryError when its name means another site."""
    if instance.name in registry.names(settings):
        known = registry.load(settings, instance.name)
        if known.place != instance.place:
            raise RegistryError(f"instances.d/{instance.name}.env is there already and means another site, "
                                f"{known.web_root}. Rename that one, and adopt again")
        return known, KNOWN
    other = registry.same_place(settings, instance)
    return (registry.load(settings, other), KNOWN) if other else (instance, TAKEN)


def _written(settings: Settings, manager: OldManager, one: Adopted, instance: Instance) -> Instance:
    if instance.access == "ssh" and (key := adopting.take_key(settings, manager)):
        one.values["SSH_KEY"] = key
        instance = one.instance(settings, instance.name)
    enrolling.write(settings, instance, f"taken over as it was on record. Next: make doctor INSTANCE={instance.name}")
    return instance


def _remarks(one: Adopted, instance: Instance) -> list[str]:
    remarks = list(one.remarks)
    plain = old_values.name_of(one.old)
    if instance.name != plain:
        remarks.append(f"it was {one.old.called}; {plain} is the name of another")
    if adopting.unknown_host(instance):
        remarks.append(f"no host key of {instance.ssh_host} is on record here. Next: make copysshkey "
                       f"INSTANCE={instance.name}")
    return remarks


def _archives(manager: OldManager, old: OldInstance, report: Report) -> dict[str, Path]:
    """Return the archives of an old instance: those whose folder bears its id and its name, not its id alone."""
    folder = foreign.folders(manager.archives).get(old.folder)
    if folder is None:
        return {}
    found = foreign.found_in(folder)
    report.refused += found.others
    return found.archives


def _refuse(report: Report, old: OldInstance, why: str) -> None:
    report.rows.append(_row(old, REFUSED, None, ""))
    report.refused.append(f"{old.called}: {why}")


def _row(old: OldInstance, state: str, instance: Instance | None, archives: str) -> dict[str, object]:
    place = f"ssh {instance.ssh_host}" if instance and instance.access == "ssh" else old.access
    would = "would be " if process.conduct.dry_run and state == TAKEN else ""
    return {"number": old.number, "old_name": old.name, "instance": instance.name if instance else "",
            "access": place, "web_root": old.web_root, "archives": archives, "state": would + state}


def _tell(report: Report) -> None:
    """Show the table, then what is to be known, then what did not come; raise Findings for the last."""
    if output.manner.is_json:
        output.show_json([{"instances": report.rows, "remarks": report.remarks, "not_taken": report.refused}])
    else:
        output.show(report.rows, COLUMNS, "It has no instance on record")
    for remark in report.remarks:
        output.say(f"note: {remark}")
    for refused in report.refused:
        output.warn(f"not taken: {refused}")
    if report.refused:
        raise Findings(f"{len(report.refused)} could not be taken, each told above with its reason; what it takes to "
                       "finish stands there, and make adopt may be called again")
