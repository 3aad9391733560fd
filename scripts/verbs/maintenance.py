"""make maintenance: puts the maintenance page up, or takes it away and with it whatever a broken restore left."""

from datetime import UTC, datetime

from scripts.errors import RefusedError, RegistryError, UsageError
from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import mods_journal, restoring, restricting, visitors
from scripts.tiki import maintenance as page
from scripts.tiki.maintenance_page import Notice

USUAL_REASON = "This site is being worked on."


def wanted_state(text: str | None) -> bool:
    """Return whether STATE= asks for the page; raise UsageError when it says neither on nor off."""
    if text not in ("on", "off"):
        raise UsageError(f"STATE={text or ''}: expected on or off")
    return text == "on"


def maintenance(instance: Instance, is_wanted: bool, reason: str) -> None:
    """Bring the page of one instance into the wanted state."""
    if "\n" in reason:
        raise UsageError("REASON: expected one line")
    if not instance.host.present(instance.web_root, kind="d"):
        raise RegistryError(f"{instance.name}: {instance.web_root}: there is no such folder on the host. Give another "
                            f"WEB_ROOT in instances.d/{instance.name}.env")
    if is_wanted:
        visitors.show(instance, instance.web_root, Notice(datetime.now(UTC), reason or USUAL_REASON))
        _tell(instance, "visitors see the maintenance page")
        return
    note = restoring.unfinished(instance)
    if note and note.is_clone and not note.is_open:
        raise RefusedError(f"{instance.name}: {note.what} did not come to its end: opened as it is, the site could act "
                           f"as {note.source}, mails included. {restoring.way_out(instance, note)}")
    if note and note.is_update:
        raise RefusedError(f"{instance.name}: {note.what} did not come to its end: code and database may not go "
                           f"together. {restoring.way_out(instance, note)}")
    if (journal := mods_journal.read(instance)) and mods_journal.counts(instance, journal):
        raise RefusedError(f"{instance.name}: {note.what} did not come to its end: files and database may not go "
                           f"together. Next: make fix INSTANCE={instance.name}, which takes back what it did")
    restricting.apply(instance)  # what lies beside the page may be an archive's .htaccess, from a broken restore
    page.turn_off(instance.host, instance.web_root)
    restoring.end(instance)
    if note and not process.conduct.dry_run:
        output.warn(f"{instance.name}: the site is as {note.what} that broke off left it"
                    + (f"; what was there before is in {note.safety}" if note.safety else ""))
    _tell(instance, "visitors see the site")


def _tell(instance: Instance, what: str) -> None:
    if not process.conduct.dry_run:
        output.say(f"{instance.name}: {what}")
