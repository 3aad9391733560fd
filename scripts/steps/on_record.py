"""One run as others hear of it: put on record when it begins and when it ends, told by mail when nobody looked.

None of this may keep a run from its work or change how it ends: what goes wrong here is a warning.
"""

import os
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from scripts.errors import BusyError, Fault, Findings, ReaderGoneError, UnsaidError
from scripts.hosts import process
from scripts.present import output
from scripts.registry import process_mark, runs
from scripts.registry.process_mark import PART_OF
from scripts.registry.run_log import RunLog, called, covered
from scripts.registry.runs import Part, RunFault
from scripts.registry.settings import Settings

# What a person writes first, and last; make gives them in no order.
PLACES = {"INSTANCE": 0, "NAME": 0, "FROM": 0, "TO": 1, "V": 7, "JSON": 8, "WAIT": 8, "MAIL_TO": 8, "UNATTENDED": 9}
LETTERS = {"verbose": "V", "side-a": "A", "side-b": "B"}
# They only show what is known: an attended one leaves no record.
TABLES = ("instances", "archives", "stages", "versions", "shows", "completion", "logs", "crons", "status")
BUG = 1     # the exit code of a run that ends in a way that nobody foresaw
# Their failure is the answer to who asked.
NOT_TOLD = ("notify-test",)


class OnRecord:
    """The record of this run; nothing is written and nobody told in a dry run."""

    def __init__(self, verb: str, log: RunLog) -> None:
        self.run = runs.Run(runs.new_id(), verb, started=time.time())
        self._log = log
        self._settings: Settings | None = None
        self._is_kept = False
        self._came_through = False
        self._code = 0
        self._faults: list[Fault] = []

    @property
    def has_begun(self) -> bool:
        return self._settings is not None

    def begin(self, settings: Settings, unattended: bool, cron_id: str, mail_to: tuple[str, ...], wait: str) -> None:
        """Put the run on record, tell of those that were killed, and ping that it has begun."""
        self._settings = settings
        line = make_line(self.run.verb, {"MAIL_TO": ",".join(mail_to), "WAIT": wait})
        self.run = replace(self.run, line=line, unattended=unattended, cron_id=cron_id, mail_to=mail_to,
                           log=str(self._log.path), parent=whole()[0])
        self._is_kept = not process.conduct.dry_run and (unattended or self.run.verb not in TABLES)
        if self._is_kept:
            self._kept(lambda: runs.begin(settings, self.run))
        if not (self.run.parent or process.conduct.dry_run):
            self._kept(lambda: runs.close_killed(settings, self._tell_killed))
            self._kept(lambda: self._ping("/start"))

    def about(self, names: Sequence[str]) -> None:
        """Add which instances the run is about."""
        known = (*self.run.instances, *(name for name in names if name not in self.run.instances))
        if known != self.run.instances:
            self.run = replace(self.run, instances=known)
            if self._is_kept:
                self._kept(lambda: runs.begin(self._settings, self.run))

    def add_part(self, part: Part) -> None:
        self.run = replace(self.run, parts=(*self.run.parts, part))

    def add_fault(self, fault: Fault, instance: str = "", log: str = "") -> None:
        """Add what went wrong with one instance, or with the run."""
        from scripts.notify import causes
        settings = self._settings
        instance = instance or (self.run.instances[0] if len(self.run.instances) == 1 else "")
        kind = "wrong settings"
        if settings:
            kind = causes.FAILED
            with suppress(Exception):   # to name a cause, files are looked at that may be what is broken
                kind = causes.of(settings, fault, instance)
        self._add(RunFault(instance, kind, " ".join(str(fault).split()), getattr(fault, "details", ""),
                           log or str(self._log.path)), fault)

    def add_fault_of_part(self, name: str, fault: Fault, part: runs.Run | None) -> None:
        """Add what went wrong in a part of this run, in that one's own words where it left them."""
        if part and part.faults:
            for told in part.faults:
                self._add(replace(told, instance=name), fault)
        else:
            self.add_fault(fault, name, part.log if part else "")

    def failed(self, fault: Fault, is_summary: bool) -> None:
        """Note the fault that ends the run; a summary only sums up what was added before."""
        self._code = fault.exit_code
        if not is_summary:
            self.add_fault(fault)

    def came_through(self) -> None:
        """Note that the run came to its end; one that did not, and left no word why, is no good one."""
        self._came_through = True

    def was_ended(self, code: int, why: str) -> None:
        """Note an end that is no fault of an operator's: a signal, a bug."""
        self._code = code
        instance = self.run.instances[0] if len(self.run.instances) == 1 else ""
        kind = why.split(": ")[0]
        self._add(RunFault(instance, kind, why, log=str(self._log.path)), Fault(why))

    def _add(self, told: RunFault, fault: Fault) -> None:
        self._faults.append(fault)
        self.run = replace(self.run, faults=(*self.run.faults, told))

    def parts_of_it(self) -> dict[str, runs.Run]:
        """Return the runs that were parts of this one, by their instance."""
        found = runs.of(self._settings, parent=self.run.id) if self._is_kept else []
        return {run.instances[0]: run for run in found if run.instances}

    def end(self) -> None:
        """Put the end on record and tell of it, when it was not attended."""
        settings = self._settings
        if not (self._came_through or self._faults):
            self.was_ended(BUG, f"ended before its time: {sys.exc_info()[1] or 'nobody knows why'}")
        self.run = replace(self.run, ended=time.time(), exit_code=self._code, outcome=outcome_of(self._faults))
        if settings is None or process.conduct.dry_run:
            return
        is_of_interest = self.run.unattended and not self.run.parent and self.run.verb not in NOT_TOLD
        is_told = True
        if is_of_interest:
            if self._is_kept:   # should we be killed while a mail server lets us wait, the next run tells it
                self._kept(lambda: runs.begin(settings, self.run))
            is_told = self._kept(lambda: self._tell(self.run), "nobody was told of this")
        if self._is_kept and is_told:
            self._kept(lambda: runs.end(settings, self.run))
        if self.run.parent:
            return
        if is_of_interest:
            self._kept(lambda: self._ping({runs.OK: "", runs.BUSY: "/log"}.get(self.run.outcome, "/fail")))
        self._kept(self._tidy)
        self._kept(self._send_what_waits)

    # Telling

    def _tell(self, run: runs.Run) -> None:
        from scripts.notify import telling
        if why := telling.tell(self._settings, run):
            output.warn(f"nobody was told of this by mail; the next run tries again: {why}")

    def _tell_killed(self, run: runs.Run) -> None:
        from scripts.notify import telling
        if run.parent or not run.unattended:
            return
        if run.outcome == runs.KILLED:
            run = telling.of_killed(self._settings, run)
            output.warn(run.faults[0].message)
        self._tell(run)

    def _ping(self, moment: str) -> None:
        if not (self._settings.ping_file and self.run.unattended) or self.run.verb in NOT_TOLD:
            return
        from scripts.notify import letters, pings
        said = [fault.message for fault in self.run.faults] or [self.run.line]
        text = "\n".join([*said, *letters.tail(self.run.log)]) if moment else "\n".join(said)
        if why := pings.ping(self._settings, self.run, moment, text):
            self._log.write(f"ping: {why}")

    def _send_what_waits(self) -> None:
        if not (self._settings.state / "outbox").is_dir():
            return
        from scripts.notify import deliver
        if waiting := deliver.send_waiting(self._settings, is_patient=self.run.unattended):
            oldest = time.strftime("%Y-%m-%d %H:%M", time.localtime(waiting[0].since))
            output.warn(f"{len(waiting)} message{'s' if len(waiting) > 1 else ''} since {oldest} could not be sent: "
                        f"{waiting[-1].why}. Next: make notify-test")

    def _tidy(self) -> None:
        from scripts.registry import rotation
        rotation.rotate(self._settings)

    def _kept(self, work: Callable[[], None], otherwise: str = "") -> bool:
        """Do what must not change how the run ends, whatever goes wrong with it; return whether it was done."""
        try:
            work()
            return True
        except Exception as error:  # noqa: BLE001 - the run's own end is what counts
            self._log.write(traceback.format_exc())
            if otherwise:
                output.warn(f"{otherwise}: {type(error).__name__}: {error}")
            return False


def whole() -> tuple[str, bool]:
    """Return which run this one is a part of, and whether nobody looks at that one; nothing when it is a whole.

    A part is started by its whole itself: what a hook starts tells of itself.
    """
    run_id, _, unattended = os.environ.get(PART_OF, "").partition(":")
    return (run_id, unattended == "1") if process_mark.is_part() else ("", False)


def part_of(run: runs.Run) -> str:
    """Return what tells a part which run it is a part of."""
    return f"{run.id}:{int(run.unattended)}"


def make_line(verb: str, more: dict[str, str]) -> str:
    """Return this run's call of make, as a person would repeat it; a login in an address is covered."""
    given = {}
    words = called()
    for word in words[1:] if words[:1] == [verb] else []:
        name, is_set, text = covered(word).removeprefix("--").partition("=")
        if is_set:
            given[LETTERS.get(name, name.upper().replace("-", "_"))] = text
    words = sorted((given | more).items(), key=lambda one: PLACES.get(one[0], len(PLACES) // 2))
    shown = (f"{name}={shlex.quote(text)}" for name, text in words if text)
    return " ".join([f"make {verb}", *shown])


def outcome_of(faults: Sequence[Fault]) -> str:
    """Return how a run ended in which these went wrong."""
    did_its_work = (Findings, UnsaidError, ReaderGoneError)
    for kind, outcome in ((did_its_work, runs.FINDINGS), (BusyError, runs.BUSY)):
        if faults and all(isinstance(fault, kind) for fault in faults):
            return outcome
    return runs.FAULT if faults else runs.OK
