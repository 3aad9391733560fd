"""What surrounds every verb: settings, run log, record, signals, dry run; and the only place where a fault becomes one
line on stderr and an exit code.
"""

import os
import re
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.errors import Fault, ReaderGoneError, UsageError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.present import output
from scripts.registry import schema
from scripts.registry import settings as of_toolkit
from scripts.registry.env_file import nearest
from scripts.registry.run_log import RunLog
from scripts.registry.settings import Settings
from scripts.registry.values import number, one_of, switch, words
from scripts.run import BUG, Run, changing, none, reading, storing, tell_fault
from scripts.steps import on_record
from scripts.steps.on_record import OnRecord

__all__ = ["Common", "Run", "changing", "database_from_environment", "none", "number", "one_of", "reading",
           "refuse_variables", "restrict_password", "storing", "switch", "verb", "words"]

TOP = Path(__file__).resolve().parent.parent
RESTRICT_PASS = "RESTRICT_PASS"
CRON_ID = r"[A-Za-z0-9._-]{0,64}"
ON_BEHALF = ("show-gate",)  # answers strangers' requests: their mistakes are no failure of ours
# The Makefile sets them: they are for our own memory, not for servers that we start.
FLAT = ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
SIGNALLED = 128  # a shell's way to say which signal ended a program: 128 + its number
IONICE = {"low": (2, 7), "idle": (3, None)}  # class and level, as in ioprio_set(2): best-effort at its last, idle


@dataclass(frozen=True)
class Common:
    """The variables that every verb takes, as they came from make."""

    dry: str | None = None
    verbose: str | None = None
    json: str | None = None
    unattended: str | None = None
    jobs: str | None = None
    cron: str | None = None
    mail_to: str | None = None
    wait: str | None = None

    def with_those_of_the_edge(self) -> "Common":
        """Return them with the three that no task passes on; make gives them only when they were on its line."""
        given = {name: os.environ.get(f"TRIM_ARG_{name.upper()}") for name in ("cron", "mail_to", "wait")}
        return replace(self, **{name: text for name, text in given.items() if text and not getattr(self, name)})


@contextmanager
def verb(name: str, common: Common) -> Iterator[Run]:
    """Surround one verb. Leaves by SystemExit when it fails, after one line on stderr."""
    common = common.with_those_of_the_edge()
    log = RunLog(name)
    record, run = OnRecord(name, log), None
    try:
        for variable in FLAT:
            os.environ.pop(variable, None)
        _turn_signals_into_exits()
        settings = of_toolkit.load(TOP)
        _set_manner(common, settings, log)
        _begin(record, settings, common)
        run = Run(settings, log, record, common.jobs, common.wait)
        try:
            yield run
        except Fault as fault:
            if not run.pending:
                raise
            tell_fault(name, fault, log)
            record.add_fault(fault)
        run.finish()
        output.require_said(log.path)
        record.came_through()
    except (Fault, OSError) as error:
        fault = log.fault_of(error)
        if not _is_of_no_interest(name, fault):
            tell_fault(name, fault, log)
        _begin_anyway(record, common)
        record.failed(fault, is_summary=run is not None and fault is run.pending)
        raise SystemExit(fault.exit_code) from error
    except KeyboardInterrupt as stop:
        record.was_ended(SIGNALLED + signal.SIGINT, "ended by SIGINT")
        raise SystemExit(SIGNALLED + signal.SIGINT) from stop
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else BUG
        record.was_ended(code, f"ended by {_signal_of(code)}")
        raise
    except Exception as bug:
        log.write(traceback.format_exc())
        said = f"a fault of TRIM itself: {type(bug).__name__}: {bug}"
        output.complain(f"{name}: {said}. The details are in {log.path}; please report it")
        record.was_ended(BUG, said)
        raise SystemExit(BUG) from bug
    finally:
        record.end()
        log.close()
        output.let_go()


def _is_of_no_interest(verb_name: str, fault: Fault) -> bool:
    """Whether somebody had seen enough of a table: nobody is to be told that."""
    return isinstance(fault, ReaderGoneError) and verb_name in on_record.TABLES


def _begin(record: OnRecord, settings: Settings, common: Common) -> None:
    cron = common.cron or ""
    if not re.fullmatch(CRON_ID, cron):
        raise UsageError(f"CRON={cron}: expected letters, digits and .-_: the id of a line of make crons")
    is_unattended = _is_unattended(record.run.verb, common, settings)
    record.begin(settings, is_unattended, cron, _mail_to(common), common.wait or "")
    if is_unattended:
        _be_considerate(settings)


def _mail_to(common: Common) -> tuple[str, ...]:
    given = words(common.mail_to)
    try:
        of_toolkit.addresses(given)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return given


def _begin_anyway(record: OnRecord, common: Common) -> None:
    """Put a run on record whose settings or switches cannot be read, so that its failure is told all the same."""
    if not record.has_begun:
        with suppress(Fault, OSError):
            settings, mail_to = of_toolkit.salvaged(TOP), ()
            with suppress(UsageError):
                mail_to = _mail_to(common)
            record.begin(settings, _is_unattended(record.run.verb, common, settings), "", mail_to, "")


def _is_unattended(verb_name: str, common: Common, settings: Settings) -> bool:
    """Whether nobody looks: it was said, or there is no terminal and somebody is to be told; a part is as its whole."""
    if on_record.whole()[0]:
        return on_record.whole()[1]
    if (common.unattended or "no").lower() not in schema.NO or common.mail_to:
        return True
    return bool(settings.mail_to) and verb_name not in ON_BEHALF and not any(map(os.isatty, (0, 1, 2)))


def _be_considerate(settings: Settings) -> None:
    """Let others have processor and disks first; the programs that we start inherit it, those at hosts are told."""
    process.conduct.nice = settings.nice
    if settings.nice > os.getpriority(os.PRIO_PROCESS, 0):
        os.setpriority(os.PRIO_PROCESS, 0, settings.nice)
    if settings.ionice in IONICE:
        import psutil
        with suppress(OSError, psutil.Error):  # not every kernel lets everybody
            psutil.Process().ionice(*IONICE[settings.ionice])


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
    output.manner.unsaid = None     # what began this process may have been unable to speak
    process.conduct.dry_run = switch(common.dry, "DRY")
    process.conduct.stall_seconds = settings.stall_seconds
    process.conduct.load_jobs = settings.load_jobs or 0
    process.conduct.bwlimit = settings.bwlimit
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


def _signal_of(code: int) -> str:
    """Return which signal an exit code tells of."""
    with suppress(ValueError):
        return signal.Signals(code - SIGNALLED).name
    return f"exit code {code}"
