"""Says what a backup takes of a site, and how it is read: in place, or by programs on the site's host.

Nothing is copied first: of a tree on another host only names and facts travel, and the bytes of what changed.
"""

from dataclasses import dataclass, field
from pathlib import Path

from scripts.errors import HostError
from scripts.hosts.local import MANAGER
from scripts.hosts.stats import Folders
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import shared_uploads
from scripts.steps.site import Site
from scripts.store import walk
from scripts.store.far_tree import FarTree
from scripts.store.manifest import APP, CONF_EXTERNAL, DATA, Part
from scripts.store.tree import Tree
from scripts.tiki import data_folders, layout

DUMP_SHARE = 1.5        # a dump against the database's size on disk: text is larger, indexes are not in it
FIRST_SHARE = 0.6       # a first archive against its content, on the safe side: 0.2 for code, 1.0 for pictures
NEXT_SHARE = 1.3        # an archive against the one before it
WAITING_BYTES = 100_000_000     # of what waits in scratch for its turn to be packed
ANY_DEPTH = f"**/{layout.DISKS_OWN}"
OF_DISKS = (layout.DISKS_OWN, ANY_DEPTH)
WILD = "*?"             # what makes a pattern mean more than one path


@dataclass
class Collected:
    """The trees of a site, its external files, and what was passed over."""

    trees: list[Tree] = field(default_factory=list)
    external: list[Part] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def parts_of(site: Site) -> list[Part]:
    """Return the parts of a site: its web root and the folders outside that are there."""
    folders = [Part(DATA, folder.path, folder.used_by) for folder in site.folders]
    return [Part(APP, site.instance.web_root), *folders]


def trees(site: Site, exclude: tuple[str, ...]) -> Collected:
    """Return every tree of a site, to be read where it lies; exclude are paths below the web root."""
    left_out = (*always_left_out(site.instance.settings), *site.instance.exclude, *exclude)
    collected = Collected(warnings=[folder.missed for folder in site.missing])
    for one, owner in shared_uploads.owners(site).items():
        told = (shared_uploads.shared(one, owner), f"make doctor INSTANCE={site.instance.name}") if owner else \
            (one.problem(), one.step(site.instance))
        collected.warnings.append(". Next: ".join(told))
    host = site.instance.host
    folders = Folders(host)
    for part in parts_of(site):
        expression = _left_out(site, part, left_out)
        if host.reads_in_place:
            collected.trees.append(Tree(part, MANAGER.real_path(part.path), expression))
        else:
            place = folders.add(part.path, _passed(site, part, left_out),
                                (*sorted(layout.GUARD_FILES), *site.probe.sites))
            collected.trees.append(FarTree(part, part.path, expression, host, folders, place))
    return collected


def external_files(site: Site, folder: Path) -> Collected:
    """Copy the system-configuration file that db/local.php names, if it lies outside the web root, into folder."""
    collected = Collected()
    path = site.probe.config.system_configuration_file if site.probe.config else ""
    if not path:
        return collected
    if not path.startswith("/"):
        path = f"{site.instance.web_root}/{path}"
    if _is_below(path, site.instance.web_root):
        return collected
    if not site.instance.host.present(path, kind="f"):
        collected.warnings.append(f"{path} is named by db/local.php as system configuration and is not there")
        return collected
    part = Part(CONF_EXTERNAL, path, ("db/local.php",))
    MANAGER.write(str(folder / part.folder), site.instance.host.read("cat", "--", path), 0o600)
    collected.external.append(part)
    return collected


def require_room(site: Site, archives: Path, work: Path, last_size: int | None) -> None:
    """Raise HostError when the manager has not the room that this backup needs, as far as can be told before.

    last_size is what the archive before takes; without one the site is asked how large it is.
    """
    dump = int(site.database_bytes * DUMP_SHARE)
    needed = {archives: int(last_size * NEXT_SHARE) if last_size else int((_content_bytes(site) + dump) * FIRST_SHARE),
              work: int(dump * FIRST_SHARE) + WAITING_BYTES}
    by_disk: dict[int, tuple[Path, int]] = {}
    for folder, size in needed.items():
        disk = folder.stat().st_dev
        by_disk[disk] = (folder, by_disk.get(disk, (folder, 0))[1] + size)
    for folder, size in by_disk.values():
        free = MANAGER.free_bytes(str(folder))
        if free < size:
            raise HostError(f"{site.instance.name}: no space: this backup needs about {output.size(size)} on the disk "
                            f"of {folder}, and {output.size(free)} are free. Nothing was changed. Make room, or set "
                            "ARCHIVES_DIR and WORK_DIR in conf/settings.env")


def _content_bytes(site: Site) -> int:
    paths = [part.path for part in parts_of(site)]
    return site.instance.host.used_bytes(*paths)


def always_left_out(settings: Settings) -> tuple[str, ...]:
    """Return the patterns of conf/excludes.txt."""
    lines = (settings.top / "conf" / "excludes.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _left_out(site: Site, part: Part, patterns: tuple[str, ...]) -> str:
    """Return the expression of what of a part stays out; patterns are read from the web root and mean nothing else."""
    if part.kind == APP:
        return "|".join(filter(None, (layout.cached(site.probe.sites), walk.expression((*patterns, *OF_DISKS)))))
    return walk.expression((*data_folders.web_root_inside(part.path, site.instance.web_root), *OF_DISKS))


def _passed(site: Site, part: Part, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return what of a tree need not be listed: of what _left_out means all that is many files, caches above all."""
    if part.kind != APP:
        return (*data_folders.web_root_inside(part.path, site.instance.web_root), ANY_DEPTH)
    plain = (pattern.strip("/") for pattern in patterns if not any(sign in pattern for sign in WILD))
    return (*(f"{cache}/*" for cache in layout.CACHES), *plain, ANY_DEPTH)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")
