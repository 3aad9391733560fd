"""One run of one verb, as tasks.py tells its story: which instances are meant, their locks, one after the other or side
by side; a fault stays with its instance.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from scripts.errors import CommandError, Fault, UsageError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.present import output, prompts
from scripts.registry import locks, registry, runs
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.run_log import PART, RunLog
from scripts.registry.runs import Part
from scripts.registry.settings import Settings
from scripts.registry.values import number, seconds
from scripts.steps import hooks, on_record
from scripts.steps.on_record import OnRecord

BUG = 1

LocksOf = Callable[[Instance], Iterable[Lock]]


def reading(instance: Instance) -> list[Lock]:
    """The lock of a verb that only looks at a site."""
    return [Lock(instance.name, exclusive=False)]


def changing(instance: Instance) -> list[Lock]:
    """The locks of a verb that changes a site and may add to its archives."""
    return [Lock(instance.name, exclusive=True), Lock(f"{instance.name}.store", exclusive=True)]


def storing(instance: Instance) -> list[Lock]:
    """The locks of a verb that reads a site and writes its archives."""
    return [Lock(instance.name, exclusive=False), Lock(f"{instance.name}.store", exclusive=True)]


def none(instance: Instance) -> list[Lock]:
    """No lock: an open shell must not block the night's backup."""
    return []


class Run:
    """One run of one verb, given to the story that tasks.py tells."""

    def __init__(self, settings: Settings, log: RunLog, record: OnRecord, jobs: str | None, wait: str | None) -> None:
        self.verb, self.settings = record.run.verb, settings
        self.pending: Fault | None = None
        self._log, self._record = log, record
        self._jobs, self._wait = number(jobs, "JOBS") or 1, seconds(wait, "WAIT")
        self._failed: list[tuple[str, Fault]] = []

    @property
    def mail_to(self) -> tuple[str, ...]:
        """Return the addresses that MAIL_TO= of this call names."""
        return self._record.run.mail_to

    def instance(self, wanted: str | None, label: str = "INSTANCE") -> Instance:
        """Return the one instance that is meant; at a terminal a missing answer is a numbered choice."""
        return registry.load(self.settings, self.name(wanted, label))

    def name(self, wanted: str | None, label: str = "INSTANCE") -> str:
        """Return the name of the one instance that is meant; what its env file says need not be right."""
        wanted = wanted or self._ask_which(label)
        registry.require(self.settings, wanted)
        if label != "FROM":  # the run is about the one that it makes
            self._record.about([wanted])
        return wanted

    def each(self, wanted: str | None, locks_of: LocksOf, story: Callable[[Instance], Any]) -> list[Any]:
        """Tell the story for every instance that is meant; a fault stays with its instance and ends the run last.

        Returns what the stories returned, without those that failed: the task shows it, then the run ends with the
        fault.
        """
        if not wanted:
            wanted = self._ask_which("INSTANCE")
        names = registry.select(self.settings, wanted)
        self._record.about(names)
        if self._jobs > 1 and len(names) > 1:
            return self._side_by_side(names)
        results = []
        for name in names:
            begun, outcome = time.monotonic(), runs.OK
            self._log.write(f"{PART}{name}")
            try:
                instance = registry.load(self.settings, name)
                with self.holding(locks_of(instance), instance) as note:
                    results.append(note(story(instance)))
            except (Fault, OSError) as error:
                if len(names) == 1:
                    raise
                fault = self._log.fault_of(error)
                outcome = on_record.outcome_of([fault])
                self._note(name, fault)
                self._record.add_fault(fault, name)
            self._record.add_part(Part(name, outcome, time.monotonic() - begun))
        self._fail_at_the_end(len(names))
        return results

    @contextmanager
    def holding(self, wanted: Iterable[Lock], instance: Instance | None = None) -> Iterator[hooks.Note]:
        """Hold locks for the length of a story; with the instance it is of, run the site's own hooks around it.

        Yields what takes the story's result, for the hooks that come after it.
        """
        with locks.hold(self.settings, wanted, self.verb, self._patience()), hooks.around(self.verb, instance) as note:
            yield note

    def finish(self) -> None:
        """Raise what failed of several instances, once the others have been told of."""
        if self.pending:
            raise self.pending

    def _patience(self) -> int:
        """Return how many seconds to wait for who holds an instance."""
        if self._wait is not None:
            return self._wait
        return self.settings.wait_seconds if self._record.run.unattended else 0

    def _ask_which(self, label: str) -> str:
        known = registry.names(self.settings)
        if not known or not prompts.can_ask():
            raise UsageError(f"{label}= is missing: which instance? {registry.known_names(self.settings)}")
        return known[prompts.choose(label, known)]

    def _note(self, name: str, fault: Fault) -> None:
        self._failed.append((name, fault))
        tell_fault(self.verb, fault, self._log)

    def _fail_at_the_end(self, count: int) -> None:
        if self._failed:
            from scripts.notify import letters
            for line in [] if output.manner.is_json else letters.table(self._record.run):
                output.say(line)
            failed = ", ".join(name for name, _ in self._failed)
            last = self._failed[-1][1]
            self.pending = type(last)(f"{len(self._failed)} of {count} instances failed: {failed}")
            self.pending.__cause__ = last

    def _side_by_side(self, names: list[str]) -> list[Any]:
        """Run one process an instance: faults, signals and memory stay apart."""
        def job(name: str) -> Callable[[], object]:
            return lambda: self._in_own_process(name)
        os.environ[on_record.PART_OF] = on_record.part_of(self._record.run)
        try:
            outcomes = process.side_by_side(*map(job, names), at_once=self._jobs)
        finally:
            del os.environ[on_record.PART_OF]
        results: list[Any] = []
        told = self._record.parts_of_it()
        for name, outcome in zip(names, outcomes):
            ended = told.get(name)
            if isinstance(outcome, Fault):
                self._note(name, outcome)
                self._record.add_fault_of_part(name, outcome, ended)
            else:
                results += outcome
            how = on_record.outcome_of([outcome] if isinstance(outcome, Fault) else [])
            self._record.add_part(Part(name, how, (ended.seconds if ended else None) or 0.0))
        self._fail_at_the_end(len(names))
        return results

    def _in_own_process(self, name: str) -> Fault | list[Any]:
        words = [word for word in sys.argv[1:] if not word.startswith(("--instance=", "--jobs="))]
        command = Command((sys.argv[0], *words, f"--instance={name}"), f"[manager] {self.verb} {name}")
        try:
            said = process.read(command, on_stderr=_pass_warnings_on).decode("utf-8", "replace").rstrip()
        except CommandError as error:
            # What was killed has said nothing of that.
            own = error.stderr.strip().removeprefix(f"{self.verb}: ") if (error.code or 0) > 0 else ""
            said = own or str(error)
            return _fault_of(error.code)(said)
        if output.manner.is_json:
            return json.loads(said or "[]")
        # Each has written its own log; what a console printed must not come into this one.
        for line in said.splitlines():
            output.tell_secret(line if line.startswith(f"{name}:") else f"{name}: {line}")
        return []


def tell_fault(verb_name: str, fault: Fault, log: RunLog) -> None:
    """Say a fault in one line on stderr, and in the log."""
    line = output.plain(" ".join(f"{verb_name}: {fault}".split()))
    log.write(f"fault: {line}")
    output.complain(line)


def _pass_warnings_on(said: str) -> None:
    """Say what a run in its own process warned of."""
    if said.strip():
        output.complain(said.rstrip())


def _fault_of(code: int | None) -> type[Fault]:
    """Return the kind of fault that ends a run with this exit code."""
    kinds = {kind.exit_code: kind for kind in Fault.__subclasses__()}
    return kinds.get(code or BUG, Fault)
