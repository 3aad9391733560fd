"""make logs: what runs did, from their records and their logs."""

from dataclasses import asdict
from datetime import UTC, datetime

from scripts.errors import UsageError
from scripts.notify import letters
from scripts.present import output
from scripts.registry import registry, runs
from scripts.registry.runs import Run
from scripts.registry.settings import Settings

COLUMNS = {"started": "STARTED", "run": "RUN", "by": "BY", "outcome": "RESULT", "took": "TOOK", "cause": "CAUSE"}
MOST = 30               # runs in a table
WHOLE = 100_000         # lines of a log that LAST= shows


def logs(settings: Settings, instance: str, verb: str, last: int | None) -> list[dict[str, object]]:
    """Show the runs of an instance, a verb, or all; with last, so many of the newest with all that they did."""
    if instance and not (found := runs.of(settings, instance, limit=1)):
        registry.require(settings, instance)    # a name that is known, or was once
    found = runs.of(settings, instance, verb.replace("_", "-"), limit=last or MOST)
    if last and not output.manner.is_json:
        for run in reversed(found):
            _tell(settings, run, instance)
        if not found:
            output.say(_none(instance, verb))
    else:
        output.show([_row(run, instance) for run in found], COLUMNS, _none(instance, verb))
    return [_row(run, instance) for run in found]


def wanted(text: str | None) -> int | None:
    """Return how many runs LAST= asks for."""
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"LAST={text}: expected how many of the newest runs to show whole, as in 1")
    return int(text)


def _row(run: Run, instance: str) -> dict[str, object]:
    faults = [fault for fault in run.faults if not instance or fault.instance in (instance, "")]
    seconds = next((part.seconds for part in run.parts if part.instance == instance), run.seconds)
    return {"started": output.local(_moment(run.started)), "run": run.line,
            "by": run.cron_id or ("unattended" if run.unattended else "hand"), "outcome": _outcome(run, instance),
            "took": "-" if seconds is None else output.duration(seconds),
            "cause": ", ".join(dict.fromkeys(fault.kind for fault in faults)), "verb": run.verb,
            "instances": list(run.instances), "exit_code": run.exit_code, "seconds": seconds,
            "faults": [asdict(fault) for fault in faults], "log": run.log}


def _tell(settings: Settings, run: Run, instance: str) -> None:
    """Show one run: how it was called, how it ended, its log."""
    row = _row(run, instance)
    output.answer(f"{row['started']}  {run.line}  ({row['by']}): {row['outcome']}"
                  + ("" if row["took"] == "-" else f" in {row['took']}"))
    for fault in run.faults:
        if not instance or fault.instance in (instance, ""):
            output.answer(f"  {fault.kind}: {fault.message}")
            for line in fault.details.splitlines():
                output.answer(f"    {line}")
    for part in [] if instance else run.parts:
        output.answer(f"  {part.instance}: {part.outcome}, {output.duration(part.seconds)}")
    log = _log_of(settings, run, instance)
    lines = letters.tail(log, instance if len(run.parts) > 1 else "", WHOLE)
    for line in lines or [f"its log is no longer there: {log}"]:
        output.answer(f"  {line}")


def _log_of(settings: Settings, run: Run, instance: str) -> str:
    """Return the log that tells of an instance: with JOBS= each has its own."""
    own = runs.of(settings, instance, parent=run.id, limit=1) if instance else []
    return own[0].log if own else run.log


def _outcome(run: Run, instance: str) -> str:
    return run.outcome_of(instance) if instance else run.outcome


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _none(instance: str, verb: str) -> str:
    return f"No run{f' of {verb}' if verb else ''}{f' of {instance}' if instance else ''} is on record"
