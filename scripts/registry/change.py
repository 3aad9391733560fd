"""Changes env files as their operators wrote them: only what is meant changes, and only into what can be loaded."""

import os
from pathlib import Path

from scripts.errors import BusyError, Fault, RegistryError
from scripts.hosts.local import MANAGER
from scripts.registry import env_file, locks, registry, schema
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings

OURS_ALONE = 0o600


def path_of(settings: Settings, name: str) -> Path:
    """Return where the env file of an instance is."""
    return registry.folder(settings) / f"{name}.env"


def read(settings: Settings, name: str) -> bytes:
    """Return an env file as it is; raise RegistryError when it cannot be read."""
    path = path_of(settings, name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}") from error


def checked(settings: Settings, name: str, content: bytes) -> Instance:
    """Return the instance that a text would make; raise RegistryError at file and line, as loading it would."""
    place = str(path_of(settings, name))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[:error.start].count(b"\n") + 1
        raise RegistryError(f"{place}:{line}: this is no UTF-8 text") from error
    return schema.load(Instance, env_file.parse(text, place, schema.keys(Instance)), place, name=name,
                       settings=settings)


def refuse_twin(settings: Settings, instance: Instance) -> list[str]:
    """Raise RegistryError when another name means the same site; return the names that could not be compared."""
    unreadable = []
    for name in registry.names(settings):
        try:
            is_twin = name != instance.name and registry.load(settings, name).place == instance.place
        except Fault:
            unreadable.append(name)  # its own fault: it must not keep this one from being mended
            continue
        if is_twin:
            raise RegistryError(f"{path_of(settings, instance.name)}: ACCESS, SSH_HOST, WEB_ROOT and SITE are those of "
                                f"{name}: one site would have two names")
    return unreadable


def put(settings: Settings, name: str, before: bytes, after: bytes) -> None:
    """Put a text that was checked in place of the one it was made from, at once.

    Raises BusyError, and changes nothing, when the file is not what it was any more: somebody else has changed it.
    """
    path = path_of(settings, name)
    with locks.hold(settings, [Lock(f"{name}.env", exclusive=True)], "edit"):
        if read(settings, name) != before:
            raise BusyError(f"{path}: somebody else has changed it meanwhile. Nothing was written")
        keys = env_file.parse(after.decode("utf-8"), str(path), schema.keys(Instance))
        mode = path.stat().st_mode & (0o777 if keys.keys().isdisjoint(env_file.SECRET_KEYS) else OURS_ALONE)
        # Where the file is a link, what it leads to is written.
        MANAGER.write(os.path.realpath(path), after, mode)


def set_values(settings: Settings, name: str, values: dict[str, str]) -> Instance:
    """Give keys of an env file these values, in place, and return the instance it describes then.

    Raises RegistryError, and writes nothing, when the result could not be loaded or would be another's twin.
    """
    before = read(settings, name)
    was = checked(settings, name, before)
    text = before.decode("utf-8")
    for key, value in values.items():
        if value or key in env_file.parse(text, name, schema.keys(Instance)):
            text = env_file.with_value(text, key, value)
    instance = checked(settings, name, text.encode("utf-8"))
    if instance.place != was.place:
        refuse_twin(settings, instance)
    if text.encode("utf-8") != before:
        put(settings, name, before, text.encode("utf-8"))
    return instance
