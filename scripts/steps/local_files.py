"""What a site changed in the files of its release: sums are computed where it lies, only they travel.

local_changes decides what becomes of it in another release.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from scripts.errors import HostError
from scripts.hosts import listing
from scripts.hosts.listing import FILE, LINK, Entry
from scripts.registry.instance import Instance
from scripts.steps import checkouts, release_files
from scripts.steps import site as sites
from scripts.steps.release_files import ARROW, AS_IT_IS, GIT, MD5, Release
from scripts.steps.site import Site
from scripts.tiki import data_folders, guard, layout

NO_FILE = "no file"     # in the place of a digest: a folder, or worse
SHOWN = 5               # names in a message; of more only their number


@dataclass(frozen=True)
class Changes:
    """How a site differs from its release; paths from the web root, in order.

    changed are digests of what is there now, of the kind that the release has. missing are files that were removed,
    added_beside those that the site has more, outside of what its users make. behind_links are the release's files in
    folders that the site keeps elsewhere: they are left alone.
    """

    changed: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    added_beside: tuple[str, ...] = ()
    behind_links: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing)


def find(site: Site, old: Release) -> Changes:
    """Compare the site's files with its release's; raise HostError for one that may not be read."""
    aside = _aside(site)
    entries = _entries(site, old.files, aside)
    links = {path for path, entry in entries.items() if entry.kind == LINK}
    behind = {path for path in old.files if links and _is_behind(path, links)}
    changed, missing, wanted = {}, [], defaultdict(dict)
    for path, digest in old.files.items():
        entry = entries.get(path)
        if path in behind or (digest == AS_IT_IS and path not in behind):
            continue
        if entry is None:
            missing.append(path)
        elif entry.kind == LINK:
            changed |= {path: f"{ARROW}{entry.target}"} if digest != f"{ARROW}{entry.target}" else {}
        elif entry.kind != FILE:
            changed[path] = NO_FILE
        else:
            wanted[0 if digest.startswith(ARROW) else len(digest)][path] = entry
    for length, files in wanted.items():
        now = _digests(site, files, length)
        changed |= {path: digest for path, digest in now.items() if digest != old.files[path]}
        missing += files.keys() - now.keys()  # removed meanwhile
    for path, content in _closed(site, changed).items():
        if release_files.digest(content, changed[path]) == old.files[path]:
            del changed[path]
    beside = [path for path, entry in entries.items() if path not in old.files and entry.kind in (FILE, LINK)
              and old.tells(path) and release_files.is_of_release(path) and not _is_within(path, aside)]
    return Changes(dict(sorted(changed.items())), tuple(sorted(missing)), tuple(sorted(beside)), tuple(sorted(behind)))


def texts(instance: Instance, paths: Iterable[str]) -> dict[str, bytes]:
    """Return what is in files of a site, without what the maintenance page adds to them; those that are files."""
    wanted = sorted(paths)
    found = listing.contents(instance.host, instance.web_root, wanted) if wanted else {}
    return {path: _unguarded(path, text) for path, text in found.items()}


def look(instance: Instance, paths: Collection[str]) -> tuple[dict[str, Entry], set[str]]:
    """Return what is at some paths of a site and at the folders above, and which of the paths are behind a link."""
    if not paths:
        return {}, set()
    folders = {folder for path in paths for folder in above(path)}
    entries = listing.named(instance.host, instance.web_root, sorted({*paths, *folders}))
    links = {path for path in folders if path in entries and entries[path].kind == LINK}
    return entries, {path for path in paths if _is_behind(path, links)}


def some(paths: Collection[str]) -> str:
    """Return the first few of many names, and how many more there are."""
    first = ", ".join(sorted(paths)[:SHOWN])
    return f"{first} and {len(paths) - SHOWN} more" if len(paths) > SHOWN else first


def above(path: str) -> Iterable[str]:
    """Return the folders that a path lies in, from the top."""
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _aside(site: Site) -> set[str]:
    """Return folders in which only the release's own files are looked at: they may hold a million of the users'."""
    rows = sites.folder_rows(site.client, site.account.charset)
    inside = data_folders.inside(rows, site.instance.web_root)
    return {*layout.SITE_DATA, *layout.CACHES, *layout.CHECKOUTS, *inside}


def _entries(site: Site, files: Collection[str], aside: set[str]) -> dict[str, Entry]:
    host, web_root = site.instance.host, site.instance.web_root
    found = listing.read(host, web_root, [f"{web_root}/{folder}" for folder in sorted(aside)])
    named, _ = look(site.instance, [path for path in files if _is_within(path, aside)])
    return {**found, **named}


def _digests(site: Site, files: Mapping[str, Entry], length: int) -> dict[str, str]:
    host, web_root = site.instance.host, site.instance.web_root
    unreadable = [path for path, entry in files.items() if not entry.is_readable]
    if unreadable:
        raise HostError(f"{site.instance.name}: {len(unreadable)} files of the release may not be read by this "
                        f"account, as {web_root}/{unreadable[0]}. Next: make fix INSTANCE={site.instance.name}")
    if length == GIT:
        return dict(checkouts.ids(host, web_root, files))
    program = listing.MD5 if length == MD5 else listing.SHA256
    return listing.sums(host, web_root, {path: entry.size for path, entry in files.items()}, program)


def _closed(site: Site, changed: Mapping[str, str]) -> dict[str, bytes]:
    """Return the entrances that only the maintenance page may have changed, as they are without it."""
    wanted = [path for path, digest in changed.items()
              if path in guard.ENTRANCES and digest != NO_FILE and not digest.startswith(ARROW)]
    return texts(site.instance, wanted)


def _unguarded(path: str, text: bytes) -> bytes:
    if path in guard.ENTRANCES and text.startswith(guard.OPENING):
        return text.split(b"\n", 1)[1]
    return text


def _is_within(path: str, folders: set[str]) -> bool:
    return any(folder in folders for folder in above(path))


def _is_behind(path: str, links: set[str]) -> bool:
    return any(folder in links for folder in above(path))
