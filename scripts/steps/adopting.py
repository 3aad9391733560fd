"""Where an old manager keeps what make adopt takes over (database, archives, key), and how its archives come here."""

import io
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

from scripts.errors import ArchiveError, Fault, HostError, UsageError, of_os_error
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry import locks
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
from scripts.store import archive, foreign

DATABASE = "trim.db"
NEEDED_SETTINGS = ("ARCHIVE_FOLDER", "BACKUP_FOLDER", "TRIM_DATA", "SSH_KEY")  # of its .env; the rest may be secret


@dataclass(frozen=True)
class OldManager:
    """A folder of TRIM or Tiki Manager. key is the private key it logs in with; None leaves that to ssh."""

    database: Path
    archives: Path
    key: Path | None

    @property
    def has_own_key(self) -> bool:
        """Whether its key lies in its data folder, which may go with it one day."""
        return self.key is not None and self.key.parent == self.database.parent


def locate(wanted: str, archives: str) -> OldManager:
    """Return the old manager that FROM= means: its top folder, its data folder or trim.db itself.

    Raises UsageError when there is no trim.db. archives is the folder with ID-NAME folders, where it is not as its
    settings say.
    """
    given = Path(wanted).expanduser().absolute()
    tried = [given] if given.is_file() else [given / "data" / DATABASE, given / DATABASE]
    database = next((path for path in tried if path.is_file()), None)
    if database is None:
        raise UsageError(f"FROM={wanted}: there is no {' and no '.join(map(str, tried))}. Give the folder of TRIM or "
                         "Tiki Manager, its data folder, or its trim.db")
    data = database.parent
    top = data.parent if data.name == "data" else data
    own = _settings(top)
    place = Path(archives).expanduser().absolute() if archives else _archives(top, own)
    if archives and not place.is_dir():
        raise UsageError(f"ARCHIVES={archives}: there is no such folder")
    return OldManager(database, place, _key(data, own))


def bring_archives(instance: Instance, sources: dict[str, Path]) -> list[str]:
    """Bring archives under the instance's name; return a sentence on each that did not come.

    sources are files by the stamp of their names. One that fails does not keep the others; one that is there
    already stays as it is.
    """
    settings, failed = instance.settings, []
    place = archive.folder(settings, instance.name)
    for stamp, source in sorted(sources.items()):
        try:
            with locks.hold(settings, [Lock(f"{instance.name}.store", exclusive=True)], "adopt"):
                MANAGER.make_folder(str(place), 0o700)
                target = foreign.target_of(place, instance.name, stamp)
                if not foreign.is_there(source, target):
                    _require_room(source, place)
                    foreign.bring(source, target)
        except (Fault, OSError) as error:
            failed.append(f"{instance.name}: {of_os_error(error) if isinstance(error, OSError) else error}")
    return failed


def refuse_other_archives(settings: Settings, name: str, sources: dict[str, Path]) -> None:
    """Raise ArchiveError when a folder of this name holds archives of another, forgotten instance."""
    place = archive.folder(settings, name)
    ours = {foreign.target_of(place, name, stamp).name for stamp in sources}
    others = [one.path.name for one in archive.of_instance(settings, name) if one.path.name not in ours]
    if others:
        raise ArchiveError(f"{place} holds archives of a forgotten instance of that name, as {others[0]} "
                           f"({len(others)} in all); they would count as its own. Move that folder away first")


def take_key(settings: Settings, manager: OldManager) -> str:
    """Return the private key for the instances behind ssh; the manager's own one is copied, mode 0600.

    Copied, because the old folder goes one day, and because Tiki Manager opens it to everybody at each start. A key
    elsewhere is pointed at. Empty when ssh is to find one by itself.
    """
    if manager.key is None or not manager.has_own_key:
        return str(manager.key or "")
    folder = settings.state / "keys"
    text = manager.key.read_bytes()
    names = (f"{manager.key.name}{count}" for count in ("", *(f"-{number}" for number in range(2, 1000))))
    target = next(path for path in map(folder.joinpath, names) if not path.exists() or path.read_bytes() == text)
    if not target.exists():
        MANAGER.make_folder(str(folder), 0o700)
        public = manager.key.with_name(manager.key.name + ".pub")
        if public.exists():
            MANAGER.write(f"{target}.pub", public.read_bytes(), 0o644)
        MANAGER.write(str(target), text, 0o600)
    return str(target)


def unknown_host(instance: Instance) -> bool:
    """Whether this account has no host key on record for an instance behind ssh; the host is not asked."""
    if instance.access != "ssh":
        return False
    where = instance.ssh_host if instance.ssh_port == 22 else f"[{instance.ssh_host}]:{instance.ssh_port}"
    known = Path(instance.settings.known_hosts or "~/.ssh/known_hosts").expanduser()
    if not known.is_file():
        return True
    return not MANAGER.read("ssh-keygen", "-F", where, "-f", str(known), ok=(0, 1)).strip()


def unclaimed(place: Path, claimed: Iterable[str], numbers: dict[str, str]) -> list[str]:
    """Return a sentence on each folder of archives that belongs to no instance by its full name.

    numbers gives the present name of each id. The old managers found archives by the id alone, and gave an id away
    again: what bears the id of one instance may be of another.
    """
    told = []
    for name, folder in foreign.folders(place).items():
        if name in claimed:
            continue
        number = name.split("-", 1)[0]
        now = f"id {number} is {numbers[number]} now" if number in numbers else f"there is no instance {number}"
        if count := len(foreign.found_in(folder).archives):
            told.append(f"{folder}: archives of another instance ({count}): {now}. To use one: make restore "
                        "INSTANCE=... ARCHIVE=/its/path UNVERIFIED=yes")
    return told


def _settings(top: Path) -> dict[str, str]:
    """Return what we need of the old manager's .env, as it reads there."""
    try:
        text = (top / ".env").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    values = {one.key: one.value for one in parse_stream(io.StringIO(text)) if one.key in NEEDED_SETTINGS and one.value}
    values.setdefault("TRIM_DATA", str(top / "data"))
    return {key: re.sub(r"\$\{(\w+)\}", lambda name: {"TRIM_ROOT": str(top), **values}.get(name[1], name[0]), value)
            for key, value in values.items()}


def _archives(top: Path, own: dict[str, str]) -> Path:
    backup = own.get("BACKUP_FOLDER", str(top / "backup"))
    return top / own.get("ARCHIVE_FOLDER", f"{backup}/archive")


def _key(data: Path, own: dict[str, str]) -> Path | None:
    """Return the key by the old managers' own rule: the account's pair first, then the one in the data folder."""
    if own.get("SSH_KEY"):
        return Path(own["SSH_KEY"]).expanduser()
    home = Path("~/.ssh/id_rsa").expanduser()
    if all(map(os.path.exists, (home, f"{home}.pub"))):
        return None
    return data / "id_rsa" if (data / "id_rsa").is_file() else None


def _require_room(source: Path, place: Path) -> None:
    needed, free = foreign.bytes_to_copy([source], place), MANAGER.free_bytes(str(place))
    if needed > free:
        raise HostError(f"{source}: no space for it: {output.size(needed)} are needed in {place}, and "
                        f"{output.size(free)} are free. Make room, or set ARCHIVES_DIR in conf/settings.env; then "
                        "make adopt again brings the rest")
