"""Tiki's console.php: how it is called, which of its commands lose something, and when its words mean failure.

It ends with 0 after nearly every failure. What it prints in its colour for errors is one, and so are the sentences
below, for versions that print them plainly.
Source: the console of Tiki 24.4, every state and most commands tried.
"""

import re
import shlex
from collections.abc import Sequence

from scripts.errors import RegistryError, UsageError
from scripts.registry.instance import Instance
from scripts.tiki import layout
from scripts.tiki.probe import Probe

# Newer PHPs tell of hundreds of deprecated lines in their log, which is stderr here; a fatal error must be seen.
SETTINGS = ("-d", "error_log=/dev/null", "-d", "display_errors=1", "-d", "html_errors=0")
FIRST_WITH_CONSOLE = "11"

ERROR_COLOUR = re.compile(r"\x1b\[(?:37;41|97;41)m(.*?)(?:\x1b\[|$)")
ANY_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]")
FAILURES = re.compile(
    r"Command not available at this stage|Cannot initiate Database|must be running and have valid credentials|"
    r"database needs to be updated|^Failed: |^Error in |A error was encountered while running a command|"
    r"Database already exists|Profile not found|Preference not found|Installation failed|"
    r"is of type \w+, allowed values|^(?:PHP )?(?:Fatal|Parse) error: ")

# A command that loses what no other command brings back, with the option that makes it do so.
DESTRUCTIVE = {"database:install": "--force", "database:redact": "", "multitiki:move": "", "tracker:clear": ""}


def split(command: str) -> list[str]:
    """Return the words of COMMAND=, split as a shell would and never interpreted by one; none asks for the list."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"COMMAND={command}: {str(error).lower()}: quotes must come in pairs") from error
    if any(word == "--site" or word.startswith("--site=") for word in words):
        raise UsageError("COMMAND: --site is not taken: a site that is not there would silently be the main one. "
                         "Register the site as an instance of its own, with SITE= in its env file")
    return words or ["list"]


def call(instance: Instance, found: Probe, words: Sequence[str]) -> list[str]:
    """Return the call of the instance's console with these words; raise RegistryError when there is none for it."""
    place = f"{instance.name}: {instance.web_root}"
    if not found.has_console:
        raise RegistryError(f"{place}: Tiki {found.version} has no {layout.CONSOLE}; it came with "
                            f"{FIRST_WITH_CONSOLE}. Nothing was run")
    if instance.site and instance.site not in found.sites:
        raise RegistryError(f"{place}: {layout.VIRTUALS} does not name the site {instance.site}, and the console "
                            f"would take the main one. Known: {', '.join(found.sites) or 'none'}. Nothing was run")
    site = [f"--site={instance.site}"] if instance.site else []
    return [instance.php, *SETTINGS, f"{instance.web_root}/{layout.CONSOLE}", *site, "--ansi", *words]


def is_destructive(words: Sequence[str]) -> bool:
    """Tell whether a command loses something. The console takes shortened names too, as in d:red."""
    return any(_may_mean(word, name) and (not option or option in words)
               for word in words for name, option in DESTRUCTIVE.items())


def is_changing(words: Sequence[str]) -> bool:
    """Tell whether nobody else may work on the site meanwhile; only commands that surely look are let through."""
    name = next((word for word in words if not word.startswith("-")), "list")
    return not (name in ("list", "help", "tiki:info", "tiki:stats", "files:check")
                or name.endswith((":list", ":get")) or {"--help", "-h", "--version", "-V"} & set(words))


def plain(line: str) -> str:
    """Return a printed line without its colours."""
    return ANY_COLOUR.sub("", line).rstrip()


def failure(line: str) -> str:
    """Return what a printed line says of a failure; empty when it says none."""
    coloured = " ".join(filter(None, (part.strip() for part in ERROR_COLOUR.findall(line))))
    return coloured or (plain(line).strip() if FAILURES.search(plain(line).strip()) else "")


def _may_mean(word: str, name: str) -> bool:
    given, parts = word.split(":"), name.split(":")
    return len(given) == len(parts) and all(given) and all(map(str.startswith, parts, given))
