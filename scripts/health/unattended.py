"""What keeps failures of unattended runs from being heard of: nobody to tell, unsent messages, killed runs."""

import time
from collections.abc import Iterator

from scripts.errors import Fault
from scripts.health import mends
from scripts.health.finding import MANAGER, Checked, Wrong, look
from scripts.notify import outbox
from scripts.registry import runs
from scripts.registry.settings import Settings
from scripts.steps import scheduling

LAST_RUNS = 200     # of which a killed one is looked for


def checks(settings: Settings) -> Iterator[Checked]:
    """Look at whether somebody would hear of a failure, and at failures that nobody has heard of."""
    yield look(MANAGER, "mail", lambda: _mail(settings), mends.edit_settings(settings))
    yield look(MANAGER, "killed runs", lambda: _killed(settings), mends.make(settings, "logs"))


def _mail(settings: Settings) -> Iterator[Wrong]:
    waiting = [one for _, one in outbox.waiting(settings)]
    if waiting:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(waiting[0].since))
        count = f"{len(waiting)} message{'s' if len(waiting) > 1 else ''}"
        yield Wrong(f"{count} could not be sent, the oldest since {since}: {waiting[0].subject} ({waiting[-1].why})",
                    mends.make(settings, "notify-test"))
    if not settings.mail_to and not settings.apprise_file and (lines := _by_themselves(settings)):
        what = "1 job runs" if lines == 1 else f"{lines} jobs run"
        yield Wrong(f"{what} unattended and MAIL_TO is not set: nobody hears of a failure",
                    mends.edit_settings(settings))


def _by_themselves(settings: Settings) -> int:
    """Return how many lines of the crontab and timers call us without saying themselves who is told."""
    try:
        return sum("MAIL_TO" not in job.given for job in scheduling.jobs(settings))
    except Fault:
        return 0    # that it cannot be read is a finding of its own


def _killed(settings: Settings) -> Iterator[Wrong]:
    """Tell of unattended runs that were killed and have not run since; where nobody is told by mail it stays here."""
    later: set[tuple] = set()
    for run in runs.of(settings, limit=LAST_RUNS):
        call = (run.verb, run.instances)
        if run.outcome == runs.KILLED and run.unattended and call not in later:
            began = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
            first = {"INSTANCE": run.instances[0]} if len(run.instances) == 1 else {}
            yield Wrong(f"{run.line}, begun {began}, was killed, and it has not run since",
                        mends.make(settings, "logs", **first, VERB=run.verb, LAST="1"))
        later.add(call)
