"""Tells of an unattended run that has ended: one message, or none when there is nothing new."""

from contextlib import ExitStack, suppress
from dataclasses import replace

from scripts.errors import Fault
from scripts.notify import causes, deliver, letters, told
from scripts.notify.message import Message
from scripts.registry import runs
from scripts.registry.runs import Run, RunFault
from scripts.registry.settings import Settings


def tell(settings: Settings, run: Run) -> str:
    """Send what is new of a run, if anything is; return what went wrong with the sending, or nothing.

    A disk without room keeps nothing from being told: it is remembered less, and then told once more.
    """
    if not deliver.channels(settings, run.mail_to):
        return ""   # make doctor says that nobody is told
    with ExitStack() as held:
        with suppress(OSError):  # two runs with the same failure tell it once, where that can be
            held.enter_context(runs.alone(settings, "told"))
        found = told.news(settings, run)
        if found.fresh:
            mail_id, why = _sent(settings, run, letters.failure(settings, run, found))
        elif found.recovered:
            mail_id, why = _sent(settings, run, letters.recovery(settings, run, found.recovered))
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


def _sent(settings: Settings, run: Run, message: Message) -> tuple[str, str]:
    try:
        return deliver.send_or_queue(settings, message, run.mail_to)
    except Fault as fault:
        return "", str(fault)

