"""One run of one verb, as tasks.py tells its story: which instances are meant, their locks, one after the other or side
by side; a fault stays with its instance.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from scripts.errors import Fault, RefusedError, UsageError
from scripts.hosts import forks, outcome, shared
from scripts.hosts.forks import Ended, Work
from scripts.present import output, prompts
from scripts.registry import locks, registry, runs
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.run_log import PART, RunLog, called
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
        if len(names) > 1:
            shared.remember_refusals()
        if self._jobs > 1 and len(names) > 1:
            return self._side_by_side(names)
        results = []
        for name in names:
            begun, how = time.monotonic(), runs.OK
            self._log.write(f"{PART}{name}")
            try:
                with self.locked(locks_of, registry.load(self.settings, name)) as (note, instance):
                    results.append(note(story(instance)))
            except (Fault, OSError) as error:
                if len(names) == 1:
                    raise
                fault = self._log.fault_of(error)
                how = on_record.outcome_of([fault])
                self._note(name, fault)
                self._record.add_fault(fault, name)
            self._record.add_part(Part(name, how, time.monotonic() - begun))
        self._fail_at_the_end(len(names))
        return results

    @contextmanager
    def holding(self, wanted: Iterable[Lock]) -> Iterator[None]:
        """Hold locks for the length of a story that is of no instance, or only looks at some."""
        with locks.hold(self.settings, wanted, self.verb, self._patience()):
            yield

    @contextmanager
    def locked(self, locks_of: Callable[..., Iterable[Lock]], *instances: Instance) -> Iterator[tuple[Any, ...]]:
        """Hold the locks of instances for the length of a story, and run the site's own hooks around it.

        Yields what takes the story's result, for the hooks that come after it, and the instances as their env files
        say now: while another run was waited for, it may have written them. The story, and the hooks, are of the
        first. Raises RefusedError when other locks would have to be held by now.
        """
        wanted = sorted(locks_of(*instances))
        with locks.hold(self.settings, wanted, self.verb, self._patience()):
            fresh = [self.again(one) for one in instances]
            if sorted(locks_of(*fresh)) != wanted:
                raise RefusedError(f"{fresh[0].name}: its env file was changed while another run was waited for, and "
                                   "this would be about other instances now. Nothing was changed. Next: the same again")
            with hooks.around(self.verb, fresh[0]) as note:
                yield note, *fresh

    def again(self, instance: Instance) -> Instance:
        """Return an instance as its env file says now."""
        return registry.load(self.settings, instance.name)

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
        outcomes: dict[str, tuple[list[Any], Fault | None]] = {}

        def on_end(ended: Ended) -> None:
            name = names[ended.place]
            outcomes[name] = self._outcome(name, ended)

        words = [word for word in called() if not word.startswith(("--instance=", "--jobs="))]
        os.environ[on_record.PART_OF] = on_record.part_of(self._record.run)
        try:
            forks.side_by_side([Work(f"[manager] {self.verb} {name}", name,
                                     partial(again, [*words, f"--instance={name}"])) for name in names],
                               self._jobs, on_end)
        finally:
            del os.environ[on_record.PART_OF]
        results: list[Any] = []
        told = self._record.parts_of_it()
        for name in names:
            (found, fault), ended = outcomes[name], told.get(name)
            results += found
            if fault:
                self._note(name, fault)
                self._record.add_fault_of_part(name, fault, ended)
            how = on_record.outcome_of([fault] if fault else [])
            self._record.add_part(Part(name, how, (ended.seconds if ended else None) or 0.0))
        self._fail_at_the_end(len(names))
        return results

    def _outcome(self, name: str, ended: Ended) -> tuple[list[Any], Fault | None]:
        """Return what the run of one instance found, and its fault; say what it said."""
        is_well = not (ended.code or ended.running.stalled_seconds)
        results = _pass_on(name, ended.stdout.decode("utf-8", "replace").rstrip(), is_well)
        if is_well:
            _pass_warnings_on(outcome.tail(ended.running.stderr))
            return results, None
        error = ended.running.fault(ended.code)
        # The fault is said last; what was killed has said nothing of that.
        before, _, last = error.stderr.strip().rpartition("\n")
        if ended.code < 0 or not last.startswith(f"{self.verb}: "):
            return results, _fault_of(ended.code)(error.stderr.strip() if ended.code > 0 else str(error))
        _pass_warnings_on(before)
        return results, _fault_of(ended.code)(last.removeprefix(f"{self.verb}: "))


def again(words: list[str]) -> None:
    """Run this program once more, with other words; it ends by SystemExit."""
    from invoke.main import program
    sys.argv = [sys.argv[0], *words]
    program.run()


def tell_fault(verb_name: str, fault: Fault, log: RunLog) -> None:
    """Say a fault in one line on stderr, and in the log."""
    line = output.plain(" ".join(f"{verb_name}: {fault}".split()))
    log.write(f"fault: {line}")
    output.complain(line)


def _pass_on(name: str, said: str, is_whole: bool) -> list[Any]:
    """Return what a run in its own process found, when it said that for programs; else say it."""
    if output.manner.is_json:
        try:
            return json.loads(said or "[]")
        except ValueError:
            if is_whole:
                raise
            return []   # it was ended in the middle
    # Each has written its own log; what a console printed must not come into this one.
    for line in said.splitlines():
        output.tell_secret(line if line.startswith(f"{name}:") else f"{name}: {line}")
    return []


def _pass_warnings_on(said: str) -> None:
    """Say what a run in its own process warned of."""
    if said.strip():
        output.complain(said.rstrip())


def _fault_of(code: int | None) -> type[Fault]:
    """Return the kind of fault that ends a run with this exit code."""
    kinds = {kind.exit_code: kind for kind in Fault.__subclasses__()}
    return kinds.get(code or BUG, Fault)
