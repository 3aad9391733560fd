"""What is installed on an instance by TRIM: one file on the manager, written whole, which is the moment that counts.

Beside it lie the originals of files that a mod took the place of, each an archive of one file with its mode, owner and
time, named by its content.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from scripts.errors import RegistryError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.mods.revision import Revision
from scripts.registry.instance import Instance
from scripts.tiki import small_files
from scripts.tiki.small_files import SmallFile

FORM = 1
NAME = "installed.json"
IN_ARCHIVE = "mods"     # the key among the manifest's extras


@dataclass(frozen=True)
class Installed:
    """One mod on one instance.

    control is the text of its control file; origin says where the mod came from. files are the sha256 of what was put
    there, by path from the web root; originals name, for those that took another's place, what had been there. folders
    were made for it. is_wanted: asked for by name, not only because another one requires it.
    """

    mod: str
    revision: str
    control: str = field(repr=False)
    origin: str = ""
    moment: str = ""
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict)
    originals: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    is_wanted: bool = True

    @property
    def number(self) -> Revision:
        return Revision(self.revision)


@dataclass(frozen=True)
class State:
    """All mods of an instance. answers are of those that are not installed yet; owners says whose file is at a path
    that several mods have; job names the change that made this state; listed are the mods whose lines TRIM put into
    the site's own list, and listed_folders those made for it.
    """

    mods: Mapping[str, Installed] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    owners: Mapping[str, str] = field(default_factory=dict)
    job: str = ""
    listed: tuple[str, ...] = ()
    listed_folders: tuple[str, ...] = ()

    def owner(self, path: str) -> str:
        """Return the mod whose file is at a path, or nothing."""
        return self.owners.get(path) or next((mod for mod, one in self.mods.items() if path in one.files), "")

    def answers_of(self, mod: str) -> Mapping[str, str]:
        """Return what was answered for a mod, installed or not."""
        known = self.mods.get(mod)
        return {**(known.answers if known else {}), **self.answers.get(mod, {})}


def folder(instance: Instance) -> Path:
    return instance.settings.state / "mods" / instance.name


def read(instance: Instance) -> State:
    """Return what is installed; nothing, when nothing ever was."""
    path = folder(instance) / NAME
    try:
        return _of(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return State()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RegistryError(f"{instance.name}: {path}, which says what mods are installed, cannot be understood: "
                            f"{error}. Next: put it back from a backup of the manager") from error


def write(instance: Instance, state: State) -> None:
    """Make this the state of the instance."""
    MANAGER.make_folder(str(folder(instance)), 0o700)
    path = str(folder(instance) / NAME)
    MANAGER.write(path, json.dumps({"form": FORM, **asdict(state)}, indent=1, sort_keys=True).encode(), 0o600)
    MANAGER.sync(path)


def _of(values: dict) -> State:
    if values.pop("form") != FORM:
        raise ValueError("it is of another form; update TRIM to read it")
    mods = {mod: Installed(**{**one, "folders": tuple(one["folders"])}) for mod, one in values.pop("mods").items()}
    return State(mods=mods, **{**values, "listed": tuple(values["listed"]),
                               "listed_folders": tuple(values["listed_folders"])})


# Originals

def original_of(path: str, file: SmallFile) -> tuple[str, bytes]:
    """Return the name that a file of the site is kept by, and what is kept."""
    packed = small_files.packed({path: file})
    return f"{hashlib.sha256(packed).hexdigest()}.tar", packed


def keep_originals(instance: Instance, kept: Mapping[str, bytes]) -> None:
    """Keep files of the site, by the names of original_of."""
    place = folder(instance) / "originals"
    for name, packed in kept.items():
        MANAGER.make_folder(str(place), 0o700)
        MANAGER.write(str(place / name), packed, 0o600)
        MANAGER.sync(str(place / name))


def original(instance: Instance, name: str) -> SmallFile:
    """Return a file that was kept; raise RegistryError when it is not what it was."""
    place = folder(instance) / "originals" / name
    try:
        packed = place.read_bytes()
    except OSError as error:
        raise RegistryError(f"{instance.name}: {place}, the original of a file, cannot be read: {error.strerror}. "
                            "Next: put it back from a backup of the manager") from error
    if f"{hashlib.sha256(packed).hexdigest()}.tar" != name:
        raise RegistryError(f"{instance.name}: {place}, the original of a file, is damaged. Next: put it back from a "
                            "backup of the manager")
    return next(iter(small_files.unpacked(packed).values()))


def sweep(instance: Instance, state: State) -> None:
    """Remove the originals that nothing needs any more."""
    needed = {name for one in state.mods.values() for name in one.originals.values()}
    for path in (folder(instance) / "originals").glob("*.tar"):
        if path.name not in needed:
            MANAGER.remove(str(path))


# Along with the site

def for_archive(instance: Instance) -> dict[str, object]:
    """Return the state and its originals for the description inside an archive; nothing where nothing is installed."""
    state = read(instance)
    if not state.mods:
        return {}
    place = folder(instance) / "originals"
    originals = {path.name: base64.b64encode(path.read_bytes()).decode() for path in sorted(place.glob("*.tar"))}
    return {IN_ARCHIVE: {"state": {"form": FORM, **asdict(replace(state, job=""))}, "originals": originals}}


def from_archive(instance: Instance, extra: Mapping[str, object]) -> None:
    """Make the state what an archive says that was put in place of the site; nothing, when it says nothing."""
    told = extra.get(IN_ARCHIVE)
    if not isinstance(told, dict):
        forget(instance)
        return
    state = _of(dict(told["state"]))
    known = read(instance)
    for name, text in told["originals"].items():
        content = base64.b64decode(text)
        if f"{hashlib.sha256(content).hexdigest()}.tar" == name:
            MANAGER.make_folder(str(folder(instance) / "originals"), 0o700)
            MANAGER.write(str(folder(instance) / "originals" / name), content, 0o600)
    write(instance, replace(state, answers={**known.answers, **state.answers}))
    sweep(instance, state)


def inherit(source: str, target: Instance, is_alone: bool = False) -> list[str]:
    """Let an instance that was given the code of one of that name have its mods too; or none, as that one.

    is_alone: without the data. Returns a warning when what the SQL of its mods did is then not there.
    """
    if process.conduct.dry_run:
        return []
    theirs = read(target.with_(name=source))
    before = read(target)
    from_archive(target, for_archive(target.with_(name=source)))
    missed = sorted(mod for mod, one in theirs.mods.items()
                    if mod not in before.mods or before.mods[mod].revision != one.revision)
    if not is_alone or not missed:
        return []
    return [f"the files of {', '.join(missed)} came with the code; what the SQL of these mods did comes with the data"]


def forget(instance: Instance) -> None:
    """Note that nothing is installed; answers for what is not installed yet stay."""
    known = read(instance)
    if known.mods or known.listed:
        write(instance, State(answers=known.answers))
        sweep(instance, State())


def everything_of(instance: Instance) -> Path | None:
    """Return the folder of all that is known of an instance's mods, if there is any."""
    return folder(instance) if folder(instance).is_dir() else None
