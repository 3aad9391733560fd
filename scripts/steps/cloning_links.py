"""Which links a clone brings, and what becomes of them at the target: none shall lead it into the source's folders.

Code alone is brought to a site that lives: what leads to its data, or out of it, is the target's own. Data alone comes
to folders that may be links at one side only; then what is there stays.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from scripts.hosts.host import Host
from scripts.steps import site_links
from scripts.steps.cloning_places import Places
from scripts.steps.site import Site
from scripts.steps.site_links import Link, Moved
from scripts.store import walk
from scripts.tiki import folder_facts
from scripts.tiki.data_folders import is_within


@dataclass(frozen=True)
class Links:
    """What becomes of the links of one folder: those rsync passes over, those to lay then, and what to tell."""

    passed: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def filters(self) -> list[str]:
        return site_links.filters(self.passed)


def of_folder(source: Site, target: Site, places: Places, folder: str) -> Links:
    """Return what becomes of the links of a data folder, all of which comes."""
    links, into = places.links[folder], places.goes[folder]
    moved = site_links.moved(links, into, places.leads)
    return Links(tuple(one.name for one in moved), tuple(moved), _shared(source, target, places, folder, links))


def of_web_root(source: Site, target: Site, places: Places, what: Collection[str], data: Collection[str],
                kept: Iterable[str]) -> Links:
    """Return what becomes of the links of the web root; data are folders of it that hold data, kept what stays."""
    web_root = source.instance.web_root
    stays, data = list(kept), set(data)
    is_kept = walk.any_of(stays)
    links = [link for link in places.links[web_root] if not is_kept(link.name)]
    if set(what) == {"data"}:
        links = [link for link in links if any(is_within(link.name, folder) for folder in data)]
    if set(what) == {"code"}:
        return _of_code(source, target, places, links, data)
    moved = [replace(one, is_whole=_may_go(one.name, what, data, stays))
             for one in site_links.moved(links, places.goes[web_root], places.leads)]
    return Links(tuple(one.name for one in moved), tuple(moved), _shared(source, target, places, web_root, links))


def _may_go(name: str, what: Collection[str], data: set[str], kept: Iterable[str]) -> bool:
    """Whether a folder at the target may go for a link of this name, with all in it."""
    is_brought = "code" in what or any(is_within(name, folder) and name != folder for folder in data)
    return is_brought and not any(is_within(one.strip("/"), name) for one in kept)


def _of_code(source: Site, target: Site, places: Places, links: list[Link], data: set[str]) -> Links:
    """Return what becomes of the links of the code. Those that are or lead to data, or lead out, are a site's own."""
    host, web_root = target.instance.host, target.instance.web_root
    own = {name for name in data if name in {link.name for link in links}} | _links_at(host, web_root, data)
    links = [link for link in links if not any(is_within(link.name, folder) for folder in data)]
    moved = [replace(one, is_whole=False) for one in site_links.moved(links, web_root, places.leads)]
    outside = [one.target for one in moved if not is_within(one.target, web_root)]
    facts = folder_facts.look(host, outside).facts if outside else {}
    lost = [one for one in moved if one.target in facts and not facts[one.target].leads_on]
    out = [link for link in links if places.leads.of(link) is None]
    there = _links_at(host, web_root, [link.name for link in out])
    kept = [link for link in out if link.name in there]
    warnings = [f"{web_root}/{one.name} stays as it is: at {source.instance.name} it is a link to {one.was}, and here "
                f"{one.target}, which takes its place, is not there" for one in lost]
    for link, real in zip(kept, site_links.real_paths(host, [f"{web_root}/{link.name}" for link in kept])):
        if real != link.real:
            warnings.append(f"{web_root}/{link.name} stays a link to {real}: at {source.instance.name} it leads to "
                            f"{link.real}, which is no part of that site")
    new = [link for link in out if link.name not in there]
    return Links((*sorted(own), *(one.name for one in moved), *(link.name for link in kept)),
                 tuple(one for one in moved if one not in lost),
                 (*warnings, *_shared(source, target, places, source.instance.web_root, new)))


def _links_at(host: Host, web_root: str, names: Collection[str]) -> set[str]:
    """Return which of these names are links in a web root."""
    paths = [f"{web_root}/{name}" for name in names]
    return {path.removeprefix(f"{web_root}/") for path in host.present(*paths, kind="l")} if paths else set()


def _shared(source: Site, target: Site, places: Places, folder: str, links: Iterable[Link]) -> tuple[str, ...]:
    """Return a warning of links to what is no part of the source and is there for both sites, if there are any.

    Uploads behind links are told by themselves.
    """
    if not places.on_one_machine:
        return ()
    loose = [one.path for one in source.loose]
    told = site_links.shared(target.instance.host, places.goes[folder], [
        link for link in links if not any(is_within(f"{folder}/{link.name}", path) for path in loose)], places.leads)
    return (f"{told}, out of {source.instance.name} too: both sites use what is there. Where one of them writes: name "
            f"it in EXTRA_PATHS in instances.d/{source.instance.name}.env, then this once more",) if told else ()
