"""Where a mod's files go at a site: looked at there, without links, and refused where nothing of a mod may be.

Nothing is changed here.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from scripts.errors import Fault, RefusedError
from scripts.hosts import listing
from scripts.hosts.host import Host
from scripts.hosts.listing import FILE, FOLDER, Entry
from scripts.mods import names
from scripts.steps import local_files, release_files
from scripts.steps.release_files import Release
from scripts.steps.site import Site
from scripts.tiki import guard, layout, maintenance, small_files
from scripts.tiki.small_files import SmallFile

INSTALLED = "mods/Installed"
NAMES_AT_ONCE = 300     # a name may have 255 bytes, and quotes around it; most have 40
OWN_WAYS = (*layout.OWN_RULES, *maintenance.OWN_NAMES, layout.HTACCESS)


@dataclass(frozen=True)
class Places:
    """What is at the places that a change speaks of. real says where a path leads once links are followed; entries
    are what is there and above, by real path; folder_mode and file_mode are those of Tiki's own.
    """

    site: Site
    root: str
    real: Mapping[str, str]
    entries: Mapping[str, Entry]
    present: Mapping[str, SmallFile] = field(repr=False)

    @property
    def file_mode(self) -> int:
        entry = self.entries.get(layout.SETUP)
        return int(entry.mode, 8) & 0o666 | 0o600 if entry else 0o644

    @property
    def folder_mode(self) -> int:
        entry = self.entries.get("lib")
        return int(entry.mode, 8) & 0o777 | 0o700 if entry else 0o755

    @property
    def owner(self) -> tuple[int, int]:
        """The numbers of user and group that the web root belongs to."""
        return self.present["."].owner, self.present["."].group

    @cached_property
    def release(self) -> Release | None:
        """What Tiki itself shipped; None where nothing tells that."""
        try:
            return release_files.of_code(self.site.instance, self.site.probe, may_prepare=False)
        except Fault:
            return None

    def is_tikis(self, path: str) -> bool:
        """Whether a file is part of Tiki itself, or may be."""
        if self.release and path in self.release.files:
            return True
        return path in self.entries and not (self.release and self.release.tells(path))

    def made_for(self, paths: Iterable[str]) -> list[str]:
        """Return the folders that have to be made for these files, the upper ones first."""
        return sorted({folder for path in paths for folder in local_files.above(path) if folder not in self.entries})

    def new_file(self, content: bytes, time: str) -> SmallFile:
        """Return a file of the site's owner, with the mode of Tiki's own files."""
        return SmallFile(b"0", content, "", self.file_mode, *self.owner, time=time)


def look(site: Site, targets: Collection[str], others: Collection[str] = ()) -> Places:
    """Return what is at these places; others are paths that are real already.

    Raises RefusedError for a place where no file of a mod may be.
    """
    instance, host = site.instance, site.instance.host
    root = host.real_path(instance.web_root)
    if wrong := [f"{path}: {why}" for path in sorted({*targets, *others}) if (why := names.fault_of_path(path))]:
        raise _refused(site, wrong)
    real = _real(site, root, targets)
    paths = {*real.values(), *others}
    if wrong := [f"{path}: {why}" for path in sorted(real.values()) if (why := closed(path))]:
        raise _refused(site, wrong)
    above = {folder for path in paths for folder in local_files.above(path)}
    entries = listing.named(host, root, sorted({*paths, *above, layout.SETUP, "lib"}))
    if wrong := [f"{path}: {why}" for path in sorted(paths) if (why := _blocked(path, entries))]:
        raise _refused(site, wrong)
    there = sorted(path for path in paths if path in entries)
    present = _read(host, root, there)
    if lacking := [path for path in there if path not in present]:
        raise _refused(site, [f"{path}: may not be read by this account" for path in lacking])
    return Places(site, root, real, entries, present)


def _read(host: Host, root: str, paths: Sequence[str]) -> dict[str, SmallFile]:
    """Return files of the web root, and itself as ".", in as many calls as their names need: ssh takes 128 kB of words.
    """
    found = small_files.read(host, root, paths[:NAMES_AT_ONCE])
    for start in range(NAMES_AT_ONCE, len(paths), NAMES_AT_ONCE):
        found |= small_files.read(host, root, paths[start:start + NAMES_AT_ONCE])
    return found


def _real(site: Site, root: str, targets: Collection[str]) -> dict[str, str]:
    """Return where each target is once the links above it are followed."""
    folders = sorted({os.path.dirname(path) for path in targets})
    if not folders:
        return {}
    asked = "".join(f"{root}/{folder}\0" for folder in folders).encode("utf-8", "surrogateescape")
    told = site.instance.host.read_names("xargs", "-0", "-r", "realpath", "-m", "-z", "--", stdin=asked)
    where = dict(zip(folders, told, strict=True))
    real, wrong = {}, []
    for path in sorted(targets):
        folder = where[os.path.dirname(path)]
        if folder != root and not folder.startswith(f"{root}/"):
            wrong.append(f"{path}: leads out of the web root, to {folder}")
            continue
        real[path] = os.path.join(folder.removeprefix(root).lstrip("/"), os.path.basename(path))
    if wrong:
        raise _refused(site, wrong)
    return real


def closed(path: str) -> str:
    """Return why no mod may put a file there, or nothing."""
    if path in guard.ENTRANCES:
        return "every visit goes through it, and the maintenance page stands in it; a change of it is a patch"
    if path in OWN_WAYS or not release_files.is_of_release(path):
        return "belongs to the site's own configuration, or is a cache"
    if path == INSTALLED or path.startswith(f"{INSTALLED}/"):
        return "is where mods are written down"
    if path.startswith(".trim"):
        return "is where TRIM lays what it needs"
    return ""


def _blocked(path: str, entries: Mapping[str, Entry]) -> str:
    """Return why what is at the site leaves no room for a file, or nothing."""
    entry = entries.get(path)
    if entry and entry.kind != FILE:
        return "is a folder there" if entry.kind == FOLDER else "is a link there, or no file"
    for folder in local_files.above(path):
        if folder in entries and entries[folder].kind != FOLDER:
            return f"{folder} is no folder there"
    return ""


def _refused(site: Site, wrong: list[str]) -> RefusedError:
    more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    return RefusedError(f"{site.instance.name}: no file of a mod can be put there: {'; '.join(wrong[:5])}{more}. "
                        "Nothing was changed")
