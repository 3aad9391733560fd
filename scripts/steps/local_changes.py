"""Carries what a site changed in the files of its release over into another release, as git would.

Who alone changed a file wins; what both changed is merged. Everything is decided before anything is changed: what does
not go together is told at once, and nothing at the site is written here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from scripts.errors import RefusedError
from scripts.hosts import listing, process
from scripts.hosts.listing import FILE, FOLDER, LINK, Entry
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import base_texts, local_files, mods_state, patch_files, release_files
from scripts.steps.local_files import NO_FILE, Changes, find, some
from scripts.steps.patch_files import Patch
from scripts.steps.release_files import ARROW, MD5, Release
from scripts.steps.site import Site
from scripts.tiki import layout

__all__ = ["Carried", "Changes", "carry", "find", "judge"]

BINARY_LOOK = 8000      # bytes in which a NUL means that it is no text, as git has it
SITE_RULES = ("robots.txt", "favicon.ico", *layout.OWN_RULES)   # a site has its own of these as a rule
STAMP = "%Y-%m-%d_%H-%M-%S"


@dataclass
class Carried:
    """What becomes of the local changes; paths from the web root.

    files lie merged in the overlay. kept are those of the site that stay as they are: the release's must not take their
    places, nor be removed. included are changes that the new release has too; back are files that were removed and
    come again. conflicts say why something cannot be carried; saved is the patch that discarded changes went into.
    """

    files: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    saved: str = ""
    texts: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def carry(site: Site, old: Release, changes: Changes, new: Release, overlay: Path, *,
          discards: bool = False) -> Carried:
    """Lay the merged files into the overlay folder and say what becomes of each local change.

    With discards none is carried: what would be lost is kept as a patch first. Raises RefusedError when something does
    not go together; nothing was written then.
    """
    if discards:
        done = _discarded(site, old, changes, new)
    else:
        done = judge(site, old, changes, new)
        _refuse(site.instance, new, done)
    if not process.conduct.dry_run:
        for path, text in done.texts.items():
            MANAGER.make_folder(str((overlay / path).parent))
            mode = 0o755 if (new.folder / path).stat().st_mode & 0o100 else 0o644
            MANAGER.write(str(overlay / path), text, mode)
    _tell(site.instance, old, new, done, changes)
    return done


def judge(site: Site, old: Release, changes: Changes, new: Release) -> Carried:
    """Decide what becomes of each local change in another release, whose content must be here."""
    kept, included, both, conflicts = [*changes.behind_links], [], [], {}
    for path, digest in changes.changed.items():
        other = _of_new(new, path, old.files[path])
        if other == digest:
            included.append(path)
        elif other is None:
            conflicts[path] = f"{new.version} has no such file any more"
        elif other == old.files[path]:
            kept.append(path)
        else:
            both.append(path)
    texts = _merged(site, old, new, {path: changes.changed[path] for path in both}, conflicts, included)
    beside, behind, own = _beside(site, old, new)
    of_mods = mods_state.read(site.instance).owner
    conflicts |= dict.fromkeys((path for path in beside if not of_mods(path)),
                               f"{new.version} brings such a file, and the site has another one of its own")
    return Carried(tuple(sorted(texts)), tuple(sorted({*kept, *behind, *own})),
                   tuple(f"{path}: {why}" for path, why in sorted(conflicts.items())), tuple(sorted(included)),
                   tuple(path for path in changes.missing if path in new.files), "", texts)


def _of_new(new: Release, path: str, like: str) -> str | None:
    """Return the digest that a file has in the new release, of the same kind as another one; None for no such file."""
    one = new.files.get(path)
    if one is None or one.startswith(ARROW) or (len(one) == len(like) and not like.startswith(ARROW)):
        return one
    return release_files.digest((new.folder / path).read_bytes(), like)


# What both changed

def _merged(site: Site, old: Release, new: Release, both: Mapping[str, str], conflicts: dict[str, str],
            included: list[str]) -> dict[str, bytes]:
    """Return the joined texts; what cannot be joined goes into conflicts, what the release has already into included.
    """
    files = []
    for path, digest in both.items():
        if digest == NO_FILE or any(one.startswith(ARROW) for one in (digest, old.files[path], new.files[path])):
            conflicts[path] = "it is a link or a folder on one side"
        else:
            files.append(path)
    if not files:
        return {}
    now = local_files.texts(site.instance, files)
    patches = patch_files.registered(site.instance)
    before, joined = base_texts.find(site, old, files, now, patches), {}
    for path in files:
        theirs = (new.folder / path).read_bytes()
        base = before.get(path) or _by_its_patches(site, old, path, now, patches)
        if base is None:
            conflicts[path] = f"{new.version} changed it too, and its text of {old.version} cannot be had"
        elif any(b"\0" in text[:BINARY_LOOK] for text in (base, now.get(path, b""), theirs)):
            conflicts[path] = f"it is no text, and {new.version} changed it too"
        elif (text := patch_files.merged(now.get(path, b""), base, theirs)) is None:
            conflicts[path] = f"{new.version} changed the same lines"
        elif text == theirs:
            included.append(path)
        else:
            joined[path] = text
    return joined


def _by_its_patches(site: Site, old: Release, path: str, now: Mapping[str, bytes],
                    patches: list[Patch]) -> bytes | None:
    """Return what a file was before the site's own patches, where the sum of its release is not to be trusted."""
    if len(old.files[path]) != MD5:
        return None
    found = base_texts.without_patches([path], dict(now), patches).get(path)
    if found is not None:
        output.say(f"{site.instance.name}: {path}: its patches alone tell what was changed in it")
    return found


# What the site added

def _beside(site: Site, old: Release, new: Release) -> tuple[list[str], set[str], list[str]]:
    """Return what the new release would overwrite, what of it lies behind links, and the site's own rules that stay."""
    fresh = [path for path in new.files if path not in old.files]
    entries, behind = local_files.look(site.instance, fresh)
    there = {path: entries[path] for path in fresh if path in entries and path not in behind}
    sizes = {path: entry.size for path, entry in there.items() if entry.kind == FILE and entry.is_readable}
    host, web_root = site.instance.host, site.instance.web_root
    sums = listing.sums(host, web_root, sizes) if sizes else {}
    differing = [path for path, entry in there.items() if not _is_same(path, entry, sums, new)]
    blocked = [path for path in fresh if path not in behind and _is_blocked(path, entries, old)]
    own = [path for path in differing if path in SITE_RULES and not old.tells(path)]
    return [*(path for path in differing if old.tells(path)), *blocked], behind, own


def _is_same(path: str, entry: Entry, sums: Mapping[str, str], new: Release) -> bool:
    if entry.kind == LINK:
        return new.files[path] == f"{ARROW}{entry.target}"
    return entry.kind == FILE and sums.get(path) == new.files[path]


def _is_blocked(path: str, entries: Mapping[str, Entry], old: Release) -> bool:
    """Whether a file of the site's own stands where the release has a folder."""
    return any(entries[folder].kind not in (FOLDER, LINK) and folder not in old.files
               for folder in local_files.above(path) if folder in entries)


# Discarding

def _discarded(site: Site, old: Release, changes: Changes, new: Release) -> Carried:
    """Keep as a patch what is about to be lost, and return what stays all the same."""
    instance = site.instance
    beside, behind, own = _beside(site, old, new)
    now = local_files.texts(site.instance, [*changes.changed, *beside])
    no_files = [path for path in changes.changed if path not in now]
    before = base_texts.find(site, old, changes.changed.keys() - no_files, now, patch_files.registered(instance))
    patch = patch_files.difference(f"local-{old.version}_{datetime.now(UTC).astimezone():{STAMP}}.patch", before, now)
    if patch and not process.conduct.dry_run:
        output.say(f"{instance.name}: its local changes are kept in {patch_files.keep(instance, patch)}")
    lost = {path for path in changes.changed if path in now and path not in before}
    if lost:
        output.warn(f"{instance.name}: the old text of {some(lost)} cannot be had: the patch holds them whole")
    if no_files:
        output.warn(f"{instance.name}: {some(no_files)}: a link or a folder here, which no patch holds")
    return Carried(kept=tuple(sorted({*changes.behind_links, *behind, *own})),
                   back=tuple(path for path in changes.missing if path in new.files), saved=patch.name if patch else "")


# What is said

def _refuse(instance: Instance, new: Release, done: Carried) -> None:
    if not done.conflicts:
        return
    for line in done.conflicts:
        output.manner.also(f"conflict: {line}")
    count = len(done.conflicts)
    raise RefusedError(f"{instance.name}: {count} local {'changes do' if count > 1 else 'change does'} not go with "
                       f"{new.version}: {'; '.join(done.conflicts[:3])}{'; ...' if count > 3 else ''}. Nothing was "
                       f"changed. Next: make patch INSTANCE={instance.name} ACTION=list shows what was changed; to "
                       "go on without any local change, each kept in a patch: LOCAL=discard")


def _tell(instance: Instance, old: Release, new: Release, done: Carried, changes: Changes) -> None:
    name, own = instance.name, [path for path in done.kept if path not in changes.behind_links]
    if old.is_partial and (changes or done.kept):
        output.say(f"{name}: its release is known from {old.origin}")
    for paths, what in ((done.files, f"local changes that are joined with {new.version}"),
                        (done.included, f"local changes that {new.version} has too"),
                        (own, "files of the site's that stay"),
                        (changes.behind_links, "files of the release behind links, which are left alone"),
                        (done.back, "files of the release that were removed here and come back")):
        if paths:
            output.say(f"{name}: {what} ({len(paths)}): {some(paths)}")
