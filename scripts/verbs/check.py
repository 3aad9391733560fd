"""make check: what watch looks at, now and at the terminal: see it, compare it, accept it, or put it back."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.errors import HostError, UsageError
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import findings, watching, watching_accepting, watching_texts
from scripts.steps.differences import visible
from scripts.verbs.watch import all_well, found_something, tell_first

SHOWN = 200     # findings told one by one; all of them are in JSON=1
COLUMNS = {"kind": "WHAT", "name": "WHERE", "told": "HOW"}


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for: names to accept, one path to see the difference of, one to put back."""

    accept: tuple[str, ...] = ()
    diff: str = ""
    restore: str = ""


def wishes(accept: str, accept_from: str, diff: str, restore: str) -> Wishes:
    """Return what the variables say; ACCEPT_FROM is a file of names, each ended by NUL."""
    if sum(map(bool, (accept or accept_from, diff, restore))) > 1:
        raise UsageError("ACCEPT=, DIFF= and RESTORE= are three things: give one of them")
    names = [accept] if accept else []
    if accept_from:
        try:
            text = Path(accept_from).read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            raise UsageError(f"ACCEPT_FROM={accept_from}: cannot be read: {error.strerror}") from error
        if text and not text.endswith("\0"):
            raise UsageError(f"ACCEPT_FROM={accept_from}: expected names that end with NUL each, as find -print0 "
                             "writes them")
        names += [name for name in text.split("\0") if name]
        if not names:
            raise UsageError(f"ACCEPT_FROM={accept_from}: holds no name")
    return Wishes(tuple(names), diff, restore)


def check(instance: Instance, wanted: Wishes, tell: Callable[[dict[str, object]], None]) -> None:
    """Look at an instance, do what is wanted, and tell what is to be told; raise Findings for what it has found."""
    if wanted.restore:
        tell(_put_back(instance, wanted.restore))
        return
    done = watching.look(instance)
    tell_first(done)
    if wanted.diff:
        watching_texts.show(done, wanted.diff)
        return
    accepted = watching_accepting.accept(done, wanted.accept) if wanted.accept else []
    for one in accepted[:SHOWN]:
        output.say(f"{instance.name}: accepted {one}")
    if len(accepted) > SHOWN:
        output.say(f"{instance.name}: accepted {len(accepted) - SHOWN} more")
    tell({"instance": instance.name, "accepted": [asdict(one) for one in accepted],
          "findings": [asdict(one) for one in done.found]})
    if accepted and done.found:
        output.say(f"{instance.name}: {len(done.found)} findings are left")
    elif not done.found:
        output.say(f"{instance.name}: {all_well(done)}")
    else:
        _show(done)
        raise found_something(done)


def _show(done: watching.Look) -> None:
    name = done.instance.name
    if not output.manner.is_json:
        output.show([asdict(one) | {"name": visible(one.name)} for one in done.found[:SHOWN]], COLUMNS, "")
        if len(done.found) > SHOWN:
            output.say(f"{name}: and {len(done.found) - SHOWN} more; all with JSON=1")
    files = [one.name for one in done.found if one.kind in findings.OF_CONTENT]
    if files:
        shown = visible(files[0])
        output.say(f"{name}: to see what is in it: make check INSTANCE={name} DIFF='{shown}'; to put back what was "
                   f"there: RESTORE='{shown}'; if it is right as it is: ACCEPT='{shown}', or ACCEPT=all")


def _put_back(instance: Instance, path: str) -> dict[str, object]:
    done = watching.look(instance)
    if done.tree is None or done.baseline is None:
        raise HostError(f"{instance.name}: {done.problem}. Nothing was changed")
    told = watching_texts.restore(done, path)
    return {"instance": instance.name, "restored": path, **told}
