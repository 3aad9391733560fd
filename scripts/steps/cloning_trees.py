"""Brings the trees of one site to another, under the maintenance page of the second.

What the page needs is not touched by rsync: the entrances come with the guard in them, one by one, and the page's own
files stay. What the target keeps and what is only cached does not travel.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from scripts.hosts import transfer
from scripts.hosts.host import Host
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.steps import cloning_links, replace, site, site_links
from scripts.steps.cloning_links import Links
from scripts.steps.cloning_places import Places
from scripts.steps.site import Site
from scripts.store.manifest import APP, Part
from scripts.tiki import data_folders, guard, layout, maintenance, restriction_file, small_files
from scripts.tiki.small_files import OwnersLost, SmallFile

CERTIFICATES = f"{layout.CERTIFICATES}/*.pem"  # they go with the account, which is the target's own
SITE_FILES = (layout.VIRTUALS, "db/lock", "db/*.ini", "robots.txt", ".well-known")
"""What is the site's and no code, where code alone is brought to a site that lives."""

Files = dict[str, SmallFile]


@dataclass
class Copied:
    """What travelled."""

    files: int = 0
    size_bytes: int = 0
    warnings: list[str] = field(default_factory=list)
    moved_nothing: bool = True


def enter(source: Site, target: Site, files: Files, *, takes_htaccess: bool) -> None:
    """Give the target the source's entrances, closed by the guard, and its .htaccess when that is wanted.

    files are what the source has of them, perhaps under a page of its own. Before the tree comes: so nothing of it can
    be entered.
    """
    host, web_root = target.instance.host, target.instance.web_root
    present = maintenance.read(host, web_root)
    # A folder that was not there has had no owner: rsync will give it the source's.
    top = present["."] if target.probe.owner else None
    put_entrances(host, web_root, present, files, top)
    own, _ = maintenance.own_htaccess(host, web_root, present)
    if takes_htaccess:
        theirs = restriction_file.look(source.instance.host, source.instance.web_root).wanted(None, "")
        theirs = theirs and _owned(theirs, top)
        if theirs and not _same(theirs, own):
            maintenance.put_own_htaccess(host, web_root, present, theirs)


def equal(source: Site, target: Site, places: Places, what: Collection[str]) -> frozenset[str]:
    """Return those of the source's folders that are at the target what `copy` would make of them."""
    hosts, owner = (source.instance.host, target.instance.host), replace.owner_of(target)
    rules = kept_rules(target)
    filters = {source.instance.web_root: _filters(source, target, what, rules),
               **_data_filters(source, target, places, what)}
    links = _links(source, target, places, what, rules, filters)
    return frozenset(path for path, chosen in filters.items()
                     if transfer.is_equal(hosts[0], path, hosts[1], places.goes[path],
                                          [*links[path].filters, *chosen], owner))


def copy(source: Site, target: Site, places: Places, what: Collection[str], keeps_rules: Collection[str],
         *, already: Collection[str] = ()) -> Copied:
    """Make the target's trees what the source's are: the web root, and with "data" the folders outside it.

    keeps_rules are files of layout.OWN_RULES that the target has and keeps; already are folders that are `equal`.
    """
    told = Copied()
    folders = {source.instance.web_root: _filters(source, target, what, keeps_rules),
               **_data_filters(source, target, places, what)}
    links = _links(source, target, places, what, keeps_rules, folders)
    for path, filters in folders.items():
        if path in already:
            _say(target, places.goes[path], transfer.Copied())
        else:
            target.instance.host.make_folder(places.goes[path])
            _tree(source, target, path, places.goes[path], [*links[path].filters, *filters], told)
        laid, stays = site_links.lay(target.instance.host, places.goes[path], links[path].moved,
                                     replace.owner_of(target))
        told.moved_nothing &= not laid
        told.warnings += [*links[path].warnings, *stays]
    told.warnings += [folder.missed for folder in places.missing]
    told.warnings += [f"{one.path} is a link to {one.target}, which does not travel: on one machine both sites write "
                      f"there. Next: {one.step(source.instance)}, then this once more" for one in source.loose]
    return told


def _links(source: Site, target: Site, places: Places, what: Collection[str], keeps_rules: Collection[str],
           folders: Iterable[str]) -> dict[str, Links]:
    """Return what becomes of the links in each of these folders of the source."""
    web_root, is_part = source.instance.web_root, set(what) != {"code", "data"}
    # Not asked where all comes: the target's database is being filled meanwhile.
    data = {*layout.SITE_DATA, *named_inside(source), *named_inside(target)} if is_part else ()
    kept = (*_kept(keeps_rules), *(SITE_FILES if set(what) == {"code"} else ()))
    return {path: cloning_links.of_folder(source, target, places, path) if path != web_root else
            cloning_links.of_web_root(source, target, places, what, data, kept) for path in folders}


def kept_rules(target: Site) -> list[str]:
    """Return the files with rules for its server that the target has of its own."""
    web_root = target.instance.web_root
    there = target.instance.host.present(*(f"{web_root}/{name}" for name in layout.OWN_RULES))
    return [path.removeprefix(f"{web_root}/") for path in there]


def _tree(source: Site, target: Site, folder: str, into: str, filters: list[str], told: Copied) -> None:
    instance = target.instance
    copied = transfer.copy(source.instance.host, folder, instance.host, into, filters, replace.owner_of(target),
                           _through(source, target, folder))
    _say(target, into, copied)
    told.files += copied.files
    told.size_bytes += copied.size_bytes
    told.moved_nothing &= copied.moved_nothing
    told.warnings += [f"{name} vanished while it was copied" for name in copied.vanished]


def _say(target: Site, into: str, copied: transfer.Copied) -> None:
    output.say(f"{target.instance.name}: {into}: {copied.files} files, {output.size(copied.size_bytes)} copied")


def _through(source: Site, target: Site, folder: str) -> str | None:
    """Return the manager's folder for what cannot go from host to host; it stays, so that next time changes travel."""
    if source.instance.host.reads_in_place or target.instance.host.reads_in_place:
        return None
    path = target.instance.settings.work / f"{target.instance.name}.clone" / Part(APP, folder).folder
    MANAGER.make_folder(str(path), 0o700)
    return str(path)


# The entrances

def put_entrances(host: Host, web_root: str, present: Files, files: Files, top: SmallFile | None) -> None:
    """Let a web root have these entrances and no others, closed by the guard.

    present is what is there; with top, the web root itself, they get its owner.
    """
    wanted = {name: _closed(file, top) for name, file in files.items() if name in guard.ENTRANCES}
    _put(host, web_root, {name: file for name, file in wanted.items() if not _same(file, present.get(name))})
    if gone := [name for name in guard.ENTRANCES if name in present and name not in wanted]:
        host.remove(*(f"{web_root}/{name}" for name in gone))


def _closed(file: SmallFile, top: SmallFile | None) -> SmallFile:
    own = _owned(guard.unguarded(file) if guard.is_guarded(file) else file, top)
    return guard.guarded(own) if guard.can_be_guarded(own) else own


def _owned(file: SmallFile, top: SmallFile | None) -> SmallFile:
    """Return a file of another site as one of the site whose web root is top."""
    return file.with_(owner=top.owner, group=top.group, more={}) if top else file.with_(more={})


def _same(one: SmallFile, other: SmallFile | None) -> bool:
    """Whether two files are alike but for their owner; a link has no mode."""
    if other is None or one.kind != other.kind:
        return False
    return (one.content, one.target, one.time) == (other.content, other.target, other.time) \
        and (one.is_link or one.mode == other.mode)


def _put(host: Host, web_root: str, files: Files) -> None:
    try:
        small_files.put(host, web_root, files)
    except OwnersLost:
        small_files.put(host, web_root, files, keep_owners=False)


# What of the web root travels: rsync takes the first filter that fits

def _data_filters(source: Site, target: Site, places: Places, what: Collection[str]) -> dict[str, list[str]]:
    """Return the source's folders outside the web root that travel, each with its filters."""
    roots = source.instance.web_root, target.instance.web_root
    return {folder.path: [transfer.but(layout.DISKS_OWN),
                          *transfer.excluding((*data_folders.web_root_inside(folder.path, roots[0]),
                                               *data_folders.web_root_inside(places.goes[folder.path], roots[1])))]
            for folder in places.folders} if "data" in what else {}


def _filters(source: Site, target: Site, what: Collection[str], keeps_rules: Collection[str]) -> list[str]:
    filters = [transfer.but(layout.DISKS_OWN), *transfer.excluding(_kept(keeps_rules)),
               *_without_caches(source.probe.sites)]
    if set(what) == {"code", "data"}:
        return filters
    folders = sorted({*layout.SITE_DATA, *named_inside(source), *named_inside(target)})
    if "data" in what:
        return [*filters, *_only(folders)]
    # Two releases may have files of one size and one time, and what somebody has put there may look like what was.
    return [*filters, transfer.BY_CONTENT, *transfer.excluding(SITE_FILES), *_all_but(folders)]


def _kept(keeps_rules: Collection[str]) -> tuple[str, ...]:
    return (*layout.ALL_ACCOUNTS, CERTIFICATES, layout.HTACCESS, *maintenance.OWN_NAMES, *guard.ENTRANCES, *keeps_rules)


def _without_caches(sites: Iterable[str]) -> list[str]:
    """Hide what is cached: it does not travel, and what the target has of it is removed as not being there."""
    filters = []
    for cache in layout.CACHES:
        for place in (cache, *(f"{cache}/{name}" for name in sites)):
            filters += [f"--filter=S /{place}/{name}" for name in sorted(layout.GUARD_FILES)]
        filters += [f"--filter=S /{cache}/{name}/" for name in sites]
        filters += [f"--filter=H /{cache}/{name}/*" for name in sites]
        filters.append(f"--filter=H /{cache}/*")
    return filters


def named_inside(found: Site) -> list[str]:
    """Return the folders of the web root that the site's database names."""
    return data_folders.inside(site.folder_rows(found.client, found.account.charset), found.instance.web_root)


def _only(folders: list[str]) -> list[str]:
    """Let only these folders travel, without the code that a release brings inside them."""
    filters = [f"--exclude=/{path}" for path in layout.SHIPPED_IN_DATA]
    for folder in folders:
        words = folder.split("/")
        filters += [f"--exclude=/{folder}/{name}" for name in sorted(layout.GUARD_FILES)]
        filters += [f"--include=/{'/'.join(words[:depth])}/" for depth in range(1, len(words) + 1)]
    return [*filters, *(f"--include=/{folder}/**" for folder in folders), "--exclude=*"]


def _all_but(folders: list[str]) -> list[str]:
    """Let everything travel but what is in these folders; the code that a release brings inside them does."""
    filters = []
    for path in layout.SHIPPED_IN_DATA:
        words = path.split("/")
        filters += [f"--include=/{'/'.join(words[:depth])}/" for depth in range(1, len(words) + 1)]
        filters.append(f"--include=/{path}/**")
    for folder in folders:
        words = folder.split("/")
        filters += [f"--include=/{'/'.join(words[:depth])}/" for depth in range(1, len(words) + 1)]
        filters += [f"--include=/{folder}/{name}" for name in sorted(layout.GUARD_FILES)]
    return [*filters, *(f"--exclude=/{folder}/*" for folder in folders)]
