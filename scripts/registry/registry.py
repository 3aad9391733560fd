"""The instances of this toolkit: one env file each, under instances.d/."""

import fnmatch
import re
from pathlib import Path

from scripts.errors import UsageError
from scripts.registry import env_file, schema
from scripts.registry.env_file import nearest
from scripts.registry.instance import NAME_PATTERN, Instance
from scripts.registry.settings import Settings

PLAIN = re.compile(rb"(?:(?:[ \t]*#[^\n]*|[A-Z_]+=[^\n]*|[ \t]*)\n)*")     # what every env file mostly looks like


def folder(settings: Settings) -> Path:
    """Return the folder of the env files."""
    return settings.top / "instances.d"


def names(settings: Settings) -> list[str]:
    """Return the names that have an env file, sorted; nothing is read yet."""
    return sorted(path.stem for path in folder(settings).glob("[!.]*.env"))


def may_have(settings: Settings, key: str) -> list[str]:
    """Return the names whose env file may have a key, as far as a glance tells: to read a hundred takes long.

    One that does not look like an env file may have any.
    """
    texts = {name: (folder(settings) / f"{name}.env").read_bytes() for name in names(settings)}
    return [name for name, text in texts.items() if key.encode() in text or not PLAIN.fullmatch(text)]


def load(settings: Settings, name: str) -> Instance:
    """Return one instance; raise UsageError naming the known ones, or RegistryError at file and line."""
    require(settings, name)
    path = folder(settings) / f"{name}.env"
    return schema.load(Instance, env_file.read(path, schema.keys(Instance)), str(path), name=name, settings=settings)


def require(settings: Settings, name: str) -> None:
    """Raise UsageError naming the known instances when there is none of this name; its env file is not read."""
    check_name(name)
    if not (folder(settings) / f"{name}.env").exists():
        raise UsageError(f"there is no instance {name}{nearest(name, names(settings))}; {known_names(settings)}")


def select(settings: Settings, wanted: str) -> list[str]:
    """Return the names that INSTANCE= means: a name, a comma list, a glob, tag:NAME or all; in name order.

    Raises UsageError when a word selects nothing: a typing error must not become "nothing to do".
    """
    known = names(settings)
    chosen: set[str] = set()
    for word in filter(None, (word.strip() for word in wanted.split(","))):
        found = _matching(settings, word, known)
        if not found:
            raise UsageError(f"INSTANCE={word} selects nothing{nearest(word, known)}; {known_names(settings)}")
        chosen.update(found)
    if not chosen:
        raise UsageError(f"which instance? INSTANCE=name, a list with commas, a glob, tag:word or all; "
                         f"{known_names(settings)}")
    return sorted(chosen)


def _matching(settings: Settings, word: str, known: list[str]) -> list[str]:
    if word == "all":
        return known
    if word.startswith("tag:"):
        return [name for name in known if word.removeprefix("tag:") in load(settings, name).tags]
    if any(character in word for character in "*?["):
        return fnmatch.filter(known, word)
    check_name(word)
    return [word] if word in known else []


def known_names(settings: Settings) -> str:
    """Return the sentence that names the known instances."""
    known = names(settings)
    return f"known: {', '.join(known)}" if known else "none is known yet. Next: make instance NAME=..."


def check_name(name: str) -> None:
    """Raise UsageError when a name could not be a file name, a folder and a word of a command."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"{name!r} is no instance name: small letters, digits and dashes, a letter or digit first")


def same_place(settings: Settings, instance: Instance) -> str | None:
    """Return the name of another instance that is the same site, if there is one."""
    for name in names(settings):
        if name != instance.name and load(settings, name).place == instance.place:
            return name
    return None
