"""Where the folders of one site go at another, and where its links lead there: never to the first one's places."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scripts.errors import RefusedError
from scripts.hosts import identity
from scripts.steps import neighbours, site_links
from scripts.steps import replace as replacing
from scripts.steps.site import Site
from scripts.steps.site_links import Leads, Link
from scripts.store.manifest import Part
from scripts.tiki.data_folders import DataFolder, is_within


@dataclass(frozen=True)
class Places:
    """Where each of the source's folders goes, by its path there: the web root first.

    folders are the source's data folders that are there; missing ones only change their names. on_one_machine tells
    whether both sites are on one machine. links are those that lead out of each folder, leads where they are to lead.
    """

    goes: dict[str, str]
    folders: tuple[DataFolder, ...]
    missing: tuple[DataFolder, ...]
    on_one_machine: bool
    links: dict[str, list[Link]]
    leads: Leads


def find(source: Site, target: Site) -> Places:
    """Return where everything goes; raise RefusedError when a place is, or lies in, one of the source's own.

    Paths are compared without their links.
    """
    folders, missing = (_outside(folders, source) for folders in (source.folders, source.missing))
    theirs = _real_paths_here(source, target)
    goes = _of(source, target, source.instance.web_root, (*folders, *missing), theirs)
    links = {path: _links(source, path) for path in (source.instance.web_root, *(folder.path for folder in folders))}
    return Places(goes, folders, missing, theirs is not None, links, _leads(source, target, goes))


def of_archive(source: Site | None, target: Site, web_root: str, parts: Sequence[Part]) -> dict[str, str]:
    """Return where the folders of an archive go; source is the site it is of, when that can be asked."""
    if source is None:
        return replacing.own_places(web_root, parts, target)
    return _of(source, target, web_root, parts, _real_paths_here(source, target))


def _of(source: Site, target: Site, web_root: str, folders: Sequence[DataFolder | Part], theirs: list[str] | None
       ) -> dict[str, str]:
    """Return where the source's folders go; theirs are its real paths, None when it is on another machine."""
    if theirs is not None:
        _refuse_same_web_root(source, target, theirs)
    goes = replacing.own_places(web_root, folders, _without(target, theirs or []), is_elsewhere=theirs is None)
    _refuse_overlap(source, target, goes, theirs or [])
    return goes


def _real_paths_here(source: Site, target: Site) -> list[str] | None:
    """Return the real paths of the source's folders, its web root first; None when they are on another machine."""
    here = source.instance.host
    if identity.machine(here) != identity.machine(target.instance.host):
        return None
    return here.real_paths(source.instance.web_root,
                           *(folder.path for folder in (*source.folders, *source.missing) if not folder.never))


def _links(source: Site, folder: str) -> list[Link]:
    host = source.instance.host
    found = site_links.find(host, folder)
    links = site_links.resolved(host, host.real_path(folder), found) if found else []
    inside = [one.hop for one in links if is_within(one.hop, source.instance.web_root)]
    return site_links.without_code(links, source.instance.web_root, site_links.folders_of(host, inside))


def _leads(source: Site, target: Site, goes: dict[str, str]) -> Leads:
    never = {folder.path for folder in source.missing if folder.never}
    own = {path: place for path, place in goes.items() if path not in never}
    theirs, ours = source.instance.host.real_paths(*own), target.instance.host.real_paths(*own.values())
    return Leads(own, dict(zip(theirs, own)), dict(zip(own.values(), ours)))


def _outside(folders: tuple[DataFolder, ...], site: Site) -> tuple[DataFolder, ...]:
    """Return the folders that the tree of the web root does not bring along; EXTRA_PATHS may name such ones."""
    return tuple(folder for folder in folders if not folder.path.startswith(f"{site.instance.web_root}/"))


def _refuse_same_web_root(source: Site, target: Site, theirs: list[str]) -> None:
    web_root = target.instance.host.real_path(target.instance.web_root)
    if web_root == theirs[0]:
        raise RefusedError(f"{target.instance.name}: its web root {target.instance.web_root} is the one of "
                           f"{source.instance.name}. Nothing was changed")
    for path in theirs:
        if neighbours.overlap(web_root, path):
            raise RefusedError(f"{target.instance.name}: its web root {web_root} and {path} of {source.instance.name} "
                               "lie in each other: one would be overwritten. Nothing was changed. Give "
                               f"{target.instance.name} a folder of its own")


def _without(target: Site, theirs: list[str]) -> Site:
    """Return the target without folders that are not for it alone: the source's, and those its own web root lies in.

    A clone that broke off may have left the source's names in the target's database.
    """
    named = (*target.folders, *target.missing)
    paths = target.instance.host.real_paths(*[folder.path for folder in named])
    own = {folder.path for folder, path in zip(named, paths)
           if not folder.contains_web_root and not any(neighbours.overlap(path, other) for other in theirs)}
    return replace(target, folders=tuple(one for one in target.folders if one.path in own),
                   missing=tuple(one for one in target.missing if one.path in own))


def _refuse_overlap(source: Site, target: Site, goes: dict[str, str], theirs: list[str]) -> None:
    """Raise RefusedError when two places at the target lie in each other, or one of them and the source's."""
    name, places = target.instance.name, list(goes.values())
    real = target.instance.host.real_paths(*places)
    for number, path in enumerate(real):
        whose = [(other, f"{other} of {source.instance.name}") for other in theirs]
        others = [*whose, *((other, other) for other in real[:number])]
        if said := next((said for other, said in others if neighbours.overlap(path, other)), ""):
            raise RefusedError(f"{name}: its data would go to {path}, and that lies in, around or is {said}. Nothing "
                               f"was changed. Set DATA_ROOT in instances.d/{name}.env to a folder of its own")
