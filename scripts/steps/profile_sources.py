"""Where a profile comes from: a repository that Tiki's console asks itself, or a folder of the manager that is sent.

Tiki remembers what it applied by the repository's address, of which it keeps 50 characters. What is sent lies, while it
is applied, at one place of the web root, whose name is that of the folder here: so the address is short, the same on
every run, and the same after the site was cloned or moved.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import Fault, HostError, UsageError
from scripts.present import output, prompts
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings

ENDINGS = (".yml", ".yaml")
SENT = "temp/trim-profiles"     # Tiki keeps temp closed to visitors
SHORT = 15                      # characters of a folder's name in its address, which may have 50 in all
LARGEST = 64 << 20              # bytes of a repository; a profile is text
REMOTE_FORM = re.compile(r"[\w.-]+|\w+://\S+", re.ASCII)


@dataclass(frozen=True)
class Source:
    """One profile: repository is what the console is told, empty for its own default.

    folder is the manager's, when it is sent; only_file is the one file of it that is meant, else all profiles come.
    """

    name: str
    repository: str = ""
    folder: Path | None = None
    only_file: Path | None = None

    @property
    def shown(self) -> str:
        """Return where it is from, for people."""
        return str(self.only_file or self.folder or self.repository or "profiles.tiki.org")

    @property
    def place(self) -> str:
        """Return where it lies in the web root while it is applied."""
        path = str(self.folder)
        plain = re.sub(r"[^a-z0-9]+", "-", Path(path).name.lower()).strip("-")[:SHORT].strip("-") or "profiles"
        return f"{SENT}/{plain}-{hashlib.sha256(path.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def find(settings: Settings, profiles: tuple[str, ...], repository: str) -> list[Source]:
    """Return the profiles that PROFILE= and REPOSITORY= mean; at a terminal one of a folder is chosen.

    Raises UsageError when they do not say one, HostError when a folder of the manager does not hold it.
    """
    if is_file(repository):
        return [_of_file(settings, repository, *profiles[:1])]
    if not repository and profiles and all(map(is_file, profiles)):
        return [_of_file(settings, one) for one in profiles]
    if repository and not _is_here(settings, repository):
        if not REMOTE_FORM.fullmatch(repository):
            raise HostError(f"{settings.top / Path(repository).expanduser()} (REPOSITORY): there is no such folder")
        return [Source(one, repository) for one in profiles or (_missing(),)]
    if repository:
        folder = (settings.top / Path(repository).expanduser()).resolve()
        return [_of_folder(folder, one) for one in profiles or (_chosen(folder),)]
    return [Source(one) for one in profiles or (_missing(),)]


def names(settings: Settings, text: str) -> tuple[str, ...]:
    """Return the parts of PROFILE=, a comma list; the path of a file may hold commas too."""
    if is_file(text) and (settings.top / Path(text).expanduser()).is_file():
        return (text,)
    return tuple(part.strip() for part in text.split(",") if part.strip())


def is_file(text: str) -> bool:
    """Whether a word means a YAML file of the manager."""
    return text.endswith(ENDINGS)


@contextmanager
def sent(instance: Instance, source: Source) -> Iterator[list[str]]:
    """Lend the words that tell the console profile and repository; what is sent for that goes when the block ends.

    It is sent in a dry run too, because the console has to read it.
    """
    if source.folder is None:
        yield [source.name, *([source.repository] if source.repository else [])]
        return
    host = instance.host
    top = f"{host.real_path(instance.web_root)}/{SENT}"
    place = f"{host.real_path(instance.web_root)}/{source.place}"
    packed = _packed(source)
    try:
        host.read("rm", "-rf", "--", top)  # left by a run that was killed
        host.read("mkdir", "-m", "700", "--", top, place)
        host.read("tar", "-xf", "-", "-C", place, "--no-same-owner", stdin=packed)
        if not host.present(f"{place}/{source.name}.yml"):
            raise HostError(f"{instance.name}: {place}: {source.name}.yml did not arrive")
        yield [source.name, place]
    finally:
        try:
            host.read("rm", "-rf", "--", top)
        except Fault as fault:  # the profile is applied, or its own fault is the one to tell
            output.warn(f"{instance.name}: what was sent is still in {top}; the next make profile removes it: {fault}")


def profiles_in(folder: Path) -> list[str]:
    """Return the names of the profiles in a folder of the manager."""
    return sorted(path.stem for path in folder.glob("*.yml") if path.is_file())


def _is_here(settings: Settings, repository: str) -> bool:
    return "://" not in repository and (settings.top / Path(repository).expanduser()).is_dir()


def _of_folder(folder: Path, name: str) -> Source:
    if name not in profiles_in(folder):
        raise HostError(f"{folder} (REPOSITORY): has no {name}.yml. It has: "
                        f"{', '.join(profiles_in(folder)) or 'no file that ends with .yml'}")
    return Source(name, folder=folder)


def _of_file(settings: Settings, text: str, name: str = "") -> Source:
    path = (settings.top / Path(text).expanduser()).resolve()
    if not path.is_file():
        raise HostError(f"{path}: there is no such profile")
    return Source(name or path.stem, folder=path.parent, only_file=path)


def _chosen(folder: Path) -> str:
    names = profiles_in(folder)
    if not names:
        raise HostError(f"{folder} (REPOSITORY): has no profile: no file that ends with .yml")
    if not prompts.can_ask():
        raise UsageError(f"PROFILE= is missing. {folder} has: {', '.join(names)}")
    return names[prompts.choose("Which profile", names)]


def _missing() -> str:
    if not prompts.can_ask():
        raise UsageError("PROFILE= is missing: the name of a profile, or a YAML file")
    return prompts.ask("PROFILE, a name of profiles.tiki.org, or a YAML file")


def _packed(source: Source) -> bytes:
    """Return the profiles of a folder and the texts that belong to them, as a tar archive."""
    folder, stream = source.folder, io.BytesIO()
    files = {source.only_file: source.name} if source.only_file else {
        folder / f"{name}.yml": name for name in profiles_in(folder)}
    with tarfile.open(fileobj=stream, mode="w", dereference=True) as tar:
        for path, name in files.items():
            tar.add(path, f"{name}.yml", filter=_plain)
            if path.with_suffix("").is_dir():
                tar.add(path.with_suffix(""), name, filter=_plain)
            if stream.tell() > LARGEST:
                raise HostError(f"{folder}: its profiles are larger than {LARGEST >> 20} MB: is this the right folder?")
    return stream.getvalue()


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what is neither file nor folder; nobody else needs to read it."""
    member.mode, member.uid, member.gid, member.uname, member.gname = 0o700 if member.isdir() else 0o600, 0, 0, "", ""
    return member if member.isfile() or member.isdir() else None
