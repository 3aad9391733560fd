"""make cli: runs a command of Tiki's console at an instance, shows what it prints as it comes, and judges it.

What the console prints goes to no log of ours: it may hold passwords and their hashes.
"""

from dataclasses import dataclass, field

from scripts.errors import CommandError, Findings, HostError
from scripts.hosts import process
from scripts.hosts.streams import Sink, Source
from scripts.present import output
from scripts.registry import registry
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import restoring
from scripts.tiki import console, probe
from scripts.verbs import restore

NO_SUCH_PROGRAM = 127
# What is said on stderr belongs between the lines of stdout.
WITH_ERRORS = 'exec "$@" 2>&1'


@dataclass
class Heard:
    """What a console printed: its lines without colours, and what they say of failure; shown as they come."""

    prefix: str
    lines: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def listen(self, source: Source, sink: Sink) -> None:
        """Be the last stage of a pipe."""
        rest = b""
        for chunk in source.chunks():
            *whole, rest = (rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            for line in whole:
                self._take(line)
        if rest:
            self._take(rest)

    def _take(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        if failure := console.failure(text):
            self.failures.append(failure)
        self.lines.append(console.plain(text))
        if not output.manner.is_quiet:
            output.tell_secret(f"{self.prefix}{self.lines[-1]}")

    @property
    def last(self) -> str:
        return next((line.strip() for line in reversed(self.lines) if line.strip()), "nothing was said")


def words(command: str | None) -> list[str]:
    """Return the words of COMMAND=; without it the console lists its commands."""
    return console.split(command or "")


def is_changing(command: list[str]) -> bool:
    """Tell whether the command wants the site for itself: all do but those that surely only look.

    The console has some eighty commands and any may be new; a list of harmless ones fails on the safe side.
    """
    return console.is_changing(command)


def is_several(settings: Settings, wanted: str | None) -> bool:
    """Tell whether lines of several instances will stand below each other."""
    return bool(wanted) and len(registry.select(settings, wanted)) > 1


def cli(instance: Instance, command: list[str], confirm: str, is_one_of_several: bool) -> dict[str, object] | None:
    """Run a command of the console and return what it said; None in a dry run.

    Raises CommandError when it ends with another code than 0, Findings when it ends with 0 and says it failed,
    RefusedError at a site that a clone left half done: its mails and jobs may still be its source's.
    """
    restoring.refuse_half_cloned(instance)
    call = console.call(instance, probe.probe(instance), command)
    if console.is_destructive(command):
        restore.refuse_unconfirmed(instance, confirm)
    heard = Heard(f"{instance.name}: " if is_one_of_several else "")
    try:
        process.pipe(instance.host.command("sh", "-c", WITH_ERRORS, "sh", *call), heard.listen)
    except CommandError as error:
        raise _fault(instance, command[0], error, heard) from error
    if process.conduct.dry_run:
        return None
    if heard.failures:
        told = "; ".join(dict.fromkeys(heard.failures[:3]))
        raise Findings(f"{instance.name}: {command[0]}: ended with exit code 0, but it says: {told}")
    output.say(f"{instance.name}: {command[0]}: exit code 0")
    return {"instance": instance.name, "command": command, "exit": 0, "output": heard.lines}


def _fault(instance: Instance, name: str, error: CommandError, heard: Heard) -> CommandError | HostError:
    if error.stderr.strip() or error.code is None:  # ssh itself, or what was ended as hung
        return error
    if error.code == NO_SUCH_PROGRAM:
        return HostError(f"{instance.name}: there is no program {instance.php} on the host. Give another PHP in "
                         f"instances.d/{instance.name}.env")
    why = "; ".join(dict.fromkeys(heard.failures[:3])) or heard.last
    return CommandError(f"{instance.name}: {name}: ended with exit code {error.code}: {why}", code=error.code)
