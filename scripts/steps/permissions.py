"""Gives a site's files the owners and modes that Tiki needs, and empties its caches; only what is wrong is touched."""

from collections import defaultdict
from collections.abc import Sequence

from scripts.hosts import process
from scripts.hosts.host import Host
from scripts.hosts.transfer import is_root_at
from scripts.registry.instance import Instance
from scripts.steps import baselines
from scripts.tiki import layout, permissions
from scripts.tiki.permissions import Change
from scripts.tiki.probe import Probe

AS_ITS_FOLDER = 'for path; do chown -h --reference="${path%/*}" -- "$path" || exit 1; done'
"""find tells a folder before what is in it: so a new folder hands on what it was given itself."""
SOME_FAILED = 123           # xargs' code when a program it called ended with another one than 0


def wrong(instance: Instance, probe: Probe, folders: Sequence[str] = ()) -> list[Change]:
    """Return the files and folders whose mode or owner is not what Tiki needs. Costs one call, or two as root.

    folders, relative to the web root, are all that is looked at when there are any.
    """
    host = instance.host
    below = [word for folder in folders for word in ("-o", "-path", f"./{folder}", "-o", "-path", f"./{folder}/*")]
    chosen = ["(", *below[1:], ")"] if below else []
    listing = host.read_names("env", "-C", instance.web_root, "find", ".", "-mindepth", "1", *chosen,
                              *permissions.LISTING)
    owner = f"{probe.owner}:{probe.group}" if probe.owner and is_root_at(host) else None
    return permissions.changes(permissions.entries(listing), owner)


def mend(instance: Instance, probe: Probe, changes: list[Change], folders: Sequence[str] = ()) -> list[Change]:
    """Carry out changes, in as many calls as there are different modes and owners; return what is wrong still.

    What this account may not change keeps none of the others from being changed. folders are as in `wrong`.
    """
    by_mode: dict[int, list[str]] = defaultdict(list)
    by_owner: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        if change.owner:
            by_owner[change.owner].append(change.entry.path)
        if change.mode is not None:
            by_mode[change.mode].append(change.entry.path)
    for owner, paths in by_owner.items():  # first: giving a file away takes its setuid bits
        _to_all(instance.host, instance.web_root, paths, "chown", "-h", owner)
    for mode, paths in by_mode.items():
        _to_all(instance.host, instance.web_root, paths, "chmod", f"{mode:o}")
    if process.conduct.dry_run or not changes:
        return []
    asked = {change.entry.path for change in changes}  # a living site has new files meanwhile
    still = [change for change in wrong(instance, probe, folders) if change.entry.path in asked]
    baselines.follow_modes(instance, [change for change in changes if change not in still])
    return still


def empty_caches(instance: Instance) -> None:
    """Remove what is cached; the folders and their guard files stay. Costs one call."""
    guards = [word for name in sorted(layout.GUARD_FILES) for word in ("!", "-name", name)]
    folders = instance.host.present(*(f"{instance.web_root}/{cache}" for cache in layout.CACHES), kind="d")
    if folders:
        instance.host.run("find", *folders, "-mindepth", "1", "-type", "f", *guards, "-delete")


def give_to_owner(instance: Instance, probe: Probe, folders: Sequence[str] = (), since: int = 0,
                  in_dry_run: bool = False) -> None:
    """Give what a console that ran as root has written to whom its folder belongs, where owners can be given.

    Root's files in root's folders stay as they are. folders, relative to the web root, are all that is looked at when
    there are any; what is older than since, in seconds by the host's clock, is left alone. in_dry_run: in one too,
    where a console that was asked has written.
    """
    if not probe.owner or not is_root_at(instance.host):
        return
    root = instance.web_root
    places = instance.host.present(*(f"{root}/{folder}" for folder in folders), kind="d") if folders else [root]
    give = instance.host.read if in_dry_run else instance.host.run
    if places:
        give("find", *places, "-user", "0", "-newerct", f"@{since}", "-exec", "sh", "-c", AS_ITS_FOLDER, "sh", "{}",
             "+")


def clock(instance: Instance) -> int:
    """Return the seconds since 1970 by the clock of the instance's host."""
    return int(instance.host.read_line("date", "+%s"))


def _to_all(host: Host, web_root: str, paths: list[str], *words: str) -> None:
    names = "".join(f"{web_root}/{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    host.run("xargs", "-0", *words, "--", stdin=names, ok=(0, SOME_FAILED))
