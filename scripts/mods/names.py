"""Names of mods, of the files that belong to one, and which paths may stand in a control file.

A mod is TYPE-NAME, cut at the first dash. Old Tikis forbid no character; here what could lead out of a folder, or
read as an option, is no name.
"""

import fnmatch
import re
from collections.abc import Collection, Iterable
from urllib.parse import quote_plus

from scripts.errors import UsageError
from scripts.registry.env_file import nearest

MOD = re.compile(r"(?P<type>[A-Za-z0-9][A-Za-z0-9_]*)-(?P<name>[A-Za-z0-9_][A-Za-z0-9_.+-]*)", re.ASCII)
CONTROL = re.compile(rf"({MOD.pattern})\.info\.txt", re.ASCII)
LONGEST = 150       # characters of a name; with revision and ending it has to fit a file's name of 255
LONGEST_PATH = 1000
TYPES = ("avatars", "features", "games", "icons", "languages", "lib", "maintenance", "menus", "modules", "services",
         "smileys", "sql", "sqlupgrade", "styles", "taglines", "themes", "wikiplugins")
"""Those that the TikiMods page names or that real packages have; others are taken with a warning."""
MAINTENANCE = "maintenance"     # a type whose SQL is run at will and which is never installed
OWN_FOLDERS = ("packages", "installed", "cache", "dist", "mirrors")
"""What the mods folder itself has: no mod's files come from there."""


def is_mod(text: str) -> bool:
    """Whether a text is a name that a mod may have."""
    return len(text) <= LONGEST and ".." not in text and bool(MOD.fullmatch(text))


def parts(mod: str) -> tuple[str, str]:
    """Return type and name of TYPE-NAME."""
    type_, _, name = mod.partition("-")
    return type_, name


def control_file(mod: str) -> str:
    """Return the name of a mod's control file."""
    return f"{mod}.info.txt"


def mod_of(file_name: str) -> str | None:
    """Return the mod that a control file's name says, or None when it is no such name."""
    found = CONTROL.fullmatch(file_name)
    return found[1] if found and is_mod(found[1]) else None


def archive(mod: str, revision: str) -> str:
    """Return the name of a mod's archive."""
    return f"{mod}-{revision}.tgz"


def index_of(address: str) -> str:
    """Return the name under which the list of a provider is kept: PHP's own encoding of its address."""
    return f"00_list.{encoded(address)}.txt"


def encoded(address: str) -> str:
    """Return what PHP's urlencode makes of a text: the tilde is encoded too, which Python leaves."""
    return quote_plus(address, safe="").replace("~", "%7E")


def fault_of_path(path: str) -> str:
    """Return why a path must not stand in a control file or an archive, or nothing."""
    if not path or len(path.encode("utf-8", "surrogateescape")) > LONGEST_PATH:
        return "is empty or too long"
    if path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[\\/]", path):
        return "is absolute"
    if "\\" in path or any(ord(character) < 32 or character == "\x7f" for character in path):
        return "has a backslash or a control character in it"
    pieces = path.split("/")
    if ".." in pieces:
        return "leads out of its folder"
    if "." in pieces or "" in pieces:
        return "is not written plainly ('.' or '//' in it, or it ends with '/')"
    return ""


def fault_of_source(path: str) -> str:
    """Return why a path must not be where a mod's file comes from, below the mods folder, or nothing."""
    if not fault_of_path(path) and path.split("/")[0].lower() in OWN_FOLDERS:
        return "lies in a folder of the collection itself"
    return fault_of_path(path)


def select(wanted: str, known: Iterable[str], place: str) -> list[str]:
    """Return the mods that MOD= means: names, globs and `all`, with commas or blanks between them.

    Raises UsageError for a name that place does not have, and for a glob that fits none.
    """
    names, found = sorted(set(known)), []
    for word in re.split(r"[,\s]+", wanted.strip()):
        fitting = names if word == "all" else [name for name in names if fnmatch.fnmatchcase(name, word)]
        if not fitting:
            raise UsageError(f"MOD={word}: {place} has no such mod{_near(word, names)}")
        found += [name for name in fitting if name not in found]
    return found


def _near(word: str, names: Collection[str]) -> str:
    if not names:
        return ": it has none at all"
    return nearest(word, names) or f". It has: {', '.join(list(names)[:8])}{', ...' if len(names) > 8 else ''}"
