"""What an instance of TRIM or Tiki Manager becomes here: the values of its env file, and what cannot be said in one."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from scripts.errors import RegistryError
from scripts.registry import schema
from scripts.registry.env_file import Value
from scripts.registry.instance import Instance
from scripts.registry.old_database import OldInstance
from scripts.registry.settings import Settings

PROTECTED_TAG = ("sys_db_protected", "y")
YES = ("", "1", "y", "yes", "true", "on")
TAKEN_WORDS = ("all",)                      # INSTANCE=all means every instance
NOT_NEEDED = ("WEB_URL", "CONTACT", "PHP", "RUN_AS")  # a value that does not fit is left out, the instance is taken


@dataclass
class Adopted:
    """One old instance on its way: its new values by key, and remarks on what did not come along."""

    old: OldInstance
    values: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def instance(self, settings: Settings, name: str) -> Instance:
        """Return what it becomes under this name; raise RegistryError for a value of the wrong kind."""
        return schema.load(Instance, _placed(self.old, self.values), self.old.called, name=name, settings=settings)


def translate(old: OldInstance) -> Adopted:
    """Return the values that an old instance becomes; raise RegistryError when it cannot be reached from here."""
    adopted = Adopted(old)
    if not old.web_root:
        raise RegistryError("has no web root on record")
    adopted.values.update(_access(adopted))
    adopted.values.update({"WEB_ROOT": old.web_root, "WEB_URL": old.web_url, "CONTACT": old.contact,
                           "PHP": "" if old.php == "php" else old.php, "RUN_AS": old.run_user})
    _drop_unfit(adopted)
    _add_tags(adopted)
    _add_extra_paths(adopted)
    _add_excludes(adopted)
    if old.is_blank:
        adopted.remarks.append("was registered as blank: give its env file the DB_* keys before a restore")
    adopted.values = {key: text for key, text in adopted.values.items() if text}
    if any("\udc80" <= letter <= "\udcff" for text in adopted.values.values() for letter in text):
        raise RegistryError("has a value that is no UTF-8 text")
    return adopted


def new_names(olds: Iterable[OldInstance]) -> dict[int, str]:
    """Return a name of our form for each old instance by its number; of two that become one, the later gets -2."""
    names: dict[int, str] = {}
    for old in olds:
        wanted = name_of(old)
        taken = {*names.values(), *TAKEN_WORDS}
        counted = (f"{wanted}-{count}" for count in range(2, len(taken) + 3))
        names[old.number] = wanted if wanted not in taken else next(name for name in counted if name not in taken)
    return names


def name_of(old: OldInstance) -> str:
    """Return an old name in small letters, digits and dashes: O'Hara's Wiki is oharas-wiki."""
    plain = unicodedata.normalize("NFKD", old.name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-") or f"site-{old.number}"


def exclude_of(pattern: str, web_root: str) -> tuple[list[str], str]:
    """Return what EXCLUDE says instead of a pattern of the old ignore list, or why it cannot.

    The old ones went to tar as they are: unanchored, so that `temp` left out lib/temp too, and with a `*` that
    crosses slashes. A plain path is meant from the web root here: rather too much in a backup than too little. What
    EXCLUDE cannot say gives no patterns, and the reason.
    """
    wanted = pattern.strip()
    if wanted.startswith(f"{web_root}/"):
        wanted = wanted.removeprefix(web_root)
    elif wanted.startswith("/"):
        return [], f"it is outside the web root {web_root}"
    wanted = re.sub(r"^(\./|/)+", "", wanted).rstrip("/")
    if wanted in ("", ".", "*", "**"):
        return [], "it would leave out everything"
    if re.search(r"[,\\\[\]]", wanted) or ".." in wanted.split("/"):
        return [], "EXCLUDE knows no brackets, backslashes, commas or .. in a path"
    if not re.search(r"[*?]", wanted):
        return [wanted], ""
    across = re.sub(r"\*+", "**", wanted)
    return [across, f"**/{across}"], ""


def _access(adopted: Adopted) -> dict[str, str]:
    old = adopted.old
    if old.access == "local":
        return {}
    if old.access not in ("ssh", "ssh::nokey"):
        raise RegistryError(f"was reached by {old.access or 'nothing on record'}, and TRIM knows local and ssh. "
                            "Next: get ssh there, then make instance ACCESS=ssh")
    if old.access == "ssh::nokey":
        adopted.remarks.append("its key was not accepted there; it asked for a password. Next: make copysshkey")
    host, port = _host_and_port(old.address)
    return {"ACCESS": "ssh", "SSH_HOST": host, "SSH_USER": old.user, "SSH_PORT": "" if port == "22" else port}


def _host_and_port(address: str) -> tuple[str, str]:
    """Return host and port of `host:port`, `[::1]:port` or a host alone."""
    bracketed = re.fullmatch(r"\[(.+)\](?::(\d*))?", address)
    if bracketed:
        return bracketed[1], bracketed[2] or ""
    host, colon, port = address.rpartition(":")
    return (host, port) if colon and ":" not in host and port.isdecimal() else (address.rstrip(":"), "")


def _drop_unfit(adopted: Adopted) -> None:
    """Leave out what an env file would not take, where the instance can do without it."""
    for key in NOT_NEEDED:
        try:
            schema.convert(schema.keys(Instance)[key], key, adopted.values[key], "trim.db")
        except RegistryError as fault:
            adopted.remarks.append(f"left out: {str(fault).removeprefix('trim.db: ')}")
            del adopted.values[key]


def _add_tags(adopted: Adopted) -> None:
    words = []
    for tag in adopted.old.tags:
        if tag == PROTECTED_TAG:
            adopted.values["PROTECTED"] = "yes"
            continue
        name, value = tag
        word = re.sub(r"[^A-Za-z0-9._-]+", "-", name if value.lower() in YES else f"{name}-{value}").strip("-")
        words.append(word)
    adopted.values["TAGS"] = ",".join(dict.fromkeys(filter(None, words)))


def _add_extra_paths(adopted: Adopted) -> None:
    taken = []
    for path in adopted.old.extra_paths:
        if path.startswith("/") and "," not in path and path.strip("/"):
            taken.append(path.rstrip("/"))
        else:
            adopted.remarks.append(f"extra folder {path!r} not taken: EXTRA_PATHS takes absolute paths without a comma")
    adopted.values["EXTRA_PATHS"] = ",".join(dict.fromkeys(taken))


def _add_excludes(adopted: Adopted) -> None:
    taken: list[str] = []
    for pattern in adopted.old.ignored:
        patterns, why_not = exclude_of(pattern, adopted.old.web_root.rstrip("/"))
        taken += patterns
        if why_not:
            adopted.remarks.append(f"ignore list: {pattern!r} not taken: {why_not}")
    if plain := [pattern for pattern in taken if "*" not in pattern and "?" not in pattern]:
        adopted.remarks.append(f"ignore list: {', '.join(plain)}: left out from the web root only; the old list left "
                               "out everything of such a name, at any depth")
    adopted.values["EXCLUDE"] = ",".join(dict.fromkeys(taken))


def _placed(old: OldInstance, values: dict[str, str]) -> dict[str, Value]:
    return {key: Value(text, old.called) for key, text in values.items()}
