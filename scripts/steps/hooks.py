"""Runs the site's own programs around a verb: conf/hooks.d/VERB/{before,after,failed}/*, in name order, on the manager.

docs/hooks.md says what they are told. One that may not be trusted counts as one that failed.
"""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from scripts.errors import CommandError, Fault, RefusedError, of_os_error
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.present import output
from scripts.registry.instance import Instance

BEFORE, AFTER, FAILED = "before", "after", "failed"
LAST_LINES = 3          # of a hook's output, in a message
BUG = 1
SAID_TAIL = 20_000      # characters of a hook's output that go into the run log
# make's own: a make that a hook calls would take the variables of ours for its own. DB_*, RESTRICT_*: may be secret.
NOT_FOR_HOOKS = ("MAKE", "MFLAGS", "TRIM_", "DB_", "RESTRICT_")
# A shell only to send both outputs to one place, in their order.
BOTH_OUTPUTS = ("sh", "-c", 'exec "$0" 2>&1')

Note = Callable[[object], object]
"""Takes what a story returned, for the hooks that come after it, and gives it back."""


@contextmanager
def around(verb: str, instance: Instance | None) -> Iterator[Note]:
    """Run the hooks of a verb before and after the block, which tells the story of one instance; none without one.

    Raises RefusedError when one of `before` fails; the block is then not entered. One of `after` or `failed` that
    fails is a warning.
    """
    if instance is None:
        yield lambda result: result
        return
    results: list[object] = []

    def note(result: object) -> object:
        results.append(result)
        return result

    try:
        _run(verb, BEFORE, instance, {})
        yield note
    except (Fault, OSError) as error:
        fault = of_os_error(error) if isinstance(error, OSError) else error
        _run_and_warn(verb, FAILED, instance, _of_fault(" ".join(str(fault).split()), fault.exit_code))
        raise
    except Exception as bug:
        _run_and_warn(verb, FAILED, instance, _of_fault(f"a fault of TRIM itself: {type(bug).__name__}", BUG))
        raise
    _run_and_warn(verb, AFTER, instance, _told(results))


def _run_and_warn(verb: str, moment: str, instance: Instance, more: Mapping[str, str]) -> None:
    try:
        _run(verb, moment, instance, more)
    except Fault as fault:
        output.warn(str(fault))


def _run(verb: str, moment: str, instance: Instance, more: Mapping[str, str]) -> None:
    """Run the hooks of one moment; raise RefusedError for the first that fails, before any when one is not safe."""
    top = instance.settings.top
    found = _found(top, verb, moment)
    for hook in found:
        _refuse_unsafe(top, hook)
    for hook in found:
        name = str(hook.relative_to(top))
        with tempfile.TemporaryFile() as said:
            try:
                process.pipe(_command(hook, name, facts_of(verb, instance) | {"MOMENT": moment} | more), into=said)
            except CommandError as error:
                raise RefusedError(f"{instance.name}: the hook {name} {_ending(error)}{_last_lines(said)}"
                                   f"{'. Nothing was changed' if moment == BEFORE else ''}") from error
            finally:
                _log(name, said)


def _found(top: Path, verb: str, moment: str) -> list[Path]:
    """Return the hooks of one moment in name order; hidden files and an editor's copies are none."""
    folder = top / "conf" / "hooks.d" / verb
    if not folder.is_dir():
        return []
    for path in folder.iterdir():
        if path.name not in (BEFORE, AFTER, FAILED) and not path.name.startswith("."):
            output.warn(f"{path.relative_to(top)}: hooks stand in before, after or failed; this one never runs")
    place = folder / moment
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if not path.name.startswith(".") and not path.name.endswith("~"))


def _refuse_unsafe(top: Path, hook: Path) -> None:
    """Raise RefusedError for a hook that cannot run or that somebody else could have written."""
    name = str(hook.relative_to(top))
    try:
        trusted = {0, os.geteuid(), top.stat().st_uid}
        for path in (hook, *hook.parents[:3]):    # the file, before/, VERB/, hooks.d/
            status = path.stat()
            place = str(path.relative_to(top))
            if status.st_uid not in trusted:
                raise RefusedError(f"the hook {name} is not run: {place} belongs to another account. "
                                   f"Next: chown --reference=tasks.py {place}")
            if status.st_mode & stat.S_IWOTH:
                raise RefusedError(f"the hook {name} is not run: everybody may change {place}. "
                                   f"Next: chmod o-w {place}")
    except OSError as error:
        raise RefusedError(f"the hook {name} is not run: {error.strerror}. Next: rm {name}") from error
    if not hook.is_file() or not hook.stat().st_mode & stat.S_IXUSR:
        raise RefusedError(f"the hook {name} is not run: it is no executable file. Next: chmod +x {name}, or remove it")


def _command(hook: Path, name: str, facts: Mapping[str, str]) -> Command:
    """Return the call of a hook, with our facts in its environment and without what is none of its business."""
    return Command((*surroundings(facts), *BOTH_OUTPUTS, str(hook)), f"[manager] {name}")


def surroundings(facts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the words that give a program of the operator's our facts, and take from it what only we may know."""
    without = [word for key in os.environ if key.startswith(NOT_FOR_HOOKS) for word in ("-u", key)]
    return ("env", *without, *(f"TRIM_{key}={value}" for key, value in facts.items()))


def facts_of(verb: str, instance: Instance) -> dict[str, str]:
    """Return what every program of the operator's is told; never a secret."""
    return {"VERB": verb, "TOP": str(instance.settings.top), "INSTANCE": instance.name,
            "WEB_ROOT": instance.web_root, "WEB_URL": instance.web_url, "SITE": instance.site,
            "ACCESS": instance.access, "SSH_HOST": instance.ssh_host, "SSH_USER": instance.ssh_user,
            "SSH_PORT": str(instance.ssh_port), "STAGE": instance.stage, "TAGS": ",".join(instance.tags),
            "CONTACT": instance.contact}


def _of_fault(fault: str, code: int) -> dict[str, str]:
    return {"FAULT": fault, "EXIT_CODE": str(code)}


def _told(results: list[object]) -> dict[str, str]:
    """Return what the story's own result tells a hook: the archive that it made or took."""
    result = results[-1] if results else None
    path = result.get("path") or result.get("archive") if isinstance(result, dict) else None
    return {"ARCHIVE": str(path)} if path else {}


def _ending(error: CommandError) -> str:
    """Return how a hook ended: its exit code, or what else the fault says behind the command."""
    return f"ended with exit code {error.code}" if (error.code or 0) > 0 else str(error).split(": ", 1)[-1]


def _text(said: IO[bytes]) -> str:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - SAID_TAIL))
    return said.read().decode("utf-8", "replace")


def _last_lines(said: IO[bytes]) -> str:
    lines = [line.strip() for line in _text(said).splitlines() if line.strip()]
    return f": {' / '.join(lines[-LAST_LINES:])}" if lines else ""


def _log(name: str, said: IO[bytes]) -> None:
    for line in _text(said).splitlines():
        output.manner.also(f"{name}: {line}")
