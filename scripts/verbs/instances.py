"""make instances: the table of all sites. Asks no host: it is quick, and works when one of them is down."""

from scripts.errors import Fault
from scripts.present import output
from scripts.registry import registry
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import lineage
from scripts.store import archive
from scripts.store.archive import Archive

COLUMNS = {"name": "NAME", "access": "ACCESS", "url": "URL", "version": "VERSION", "stage": "STAGE",
           "copy": "COPY OF", "last_archive": "LAST ARCHIVE", "age": "AGE", "proof": "PROOF"}


def instances(settings: Settings, names: list[str]) -> list[dict[str, object]]:
    """Return a row an instance; one whose env file cannot be read has its fault in "problem"."""
    return [_row(settings, name) for name in names]


def _row(settings: Settings, name: str) -> dict[str, object]:
    try:
        instance = registry.load(settings, name)
    except Fault as fault:
        output.warn(f"{name}: {fault}")
        return {"name": name, "access": "?", "problem": str(fault)}
    backups = [one for one in archive.of_instance(settings, name) if not one.is_safety]
    newest, made = backups[0] if backups else None, lineage.read(instance)
    return {"name": name, "access": _access(instance), "url": instance.web_url, "stage": instance.stage,
            "copy": f"{made.source} at {output.local(made.moment)[:16]}" if made else "",
            "copy_of": made.source if made else "", "copy_moment": made.moment.isoformat() if made else "",
            "version": newest.record.version if newest and newest.record else "",
            "last_archive": output.local(newest.moment) if newest else "",
            "age": output.age(newest.moment) if newest else "", "proof": _proof(backups),
            "web_root": instance.web_root, "tags": list(instance.tags), "protected": instance.guarded}


def _access(instance: Instance) -> str:
    return instance.access if instance.access == "local" else f"ssh {instance.ssh_host}"


def _proof(backups: list[Archive]) -> str:
    """Return what the newest archive that was ever put to the proof says."""
    for one in backups:
        if one.record and one.record.not_proven:
            return "not proven"
        if one.record and one.record.proven:
            return f"proven {output.local_text(one.record.proven)[:10]}"
    return "never" if backups else ""
