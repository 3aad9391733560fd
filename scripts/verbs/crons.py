"""make crons: what runs by itself: lines of the crontab and timers of this toolkit, those of persons too."""

from datetime import UTC, datetime

from scripts.health import silence
from scripts.present import output
from scripts.registry import runs
from scripts.registry.runs import Run
from scripts.registry.settings import Settings
from scripts.schedule import times
from scripts.schedule.lines import SYSTEMD, Job
from scripts.steps import scheduling

COLUMNS = {"id": "ID", "at": "AT", "verb": "VERB", "instances": "INSTANCE", "next_run": "NEXT RUN",
           "last_run": "LAST RUN", "result": "RESULT", "note": "NOTE"}
NONE_YET = "Nothing runs by itself yet. Next: make cron VERB=backup INSTANCE=all AT='30 2 * * *'"


def crons(settings: Settings) -> list[dict[str, object]]:
    """Return a row a job, with its next and last run and how that ended."""
    found = scheduling.jobs(settings)
    ids = [one.id for one in found]
    last = runs.last_of_lines(settings, set(ids))
    return [_row(settings, one, last.get(one.id), is_twin=bool(one.id) and ids.count(one.id) > 1) for one in found]


def show(rows: list[dict[str, object]]) -> None:
    """Print the rows; say so when nothing would start them."""
    output.show(rows, COLUMNS, NONE_YET)
    if any(row["place"] != SYSTEMD for row in rows) and not scheduling.cron_runs():
        output.warn("no cron runs on this machine: nothing starts the crontab's lines. Next: service cron start")


def _row(settings: Settings, job: Job, last: Run | None, is_twin: bool) -> dict[str, object]:
    following = times.following(job.at, datetime.now(UTC))
    return {"id": job.id, "at": job.at, "verb": job.verb, "instances": job.instances, "given": job.given,
            "place": job.place, "line": job.text.strip(), "next": following.isoformat() if following else "",
            "next_run": output.local(following)[:16] if following else "",
            "last": datetime.fromtimestamp(last.started, UTC).isoformat(timespec="seconds") if last else "",
            "last_run": output.local(datetime.fromtimestamp(last.started, UTC))[:16] if last else "",
            "result": _result(last), "log": last.log if last else "", "note": _note(settings, job, last, is_twin)}


def _result(last: Run | None) -> str:
    if last is None:
        return ""
    return last.outcome if last.exit_code in (0, None) else f"{last.outcome} ({last.exit_code})"


def _note(settings: Settings, job: Job, last: Run | None, is_twin: bool) -> str:
    """Return what an operator should know of a line."""
    if not job.id:
        return "without CRON=: its runs are not told apart"
    if is_twin:
        return f"CRON={job.id} stands in another line too"
    return silence.of_job(job, last, scheduling.written(settings, job.id))
