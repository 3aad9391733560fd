"""The files of a site: what a backup could not read and a restore not replace, missing data folders, free disk."""

import posixpath
from collections.abc import Iterator

from scripts.health import mends
from scripts.health.finding import Wrong
from scripts.health.reach import Reached
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import lineage, own_folders, shared_uploads
from scripts.steps.site import Site
from scripts.steps.site_folders import Loose
from scripts.tiki import layout
from scripts.tiki.data_folders import DataFolder

PREFERENCE = "preference "
EXTRA = "EXTRA_PATHS"
OUT = "/opt"   # where TRIM goes that lies in a site; any folder that no web server serves will do
LEAST_FREE_BYTES = 200_000_000  # a busy Tiki writes this much to its caches in a day


def rights(found: Site, reached: Reached) -> Iterator[Wrong]:
    """Ask for what a backup could not read and a restore not replace; rsync opens folders of our own by itself."""
    instance, roots = found.instance, [found.instance.web_root, *(one.path for one in found.folders)]
    left_out = (*(f"{cache}/*" for cache in layout.CACHES), *(pattern.strip("/") for pattern in instance.exclude))
    top = _literally(instance.web_root)
    # Root's alone, and in no backup.
    of_disks = ("-name", layout.DISKS_OWN, "-prune", "-o")
    pruned = [*of_disks, *(word for pattern in left_out for word in ("-path", f"{top}/{pattern}", "-prune", "-o"))]
    told_names = instance.host.read_names(
        "find", "-H", *roots, *pruned, "(", "!", "-type", "l", "!", "-readable", "-o",
        "-type", "d", "!", "-writable", "!", "-user", reached.user, ")", "-printf", "%u\\0%p\\0", ok=(0, 1))
    owners, paths = told_names[::2], told_names[1::2]
    own = [path for owner, path in zip(owners, paths) if owner == reached.user]
    foreign = [path for owner, path in zip(owners, paths) if owner != reached.user]
    if own:
        closed = [*roots, "-user", reached.user, "!", "-type", "l", "!", "-readable"]
        yield Wrong(f"{_some(own)} cannot be read: a backup fails",
                    mends.at_host(instance, mends.words("find", "-H", *closed, "-exec", "chmod", "u+rwX", "--", "{}",
                                                        ";")))
    if foreign:
        yield Wrong(f"{_some(foreign)} belong to others and are closed to {reached.user}: a backup or a restore fails. "
                    f"The site's owner, {found.probe.owner}, is the best account for TRIM",
                    mend_rights(instance, reached.user))


def mend_rights(instance: Instance, user: str) -> str:
    """Return what lets us at files of another account: become the owner behind ssh, get a right of our own here."""
    if instance.access == "ssh":
        return mends.edit_env(instance)
    grant = mends.words("setfacl", "-R", "-m", f"u:{user}:rwX", "--", instance.web_root)
    return f"{mends.install('acl')} && {mends.as_root(grant)}"


def disk(found: Site) -> Iterator[Wrong]:
    instance = found.instance
    free = instance.host.free_bytes(instance.web_root)
    if free < LEAST_FREE_BYTES:
        show = f"du -xh --max-depth=2 -- {mends.words(instance.web_root)} | sort -h | tail -n 20"
        yield Wrong(f"{output.size(free)} are free where the site is: it will soon fail to save what visitors write",
                    mends.clear_caches(instance) if found.probe.has_console else mends.at_host(instance, show))


def missing_folders(found: Site, reached: Reached) -> Iterator[Wrong]:
    for folder in found.missing:
        if folder.never:
            yield Wrong(f"{folder.missed}. Give the site a folder of its own, and move there what is its",
                        _rename(found.instance, folder))
            continue
        owner = ["-o", found.probe.owner, "-g", found.probe.group] if reached.is_root and found.probe.owner else []
        yield Wrong(f"{folder.path} is not there, though the database names it ({', '.join(folder.used_by)}): files "
                    "that visitors put there are lost. Correct the site's setting when that is wrong, otherwise",
                    mends.at_host(found.instance, mends.words("install", "-d", *owner, "--", folder.path)))


def loose_links(found: Site) -> Iterator[Wrong]:
    for one, owner in shared_uploads.owners(found).items():
        if owner:
            told = shared_uploads.shared(one, owner)
            yield Wrong(f"{told}. It wants a folder of its own", _own_folder(found, one, owner))
            continue
        yield Wrong(f"{one.problem()}: it wants {one.step(found.instance)}", mends.edit_env(found.instance))


def _own_folder(found: Site, one: Loose, owner: str) -> str:
    """Return what gives a site a folder of its own in the place of a link into another's."""
    instance, known = found.instance, lineage.read(found.instance)
    if known and known.source == owner:
        return mends.make(instance.settings, "clone", FROM=owner, TO=instance.name)
    return mends.at_host(instance, f"{mends.words('rm', '--', one.path)} && {mends.words('mkdir', '--', one.path)}")


def ours_inside(found: Site) -> Iterator[Wrong]:
    """Look for a folder of TRIM inside the site: neither a backup nor a restore is made of it."""
    instance = found.instance
    if one := own_folders.inside(instance, [instance.web_root, *(folder.path for folder in found.folders)]):
        yield Wrong(f"{one.problem}. Both are refused until then: {one.step}",
                    mends.edit_settings(instance.settings) if one.key else _move_trim(one.path))


def _rename(instance: Instance, folder: DataFolder) -> str:
    """Return what gives a site another folder; where only Tiki's own pages can, what shows its data folders."""
    names = [use.removeprefix(PREFERENCE) for use in folder.used_by if use.startswith(PREFERENCE)]
    if len(names) != len(folder.used_by):
        return mends.edit_env(instance) if folder.used_by == (EXTRA,) else \
            mends.make(instance.settings, "detect", INSTANCE=instance.name)
    place = f"{instance.data_root or f'{instance.web_root}-data'}/{names[0]}"
    calls = [mends.make(instance.settings, "cli", INSTANCE=instance.name, COMMAND=f"preferences:set {name} {place}/")
             for name in names]
    return " && ".join((mends.at_host(instance, mends.words("mkdir", "-p", "--", place)), *calls))


def _move_trim(top: str) -> str:
    """Return what moves TRIM; its Python environment knows the folder it was made in."""
    there = f"{OUT}/{posixpath.basename(top)}"
    return f"{mends.words('mv', '-nT', '--', top, there)} && {mends.words('make', '-C', there, 'setup')}"


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _literally(path: str) -> str:
    """Return a path as find's -path takes it, where * ? [ and the backslash mean themselves."""
    return "".join(f"\\{sign}" if sign in "*?[\\" else sign for sign in path)
