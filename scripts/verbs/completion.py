"""make completion: what to put into a shell's start file, so that TAB knows verbs, variables, sites and archives."""

import shlex

from scripts.present import output
from scripts.registry.settings import Settings

START_FILES = {"bash": "~/.bashrc", "zsh": "~/.zshrc, behind compinit", "fish": "~/.config/fish/config.fish"}


def completion(settings: Settings, shell: str | None) -> None:
    """Say the line for one shell, ready to be appended to its start file, or the lines of all with their places."""
    if shell:
        output.say(line(settings, shell))
        return
    for name, place in START_FILES.items():
        output.say(f"{name}: put this line into {place}:\n  {line(settings, name)}")
    output.say("For one shell, ready to append: make -s completion FOR=bash >>~/.bashrc")


def line(settings: Settings, shell: str) -> str:
    """Return the line that loads the completion of a shell."""
    return f"source {shlex.quote(str(settings.top / 'conf' / 'completion' / f'trim.{shell}'))}"
