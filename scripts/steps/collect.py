"""Brings the trees of a site to where the manager can pack them.

A local site is read in place. The trees of an ssh site are copied into a work copy that stays from run to run, so
that only changes travel.
"""

from dataclasses import dataclass, field
from pathlib import Path

from scripts.errors import HostError
from scripts.hosts import process, transfer
from scripts.hosts.host import MANAGER
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps.site import Site
from scripts.store import walk
from scripts.store.manifest import APP, CONF_EXTERNAL, DATA, Part
from scripts.store.write import Tree
from scripts.tiki import data_folders, layout

DUMP_SHARE = 1.5        # a dump against the database's size on disk: text is larger, indexes are not in it
FIRST_SHARE = 0.6       # a first archive against its content, on the safe side: 0.2 for code, 1.0 for pictures
NEXT_SHARE = 1.3        # an archive against the one before it


@dataclass
class Collected:
    """The trees of a site on the manager, its external files, and what was passed over."""

    trees: list[Tree] = field(default_factory=list)
    external: list[Part] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def parts_of(site: Site) -> list[Part]:
    """Return the parts of a site: its web root and the folders outside that are there."""
    folders = [Part(DATA, folder.path, folder.used_by) for folder in site.folders]
    return [Part(APP, site.instance.web_root), *folders]


def trees(site: Site, exclude: tuple[str, ...]) -> Collected:
    """Return every tree of a site where the manager can read it; exclude are paths below the web root."""
    settings = site.instance.settings
    left_out = (*always_left_out(settings), *site.instance.exclude, *exclude)
    collected = Collected(warnings=[f"{folder.path} is named by {', '.join(folder.used_by)} and is not there"
                                    for folder in site.missing])
    for part in parts_of(site):
        in_place = site.instance.host.reads_in_place
        folder = MANAGER.real_path(part.path) if in_place else _work_copy(site, part)
        if not in_place:
            copied = transfer.fetch(site.instance.host, part.path, folder, _filters(site, part, left_out))
            collected.warnings += [f"{name} vanished while it was copied" for name in copied.vanished]
        collected.trees.append(Tree(part, folder, _leave_out(site, part, left_out)))
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
    """Raise HostError when the manager has not the room that this backup needs, as far as can be told before."""
    host = site.instance.host
    content = _content_bytes(site)
    dump = int(site.database_bytes * DUMP_SHARE)
    needed = {archives: int(last_size * NEXT_SHARE) if last_size else int((content + dump) * FIRST_SHARE),
              work: dump + (max(0, content - _present_bytes(site)) if not host.reads_in_place else 0)}
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


def _present_bytes(site: Site) -> int:
    """Return how much of an ssh site its work copy holds already."""
    copies = [path for part in parts_of(site) if Path(path := _work_copy(site, part)).is_dir()]
    return MANAGER.used_bytes(*copies) if copies else 0


def _work_copy(site: Site, part: Part) -> str:
    path = site.instance.settings.work / site.instance.name / part.folder
    if not process.conduct.dry_run:
        MANAGER.make_folder(str(path), 0o700)
    return str(path)


def always_left_out(settings: Settings) -> tuple[str, ...]:
    """Return the patterns of conf/excludes.txt."""
    lines = (settings.top / "conf" / "excludes.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _leave_out(site: Site, part: Part, patterns: tuple[str, ...]) -> walk.LeaveOut:
    if part.kind == APP:
        is_excluded = walk.any_of(patterns)
        return lambda path: layout.is_left_out(path, site.probe.sites) or is_excluded(path)
    return walk.any_of(data_folders.web_root_inside(part.path, site.instance.web_root))


def _filters(site: Site, part: Part, patterns: tuple[str, ...]) -> list[str]:
    """Return what rsync leaves out: the same as _leave_out, so that caches do not travel."""
    if part.kind != APP:
        return transfer.excluding(data_folders.web_root_inside(part.path, site.instance.web_root))
    filters = []
    for cache in layout.CACHES:
        for place in (cache, *(f"{cache}/{name}" for name in site.probe.sites)):
            filters += [f"--include=/{place}/{guard}" for guard in sorted(layout.GUARD_FILES)]
        filters += [f"--include=/{cache}/{name}/" for name in site.probe.sites]
        filters += [f"--exclude=/{cache}/{name}/*" for name in site.probe.sites]
        filters.append(f"--exclude=/{cache}/*")
    return [*filters, *transfer.excluding(patterns)]


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")
