"""The collection: a folder of control files, of the files they name, of lists and archives (MODS_DIR).

    Packages/   control files; 00_list.txt of them, 00_list.public.txt of what is published, one list a provider
    Dist/       archives for others
    Cache/      archives of others, and what was unpacked of them
    Mirrors/    whole providers

The files of mods lie beside these, where the control files say. Control files are always read themselves: a list of
them may be stale.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.errors import ArchiveError, RefusedError
from scripts.hosts.local import MANAGER
from scripts.mods import control as controls
from scripts.mods import index, names, packages, provider, resolver
from scripts.mods.index import IndexLine
from scripts.mods.parts import ControlFile, Problem
from scripts.mods.provider import PUBLIC
from scripts.mods.resolver import LOCAL, Candidate
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings

LIST = "00_list.txt"
SCRATCH = ".trim-new-"     # begins the name of what a run has not finished
READING = [Lock("mods.collection", exclusive=False)]
CHANGING = [Lock("mods.collection", exclusive=True)]


def folder(settings: Settings) -> Path:
    """Return where the collection is."""
    return settings.place(settings.mods_dir)


def packages_of(settings: Settings) -> Path:
    return folder(settings) / "Packages"


def dist(settings: Settings) -> Path:
    return folder(settings) / "Dist"


def cache(settings: Settings) -> Path:
    return folder(settings) / "Cache"


def ready(settings: Settings) -> None:
    """Make the folders that a collection has, and clear what killed runs left; only who changes it (CHANGING) may."""
    places = (folder(settings), packages_of(settings), dist(settings), cache(settings))
    for place in places:
        MANAGER.make_folder(str(place))
    left_over = [left for place in places for left in place.glob(f"{SCRATCH}*")]
    for left in [*left_over, *cache(settings).glob(f"*/{SCRATCH}*")]:
        (MANAGER.remove_tree if left.is_dir() else MANAGER.remove)(str(left))


# What there is

def control_paths(settings: Settings) -> dict[str, Path]:
    """Return the control files of the collection, by mod; files with other names are passed over."""
    found = {names.mod_of(path.name): path for path in sorted(packages_of(settings).glob("*.info.txt"))}
    return {mod: path for mod, path in found.items() if mod and path.is_file()}


def examined(settings: Settings) -> dict[str, tuple[ControlFile, list[Problem]]]:
    """Return what each control file of the collection says, and what is wrong with it."""
    return {mod: controls.load(path) for mod, path in control_paths(settings).items()}


def local(settings: Settings) -> dict[str, ControlFile]:
    """Return the mods of the collection; what is in doubt in them is told by who uses one (`content`)."""
    return {mod: control for mod, (control, _) in examined(settings).items()}


def published(settings: Settings) -> list[IndexLine]:
    """Return what the collection publishes."""
    return index.load(packages_of(settings) / PUBLIC)


def remote(settings: Settings, address: str) -> list[IndexLine] | None:
    """Return what a provider had at the last make mods-update; None when there was none."""
    path = packages_of(settings) / names.index_of(address)
    return index.load(path) if path.exists() else None


def remotes(settings: Settings, address: str = "") -> dict[str, list[IndexLine]]:
    """Return what the providers had that PROVIDER= means, or all of conf/providers.txt, by address."""
    found = {}
    for one in provider.wanted(settings, address):
        lines = remote(settings, one.address)
        if lines is None and address:
            raise RefusedError(f"{one.address}: its list is not here. Next: make mods-update PROVIDER={one.address}")
        found[one.address] = lines or []
    return found


def available(settings: Settings, address: str = "") -> list[Candidate]:
    """Return what can be installed, in the order of preference: the collection's own, then each provider's."""
    found = [resolver.of_control(one, LOCAL) for one in local(settings).values()]
    for place, lines in remotes(settings, address).items():
        found += [resolver.of_line(line, place) for line in lines]
    return found


def content(settings: Settings, chosen: Candidate) -> tuple[ControlFile, str, Path]:
    """Return a candidate's control file, its text, and the folder below which its files are.

    One of a provider is downloaded, checked and unpacked in Cache/ unless it is there; the collection's own files stay
    as they are. Raises ArchiveError when the control file is in doubt, or when files are missing or are another mod's.
    """
    if chosen.origin == LOCAL:
        path = packages_of(settings) / names.control_file(chosen.mod)
        text = controls.text_of(path.read_bytes(), str(path))
        control, place = controls.trusted(text, str(path)), folder(settings)
    else:
        line = next((line for line in remote(settings, chosen.origin) or ()
                     if line.mod == chosen.mod and line.revision.text == chosen.revision.text), None)
        if line is None:
            raise RefusedError(f"{chosen.origin} has no {chosen} any more. Next: make mods-update")
        control, place = _from_cache(settings, chosen.origin, line)
        text = controls.write(control)
    if faults := packages.missing_sources(control, place):
        raise ArchiveError(f"{control.mod}: {'; '.join(faults[:5])}{' ...' if len(faults) > 5 else ''}. Nothing was "
                           "changed")
    return control, text, place


# What is written

def write_list(settings: Settings, name: str, lines: list[IndexLine]) -> None:
    """Put a list in place, whole."""
    text = index.write(lines).encode("utf-8", "surrogateescape")
    MANAGER.write(str(packages_of(settings) / name), text, 0o644)


def rebuild(settings: Settings) -> list[IndexLine]:
    """Write the list of the collection's control files anew and return it."""
    lines = [index.of_control(control) for control in local(settings).values() if control.revision.is_plain]
    write_list(settings, LIST, lines)
    return lines


def fetched(settings: Settings, address: str, line: IndexLine) -> Path:
    """Return the archive of a provider's line, from Cache/ or downloaded; its sums are right."""
    path = cache(settings) / names.encoded(address) / line.archive_name
    if path.exists() and (line.md5 or line.sha256):
        try:
            packages.check_sums(path, line.md5, line.sha256, f"the list of {address}")
            return path
        except ArchiveError:
            pass  # another archive under that name: the provider made it anew
    path.parent.mkdir(parents=True, exist_ok=True)
    provider.wanted(settings, address)[0].fetch(line, path)
    return path


def adopt(settings: Settings, address: str, line: IndexLine, force: bool = False) -> tuple[ControlFile, list[str]]:
    """Put a provider's mod into the collection, its archive judged first; return it and the files that were written.

    Raises RefusedError for a file there that is another mod's, or nobody's, with another text, unless force.
    """
    archive = fetched(settings, address, line)
    top = folder(settings)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=top) as name:
        fresh = Path(name)
        control = packages.unpack(archive, fresh, line.mod, line.revision.text)
        own = f"Packages/{names.control_file(control.mod)}"
        changing = [path for path in (*control.sources, own) if not _is_same(fresh / path, top / path)]
        _refuse_links(top, changing)
        if not force:
            _refuse_foreign(settings, control, [path for path in changing if path != own])
        for path in changing:  # the control file last: what it names is there by then
            MANAGER.make_folder(str((top / path).parent))
            MANAGER.rename(str(fresh / path), str(top / path))
    return control, changing


@contextmanager
def unpacked(settings: Settings, archive: Path, mod: str, revision: str) -> Iterator[tuple[ControlFile, Path]]:
    """Lend a folder with what an archive holds."""
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=cache(settings)) as name:
        yield packages.unpack(archive, Path(name), mod, revision), Path(name)


def _from_cache(settings: Settings, address: str, line: IndexLine) -> tuple[ControlFile, Path]:
    """Return a provider's mod unpacked in Cache/; the folder's name says which archive it is of."""
    archive = fetched(settings, address, line)
    place = archive.with_name(f"{archive.name}.{packages.sums(archive)[1][:16]}")
    if not place.is_dir():
        with unpacked(settings, archive, line.mod, line.revision.text) as (_, fresh):
            try:
                os.rename(fresh, place)
                fresh.mkdir()
            except OSError:
                if not place.is_dir():  # else another run was quicker
                    raise
        for old in archive.parent.glob(f"{archive.name}.*"):
            if old != place:
                shutil.rmtree(old, ignore_errors=True)
    own = place / "Packages" / names.control_file(line.mod)
    return controls.trusted(controls.text_of(own.read_bytes(), str(own)), str(own)), place


def _is_same(one: Path, other: Path) -> bool:
    if other.is_symlink() or not other.is_file() or one.stat().st_size != other.stat().st_size:
        return False
    return packages.sums(one) == packages.sums(other)


def _refuse_links(top: Path, paths: list[str]) -> None:
    """Raise RefusedError where a link of the collection would lead a file elsewhere, or a folder is in its place."""
    for path in paths:
        at = top / path
        above = [at, *[one for one in at.parents if top in one.parents]]
        if wrong := [one for one in above if one.is_symlink()]:
            raise RefusedError(f"{wrong[0]}: is a link; no mod's file is written through it")
        if at.exists() and not at.is_file():
            raise RefusedError(f"{at}: is a folder; a file of the mod has its name")


def _refuse_foreign(settings: Settings, control: ControlFile, changing: list[str]) -> None:
    """Raise RefusedError for files of the collection that would be replaced and are not this mod's alone."""
    here = local(settings)
    own = set(here[control.mod].sources) if control.mod in here else set()
    others = {source: mod for mod, one in here.items() if mod != control.mod for source in one.sources}
    for path in changing:
        if not (folder(settings) / path).exists():
            continue
        if path in others:
            raise RefusedError(f"{control.mod}: {path} is a file of {others[path]} too, with another text. Nothing was "
                               "changed. Next: the same with FORCE=1, or remove that mod from the collection")
        if path not in own:
            raise RefusedError(f"{control.mod}: {folder(settings) / path} is there already, and no mod's. Nothing was "
                               "changed. Next: the same with FORCE=1")

