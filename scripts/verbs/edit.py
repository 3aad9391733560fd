"""make edit: opens an env file in the operator's editor; what is saved counts once it can be loaded.

The editor works on a private copy and no lock is held meanwhile. Comments and order are the operator's.
"""

import os
import shlex
import shutil
from pathlib import Path

from scripts.errors import CommandError, Fault, RegistryError, UsageError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.local import MANAGER
from scripts.present import output, prompts
from scripts.registry import change
from scripts.registry.settings import Settings
from scripts.steps import scratch

USUAL_EDITORS = ("nano", "vi")


def edit(settings: Settings, name: str) -> None:
    """Let the operator change one env file, which may be wrong when this begins and is not when it ends."""
    path, before = change.path_of(settings, name), change.read(settings, name)
    editor = _editor()
    if process.conduct.dry_run:
        output.say(f"would: open {path} in {shlex.join(editor)}")
        return
    if not prompts.can_ask():
        raise UsageError(f"{name}: an editor needs a terminal. Without one: change a copy of {path} and put it there")
    with scratch.named(settings, name) as folder:
        copy = folder / path.name
        MANAGER.write(str(copy), _beginning(path, before), change.OURS_ALONE)
        try:
            after = _saved(settings, name, editor, copy)
            if after == before:
                output.say(f"{name}: nothing was changed")
                return
            change.put(settings, name, before, after)
        except Fault as fault:
            raise type(fault)(f"{fault}. {_kept_aside(path, copy, before)}") from fault
        except BaseException:
            output.warn(f"{name}: {_kept_aside(path, copy, before)}")
            raise
    MANAGER.remove(str(_rejected(path)))
    output.say(f"{name}: {path.relative_to(settings.top)} is changed")


def _saved(settings: Settings, name: str, editor: list[str], copy: Path) -> bytes:
    """Return what the operator saved, once nothing is wrong with it; raise what is wrong when it is to stay so."""
    while True:
        code = process.attach(Command((*editor, str(copy)), f"[manager] {shlex.join(editor)} {copy.name}"))
        if code:
            raise CommandError(f"{name}: {editor[0]} ended with exit code {code}", code=code)
        after = copy.read_bytes()
        if after == change.read(settings, name):
            return after
        try:
            for other in change.refuse_twin(settings, change.checked(settings, name, after)):
                output.warn(f"{other}: its own env file is wrong, so it was not compared with {name}")
            return after
        except RegistryError as fault:
            output.warn(str(fault))
            if prompts.choose("What now", ["edit again", "put it aside and leave the env file as it was"]):
                raise


def _beginning(path: Path, before: bytes) -> bytes:
    """Return the text to begin with: the env file's, or the one that was put aside last time."""
    aside = _rejected(path)
    if not aside.exists():
        return before
    choices = ["the env file as it is", f"{aside.name}, put aside before"]
    return aside.read_bytes() if prompts.choose("Which text", choices) else before


def _kept_aside(path: Path, copy: Path, before: bytes) -> str:
    """Put what the operator wrote beside the env file; return the sentence that says so."""
    text = copy.read_bytes() if copy.exists() else before
    if text == before:
        return f"{path} is as it was"
    MANAGER.write(str(_rejected(path)), text, change.OURS_ALONE)
    return (f"{path} is as it was; your text is in {_rejected(path).name} beside it. To go on with it: "
            f"make edit INSTANCE={path.stem}")


def _rejected(path: Path) -> Path:
    return path.with_name(f"{path.name}.rejected")


def _editor() -> list[str]:
    """Return the call of the operator's editor; raise UsageError when there is none."""
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if wanted:
        try:
            words = shlex.split(wanted)
        except ValueError as error:
            raise UsageError(f"EDITOR={wanted}: is no command: {error}") from error
        if words and shutil.which(words[0]):
            return words
        raise UsageError(f"EDITOR={wanted}: there is no such program. Set EDITOR to one that is installed")
    found = next(filter(shutil.which, USUAL_EDITORS), None)
    if not found:
        raise UsageError("there is no editor: neither nano nor vi. Set EDITOR to one that is installed")
    return [found]
