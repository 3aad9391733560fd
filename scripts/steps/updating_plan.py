"""Works out what an update will change, and refuses what would go wrong: nothing at the site is changed by then."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.code.trees import PreparedTree
from scripts.errors import RefusedError
from scripts.hosts import listing, process
from scripts.hosts.listing import FILE, LINK, Entry
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.steps import (
    final_dump,
    local_changes,
    release_files,
    requiring,
    restoring,
    schema_updates,
    switch_over,
    updating_checkout,
)
from scripts.steps.local_changes import Carried
from scripts.steps.release_files import ARROW, Release
from scripts.steps.site import Site
from scripts.steps.switching import Lists
from scripts.steps.updating_checkout import Checkout
from scripts.tiki import layout
from scripts.tiki.version import Version

REFERENCE_FILE, REFERENCE_FOLDER = layout.SETUP, "lib"
KEPT_FOLDERS = (*layout.SITE_DATA, *layout.CACHES)


@dataclass(frozen=True)
class Plan:
    """What will be done. overlay holds merged files; modes are rsync's words for those of the new files.

    patches are those of the database that come; checkout is what becomes of the site's git, None without one.
    """

    tree: PreparedTree
    new: Release
    lists: Lists
    carried: Carried
    overlay: Path
    modes: list[str]
    patches: tuple[str, ...]
    data: tuple[str, ...]
    checkout: Checkout | None = None

    @property
    def has_code(self) -> bool:
        return bool(self.lists.put or self.lists.gone or self.checkout)

    @property
    def is_nothing(self) -> bool:
        """Whether the site is already what it would become."""
        return not (self.has_code or self.patches)


def make(found: Site, tree: PreparedTree, discards: bool, php_check: bool, overlay: Path) -> Plan:
    """Return what will be done, with local changes merged into the overlay; raise a fault where it would go wrong."""
    instance = found.instance
    restoring.refuse_half_restored(instance)
    _refuse_shared(found)
    new = release_files.of_tree(tree)
    known = schema_updates.patches_of(new.files)
    _refuse_older(found, tree, known)
    old = release_files.of_site(found)
    carried = local_changes.carry(found, old, local_changes.find(found, old), new, overlay, discards=discards)
    entries = listing.named(instance.host, instance.web_root,
                            dict.fromkeys([*old.files, *new.files, REFERENCE_FILE, REFERENCE_FOLDER]))
    beside, texts = updating_checkout.untold(found, tree, old)
    lists = _lists(found, old, new, carried, entries, beside, texts)
    patches = tuple(sorted(known - schema_updates.recorded_if_any(found)))
    _require(found, tree, lists, new, php_check)
    checkout = updating_checkout.plan(found, tree)
    _lay(overlay, texts)
    return Plan(tree, new, lists, carried, overlay, _modes(entries), patches, switch_over.data_folders(found), checkout)


def _lay(overlay: Path, texts: Mapping[str, bytes]) -> None:
    for path, text in texts.items():
        if not process.conduct.dry_run:
            MANAGER.make_folder(str((overlay / path).parent))
            MANAGER.write(str(overlay / path), text, 0o644)


def _lists(found: Site, old: Release, new: Release, carried: Carried, entries: dict[str, Entry], beside: set[str],
           texts: Mapping[str, bytes]) -> Lists:
    """Return what changes; beside are files that git has and the tree has not, texts the new ones of them."""
    kept, merged = {*carried.kept, *beside}, {*carried.files, *(texts.keys() - set(carried.kept))}
    sizes = {path: entries[path].size for path in new.files if path in entries and entries[path].kind == FILE}
    sums = listing.sums(found.instance.host, found.instance.web_root, sizes) if sizes else {}
    now = sums | {path: f"{ARROW}{entry.target}" for path, entry in entries.items() if entry.kind == LINK}
    put = {path for path, digest in new.files.items() if path not in kept and now.get(path) != digest} | merged
    gone = {path for path in old.files if path not in new.files and path not in kept and path in entries}
    return Lists(tuple(sorted(put)), tuple(sorted(put & set(entries))), tuple(sorted(gone)),
                 emptied(gone, {*new.files, *kept}))


def emptied(gone: Iterable[str], stays: Iterable[str]) -> tuple[str, ...]:
    """Return the folders that may be empty once these files are gone, the deepest first."""
    needed = {folder for path in (*stays, *(f"{folder}/x" for folder in KEPT_FOLDERS)) for folder in _above(path)}
    folders = {folder for path in gone for folder in _above(path)} - needed
    return tuple(sorted(folders, key=lambda folder: (-folder.count("/"), folder)))


def _above(path: str) -> list[str]:
    words = path.split("/")
    return ["/".join(words[:depth]) for depth in range(1, len(words))]


def _modes(entries: dict[str, Entry]) -> list[str]:
    """Return what new files and folders may be read and written by: whoever may with those that are there."""
    file, folder = entries.get(REFERENCE_FILE), entries.get(REFERENCE_FOLDER)
    bits = int(file.mode, 8) if file and file.kind == FILE else 0o644
    words = [f"F{who}={'r' if bits >> shift & 4 else ''}{'w' if bits >> shift & 2 else ''}"
             f"{'X' if bits >> shift & 4 else ''}" for who, shift in (("u", 6), ("g", 3), ("o", 0))]
    return [f"--chmod=D{int(folder.mode, 8) & 0o7777 if folder else 0o755:o},{','.join(words)}"]


# What is refused

def _refuse_shared(found: Site) -> None:
    sites = [found.instance.site] if found.instance.site else list(found.probe.sites)
    if sites:
        raise RefusedError(f"{found.instance.name}: {found.instance.web_root} holds virtual sites ({', '.join(sites)}) "
                           "with databases of their own: all of them would have to change with the code. Nothing was "
                           "changed")


def _refuse_older(found: Site, tree: PreparedTree, known: set[str]) -> None:
    """Raise RefusedError when the database is newer than the tree, or the tree has nothing to update it with."""
    name = found.instance.name
    if layout.CONSOLE not in {path.name for path in tree.path.iterdir()}:
        raise RefusedError(f"{name}: Tiki {tree.version} has no {layout.CONSOLE}, which updates the database. Nothing "
                           "was changed. Give 11.0 or newer")
    lacking = sorted((schema_updates.recorded_if_any(found) & schema_updates.patches(found.instance)) - known)
    if lacking and Version(tree.version) <= found.probe.version:
        raise RefusedError(f"{name}: its database has had {', '.join(lacking[:3])}, which Tiki {tree.version} does not "
                           "know: older code does not go with it. Nothing was changed. Next: make rollback "
                           f"INSTANCE={name}, or an archive from before: make archives INSTANCE={name}")


def _require(found: Site, tree: PreparedTree, lists: Lists, new: Release, php_check: bool) -> None:
    size_bytes = sum((new.folder / path).lstat().st_size for path in lists.put if path in new.files)
    told = requiring.shortcomings(found.instance, found.probe, tree.version, size_bytes, php_check)
    requiring.refuse(found.instance, tree.version, told + requiring.server_shortcomings(found.client, tree.version))
    final_dump.require_room(found)


def tell(found: Site, plan: Plan) -> None:
    """Say what an update would do."""
    instance, lists = found.instance, plan.lists
    output.say(f"would: archive {instance.web_root} and database {found.account.name}, verified")
    output.say(f"would: put the maintenance page up at {instance.web_root}")
    output.say(f"would: replace {len(lists.replaced)} files, add {len(lists.added)}, remove {len(lists.gone)}")
    output.say(f"would: let Tiki's console update the database; {len(plan.patches)} patches come with the code"
               + (f", as in {', '.join(plan.patches[:3])}" if plan.patches else ""))
    output.say("would: look whether it works, take the maintenance page away, and put everything back if it does not")
