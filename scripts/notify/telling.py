"""Tells of an unattended run that has ended: one message, or none when there is nothing new."""

from contextlib import ExitStack, suppress
from dataclasses import replace

from scripts.notify import causes, deliver, letters, told
from scripts.registry import runs
from scripts.registry.runs import Run, RunFault
from scripts.registry.settings import Settings


def tell(settings: Settings, run: Run) -> str:
    """Send what is new of a run, if anything is; return what went wrong with the sending, or nothing.

    A disk without room keeps nothing from being told: it is remembered less, and then told once more. Raises a Fault
    when it can neither be sent nor kept for later.
    """
    if not deliver.channels(settings, run.mail_to):
        return ""   # make doctor says that nobody is told
    with ExitStack() as held:
        with suppress(OSError):  # two runs with the same failure tell it once, where that can be
            held.enter_context(runs.alone(settings, "told"))
        found = told.news(settings, run)
        if found.fresh:
            mail_id, why = deliver.send_or_queue(settings, letters.failure(settings, run, found), run.mail_to)
        elif found.recovered:
            message = letters.recovery(settings, run, found.recovered)
            mail_id, why = deliver.send_or_queue(settings, message, run.mail_to)
        else:
            mail_id, why = "", ""
        with suppress(OSError):
            told.note(settings, run, found, mail_id)
    return why


def of_killed(settings: Settings, run: Run) -> Run:
    """Return a killed run with what is known of its end."""
    why = "the machine went down or was started anew" if runs.machine_went_down(settings, run) else \
        "its process is gone and said nothing: somebody or something killed it"
    instance = run.instances[0] if len(run.instances) == 1 else ""
    return replace(run, faults=(RunFault(instance, causes.KILLED, f"{run.line}: {why}", log=run.log),))

