"""Finds where a site's data lies besides its web root: what its database names, what its links lead to, EXTRA_PATHS.

One call of the host for all of them. Links are looked behind only in the web root: a backup keeps them as links.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scripts.registry.instance import Instance
from scripts.tiki import data_folders, folder_facts, layout
from scripts.tiki.data_folders import DataFolder, Rows, is_within
from scripts.tiki.folder_facts import Facts, Looked

EXTRA = "EXTRA_PATHS"


@dataclass(frozen=True)
class Loose:
    """A folder of uploads in the web root that is a link to one that belongs to no part of the site."""

    path: str
    target: str

    def problem(self) -> str:
        return f"{self.path} is a link to {self.target}, which no backup takes"

    def step(self, instance: Instance) -> str:
        return f"EXTRA_PATHS={','.join((*instance.extra_paths, self.target))} in instances.d/{instance.name}.env"


@dataclass(frozen=True)
class Found:
    """The folders that are there, those that are not or are nobody's own, and links that nothing follows."""

    folders: tuple[DataFolder, ...] = ()
    missing: tuple[DataFolder, ...] = ()
    loose: tuple[Loose, ...] = ()


def find(instance: Instance, rows: Rows) -> Found:
    """Return where the data of a site lies; rows are what its database names."""
    extra = dict.fromkeys(path.rstrip("/") or "/" for path in instance.extra_paths)
    if not rows and not extra:
        return Found()
    web_root = instance.web_root
    users = data_folders.outside(rows, web_root)
    named = data_folders.users_inside(rows, web_root)
    fixed = [f"{web_root}/{path}" for path in layout.SITE_DATA]
    looked = folder_facts.look(instance.host, [web_root, *users, *extra, *named, *fixed])
    facts, links = dict(looked.facts), {}
    for path in _leading_out(web_root, looked, [*named, *fixed]):
        links[path] = real = looked.facts[path].real
        facts.setdefault(real, replace(looked.facts[path], is_there=looked.facts[path].leads_on))
        if path in named and not any(is_within(real, one) for one in extra):
            users.setdefault(real, []).extend(named[path])
    folders = _judged(instance, users, extra, facts, looked.temporary)
    folders = [replace(one, links=tuple(link for link in links.items() if link[0] in named
                                        and is_within(link[1], one.path))) for one in folders]
    taken = tuple(one for one in folders if facts[one.path].leads_on and not one.never)
    return Found(taken, tuple(one for one in folders if one not in taken),
                 tuple(_loose(fixed, links, facts, folders)))


def _leading_out(web_root: str, looked: Looked, paths: Iterable[str]) -> list[str]:
    """Return those of these paths of the web root that lead out of it by a link, and not to what it lies in itself."""
    top = looked.facts[web_root].real
    return [path for path in dict.fromkeys(paths) if looked.facts[path].is_there
            and not is_within(looked.facts[path].real, top) and not is_within(top, looked.facts[path].real)]


def _judged(instance: Instance, users: dict[str, list[str]], extra: dict[str, None], facts: dict[str, Facts],
            temporary: str) -> list[DataFolder]:
    """Return the folders, nested ones merged; one that cannot be a site's own says why.

    That is asked before they are merged: what lies in a folder that is never taken may well be the site's.
    """
    never = {path: reason for path in (*users, *extra) if (
        reason := data_folders.why_never(facts[path].real, temporary, facts[path].is_open and path not in extra
                                         and data_folders.are_inboxes(users[path])))}
    own = data_folders.merged({path: uses for path, uses in users.items() if path not in never}, instance.web_root)
    refused = [DataFolder(path, tuple(dict.fromkeys(users[path]))) for path in users if path in never]
    known = {instance.web_root, *(one.path for one in (*own, *refused))}
    further = [DataFolder(path, (EXTRA,)) for path in extra if path not in known]
    return [replace(one, never=never.get(one.path, "")) for one in (*own, *refused, *further)]


def _loose(fixed: Iterable[str], links: dict[str, str], facts: dict[str, Facts], folders: list[DataFolder]
           ) -> list[Loose]:
    """Return the fixed folders of uploads that lead to no part of the site; the outer one of nested ones."""
    parts = [place for one in folders if not one.never for place in (one.path, facts[one.path].real)]
    found: list[Loose] = []
    for path in fixed:
        if path in links and facts[path].leads_on and not any(is_within(links[path], one) for one in parts) \
                and not any(is_within(path, one.path) for one in found):
            found.append(Loose(path, links[path]))
    return found
