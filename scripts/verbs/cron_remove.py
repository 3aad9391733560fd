"""make cron-remove: takes a line of ours out of the crontab, or a timer away; everything else stays byte for byte."""

from scripts.errors import UsageError
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry.settings import Settings
from scripts.steps import scheduling


def cron_remove(settings: Settings, wanted: str) -> list[dict[str, object]]:
    """Take the jobs of an id away and return what they were."""
    job_id = wanted or _asked(settings)
    removed = scheduling.remove(settings, job_id)
    if not removed:
        output.say(f"{job_id}: was gone already; nobody is told of it any more")
    would = "would be removed" if process.conduct.dry_run else "removed"
    for one in removed:
        output.say(f"{job_id}: {would}: {one.text.strip()}")
    return [{"id": one.id, "line": one.text.strip(), "place": one.place} for one in removed]


def _asked(settings: Settings) -> str:
    known = [one for one in scheduling.jobs(settings) if one.id]
    if not known or not prompts.can_ask():
        ids = ", ".join(sorted({one.id for one in known})) or "none"
        raise UsageError(f"ID= is missing: which line? Known: {ids}. They are in: make crons")
    return known[prompts.choose("ID", [f"{one.id}: {one.text.strip()}" for one in known])].id
