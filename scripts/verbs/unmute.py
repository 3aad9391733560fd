"""make unmute: a muted copy acts for itself again: its mail, its jobs, its logins; and its banner is gone."""

from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import quieting


def unmute(instance: Instance) -> dict[str, object]:
    """Unmute one instance and return what was put back."""
    would = "would: " if process.conduct.dry_run else ""
    told = quieting.unmute(instance)
    for sentence in told:
        output.say(f"{would}{instance.name}: {sentence}")
    if not would:
        output.say(f"{instance.name}: is not muted any more: its mail goes out")
    return {"instance": instance.name, "unmuted": told}
