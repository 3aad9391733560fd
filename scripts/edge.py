"""What surrounds every verb: settings, run log, locks, signals, dry run; and the only place where a fault
becomes one line on stderr and an exit code.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.errors import CommandError, Fault, UsageError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.present import output, prompts
from scripts.registry import locks, registry, schema
from scripts.registry.env_file import nearest
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.run_log import RunLog
from scripts.registry.settings import Settings
from scripts.registry.settings import load as load_settings
from scripts.steps import hooks

TOP = Path(__file__).resolve().parent.parent
RESTRICT_PASS = "RESTRICT_PASS"
BUG = 1
SIGNALLED = 128  # a shell's way to say which signal ended a program: 128 + its number

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


@dataclass(frozen=True)
class Common:
    """The switches that every verb takes, as they came from make: DRY, V, JSON, UNATTENDED, JOBS."""

    dry: str | None = None
    verbose: str | None = None
    json: str | None = None
    unattended: str | None = None
    jobs: str | None = None


class Run:
    """One run of one verb, given to the story that tasks.py tells."""

    def __init__(self, verb: str, common: Common, settings: Settings, log: RunLog) -> None:
        self.verb, self.settings = verb, settings
        self._common, self._log = common, log
        self._faults: list[tuple[str, Fault]] = []

    def instance(self, wanted: str | None, label: str = "INSTANCE") -> Instance:
        """Return the one instance that is meant; at a terminal a missing answer is a numbered choice."""
        return registry.load(self.settings, self.name(wanted, label))

    def name(self, wanted: str | None, label: str = "INSTANCE") -> str:
        """Return the name of the one instance that is meant; what its env file says need not be right."""
        wanted = wanted or self._ask_which(label)
        registry.require(self.settings, wanted)
        return wanted

    def each(self, wanted: str | None, locks_of: LocksOf, story: Callable[[Instance], Any]) -> list[Any]:
        """Tell the story for every instance that is meant; a fault stays with its instance and ends the run last.

        Returns what the stories returned, without those that failed.
        """
        if not wanted:
            wanted = self._ask_which("INSTANCE")
        names = registry.select(self.settings, wanted)
        jobs = number(self._common.jobs, "JOBS") or 1
        if jobs > 1 and len(names) > 1:
            return self._side_by_side(names, jobs)
        results = []
        for name in names:
            try:
                instance = registry.load(self.settings, name)
                with self.holding(locks_of(instance), instance) as note:
                    results.append(note(story(instance)))
            except (Fault, OSError) as fault:
                if len(names) == 1:
                    raise
                self._note(name, self._log.fault_of(fault))
        self._fail_at_the_end(len(names))
        return results

    @contextmanager
    def holding(self, wanted: Iterable[Lock], instance: Instance | None = None) -> Iterator[hooks.Note]:
        """Hold locks for the length of a story; with the instance it is of, run the site's own hooks around it.

        Yields what takes the story's result, for the hooks that come after it.
        """
        with locks.hold(self.settings, wanted, self.verb), hooks.around(self.verb, instance) as note:
            yield note

    def _ask_which(self, label: str) -> str:
        known = registry.names(self.settings)
        if not known or not prompts.can_ask():
            raise UsageError(f"{label}= is missing: which instance? {registry.known_names(self.settings)}")
        return known[prompts.choose(label, known)]

    def _note(self, name: str, fault: Fault) -> None:
        self._faults.append((name, fault))
        tell_fault(self.verb, fault, self._log)

    def _fail_at_the_end(self, count: int) -> None:
        if self._faults:
            failed = ", ".join(name for name, _ in self._faults)
            last = self._faults[-1][1]
            summary = type(last)(f"{len(self._faults)} of {count} instances failed: {failed}")
            raise summary from last

    def _side_by_side(self, names: list[str], jobs: int) -> list[Any]:
        """Run one process an instance: faults, signals and memory stay apart."""
        def job(name: str) -> Callable[[], object]:
            return lambda: self._in_own_process(name)
        results: list[Any] = []
        for name, outcome in zip(names, process.side_by_side(*map(job, names), at_once=jobs)):
            if isinstance(outcome, Fault):
                self._note(name, outcome)
            else:
                results += outcome
        self._fail_at_the_end(len(names))
        return results

    def _in_own_process(self, name: str) -> Fault | list[Any]:
        words = [word for word in sys.argv[1:] if not word.startswith(("--instance=", "--jobs="))]
        command = Command((sys.argv[0], *words, f"--instance={name}"), f"[manager] {self.verb} {name}")
        try:
            said = process.read(command, on_stderr=_pass_warnings_on).decode("utf-8", "replace").rstrip()
        except CommandError as error:
            said = error.stderr.strip().removeprefix(f"{self.verb}: ") or str(error)
            return _fault_of(error.code)(said)
        if output.manner.is_json:
            return json.loads(said or "[]")
        # Each has written its own log; what a console printed must not come into this one.
        for line in said.splitlines():
            output.tell_secret(line if line.startswith(f"{name}:") else f"{name}: {line}")
        return []


@contextmanager
def verb(name: str, common: Common) -> Iterator[Run]:
    """Surround one verb. Leaves by SystemExit when it fails, after one line on stderr."""
    log = RunLog(name)
    try:
        _turn_signals_into_exits()
        settings = load_settings(TOP)
        _set_manner(common, settings, log)
        yield Run(name, common, settings, log)
    except (Fault, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        fault = log.fault_of(error)
        tell_fault(name, fault, log)
        raise SystemExit(fault.exit_code) from error
    except KeyboardInterrupt as stop:
        raise SystemExit(SIGNALLED + signal.SIGINT) from stop
    except SystemExit:
        raise
    except Exception as bug:
        log.write(traceback.format_exc())
        print(f"{name}: a fault of TRIM itself: {type(bug).__name__}: {bug}. The details are in {log.path}; "
              "please report it", file=sys.stderr)
        raise SystemExit(BUG) from bug
    finally:
        log.close()


def tell_fault(verb_name: str, fault: Fault, log: RunLog) -> None:
    """Say a fault in one line on stderr, and in the log."""
    line = " ".join(f"{verb_name}: {fault}".split())
    log.write(f"fault: {line}")
    print(line, file=sys.stderr, flush=True)


def number(text: str | None, name: str) -> int | None:
    """Return a whole number of at least 1 that a variable gives, or None when it is not given."""
    if text is None or text == "":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"{name}={text}: expected a whole number from 1 on")
    return int(text)


def switch(text: str | None, name: str) -> bool:
    """Return what a switch says: 1, yes, on, 0, no, off; not given is off."""
    if text is None or text == "":
        return False
    if text.lower() not in schema.YES + schema.NO:
        raise UsageError(f"{name}={text}: expected 1, yes, on, or 0, no, off")
    return text.lower() in schema.YES


def one_of(text: str | None, name: str, choices: tuple[str, ...]) -> str | None:
    """Return one of the words that a variable may be, or None when it is not given."""
    if not text:
        return None
    if text not in choices:
        raise UsageError(f"{name}={text}: expected {' or '.join(choices)}{nearest(text, choices)}")
    return text


def words(text: str | None) -> tuple[str, ...]:
    """Return the parts of a comma list."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def database_from_environment() -> dict[str, str]:
    """Return the DB_* values of the environment: the only ones taken from there, because they may be secret."""
    keys = ("DB_HOST", "DB_NAME", "DB_USER", "DB_PASS")
    return {key: os.environ[key] for key in keys if os.environ.get(key)}


def restrict_password() -> str:
    """Return the password of the environment that make restrict gives to a login."""
    return os.environ.get(RESTRICT_PASS, "")


def _is_secret(name: str) -> bool:
    return name.startswith("DB_") or name == RESTRICT_PASS


def refuse_variables(verb_name: str, given: str, known: str) -> None:
    """Raise UsageError that names the first variable of make's command line that this verb does not take."""
    unknown = sorted(set(given.split()) - set(known.split()), key=lambda name: (not _is_secret(name), name))
    if unknown[0] == RESTRICT_PASS:
        raise UsageError(f"{RESTRICT_PASS}= stands on make's command line, which every account of this machine can "
                         f"read. Give it in the environment: {RESTRICT_PASS}=... make {verb_name} ..., or be asked")
    if unknown[0].startswith("DB_"):
        raise UsageError(f"{unknown[0]}= stands on make's command line, which every account of this machine can read. "
                         f"Give it in the environment: {unknown[0]}=... make {verb_name} ..., or in the env file")
    near, takes = nearest(unknown[0].upper(), known.split()), ", ".join(sorted(known.split()))
    raise UsageError(f"{unknown[0]}= is not a variable of make {verb_name}{near}. It takes: {takes}")


def _set_manner(common: Common, settings: Settings, log: RunLog) -> None:
    log.open(settings)
    output.manner.is_json = switch(common.json, "JSON")
    output.manner.is_quiet = switch(common.unattended, "UNATTENDED")
    output.manner.also = log.write
    process.conduct.dry_run = switch(common.dry, "DRY")
    process.conduct.stall_seconds = settings.stall_seconds
    process.conduct.keeps_programs = settings.database_sessions
    verbose = switch(common.verbose, "V")

    def on_start(command: Command) -> None:
        log.write(f"run {command.shown}")
        if verbose:
            with suppress(OSError):  # a terminal that was closed must not keep us from cleaning up
                print(f"+ {command.shown}", file=sys.stderr, flush=True)

    process.conduct.on_start = on_start
    process.conduct.on_end = lambda command, code: log.write(f"end {code} {command.shown[:60]}")
    process.conduct.on_dry = lambda text: output.say(f"would: {text}")


def _turn_signals_into_exits() -> None:
    """Make a signal unwind the run, so that every `finally` is kept."""
    def leave(number: int, frame: object) -> None:
        # A second signal must not break the cleaning up that the first one began.
        for sent in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(sent, signal.SIG_IGN)
        with suppress(OSError):  # after SIGHUP nobody may be there to read it
            print(f"ended by {signal.Signals(number).name}", file=sys.stderr)
        raise SystemExit(SIGNALLED + number)
    for sent in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(sent, leave)


def _pass_warnings_on(said: str) -> None:
    """Say what a run in its own process warned of."""
    if said.strip():
        print(said.rstrip(), file=sys.stderr, flush=True)


def _fault_of(code: int | None) -> type[Fault]:
    """Return the kind of fault that ends a run with this exit code."""
    kinds = {kind.exit_code: kind for kind in Fault.__subclasses__()}
    return kinds.get(code or BUG, Fault)
