"""The patches of a site: which it has, whether each is in its files, putting one in and taking one out.

A patch fits exactly or is refused; it is kept with its text, so that an update that joins it in, or a person, can do it
again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scripts.errors import Fault, RefusedError
from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import local_files, patch_files, patch_writing, release_files
from scripts.steps.local_files import some
from scripts.steps.patch_files import DoesNotFit, Patch, Texts
from scripts.steps.release_files import ARROW, AS_IT_IS, Release
from scripts.steps.site import Site

APPLIED, INCLUDED, PARTLY = "applied", "in the release", "partly applied"
NOT_APPLIED, UNFIT = "not applied", "does not fit"


@dataclass(frozen=True)
class State:
    """Where a patch stands at a site; detail says which files are to blame."""

    patch: Patch
    files: tuple[str, ...]
    name: str
    detail: str = ""


def state(instance: Instance, patch: Patch, release: Release | None) -> State:
    """Return where a patch stands; without a release it is not told whether that includes it."""
    files = patch_files.touched(patch)
    try:
        texts = patch_writing.read(instance, files)
    except RefusedError as fault:
        return State(patch, files, UNFIT, str(fault))
    if patch_files.fits(patch, texts, reverse=True):
        is_shipped = release is not None and all(_is_shipped(path, texts[path], release) for path in files)
        return State(patch, files, INCLUDED if is_shipped else APPLIED)
    if patch_files.fits(patch, texts):
        return State(patch, files, NOT_APPLIED)
    return _in_parts(patch, files, texts)


def _is_shipped(path: str, text: bytes | None, release: Release) -> bool:
    """Whether a file is what the release has at its place, or nothing as well."""
    one = release.files.get(path)
    if one is None or text is None:
        return one is None and text is None
    return one != AS_IT_IS and not one.startswith(ARROW) and release_files.digest(text, one) == one


def _in_parts(patch: Patch, files: tuple[str, ...], texts: Texts) -> State:
    """Look at each file by itself."""
    there = [path for path in files if patch_files.fits(patch, texts, reverse=True, only=[path])]
    free = [path for path in files if path not in there and patch_files.fits(patch, texts, only=[path])]
    rest = [path for path in files if path not in (*there, *free)]
    if not there:
        return State(patch, files, UNFIT, f"in {some(rest)}")
    told = [f"not in {some(free)}"] if free else []
    return State(patch, files, PARTLY, "; ".join([*told, *([f"does not fit {some(rest)}"] if rest else [])]))


def unexplained(site: Site, old: Release, patches: list[Patch]) -> list[tuple[str, str]]:
    """Return the local changes that no patch accounts for: path, and what was done."""
    changes = local_files.find(site, old)
    concerned = {path for patch in patches for path in patch_files.touched(patch)}
    now: Texts = dict(local_files.texts(site.instance, concerned))
    for patch in reversed(patches):
        files = patch_files.touched(patch)
        texts = {path: now.get(path) for path in files}
        if patch_files.fits(patch, texts, reverse=True):
            now |= patch_files.applied(patch, texts, reverse=True)
    explained = {path for path in concerned if now.get(path) is not None and _is_shipped(path, now[path], old)}
    return [*((path, "changed") for path in changes.changed if path not in explained),
            *((path, "removed") for path in changes.missing if path not in explained)]


# Putting in, taking out

def apply(instance: Instance, patch: Patch) -> dict[str, object]:
    """Apply a patch to the site's files and keep it; one that is applied is only kept."""
    known = next((one for one in patch_files.registered(instance) if one.name == patch.name), None)
    if known and known.text != patch.text:
        raise RefusedError(f"{instance.name}: another patch is kept as {patch.name}. Nothing was changed. Next: make "
                           f"patch INSTANCE={instance.name} ACTION=drop FILE={patch.name}, or give the file another "
                           "name")
    files = patch_files.touched(patch)
    before = patch_writing.read(instance, files)
    if patch_files.fits(patch, before, reverse=True):
        if not process.conduct.dry_run:
            patch_files.keep(instance, patch)
        output.say(f"{instance.name}: {patch.name} is applied already")
        return _told(instance, "apply", patch, [])
    try:
        after = patch_files.applied(patch, before)
    except DoesNotFit as fault:
        raise RefusedError(f"{instance.name}: {fault}. Nothing was changed. These files are of another version than "
                           f"the patch was made for, or changed here. What was changed here says: make patch "
                           f"INSTANCE={instance.name} ACTION=list") from fault
    if process.conduct.dry_run:
        output.say(f"would: apply {patch.name} to {instance.name}; files changed ({len(files)}): {some(files)}")
        return _told(instance, "apply", patch, sorted(files))
    # Kept first: what was changed at the site has then a text that takes it back, however this run ends.
    patch_files.keep(instance, patch)
    try:
        changed = patch_writing.write(instance, before, after)
    except BaseException:
        if not known:
            patch_files.forget(instance, patch)
        raise
    output.say(f"{instance.name}: {patch.name} is applied; files changed ({len(changed)}): {some(changed)}")
    return _told(instance, "apply", patch, changed)


def drop(instance: Instance, patch: Patch, release: Release | None) -> dict[str, object]:
    """Take a patch out of the site's files and forget it; what the release includes stays in them."""
    found = state(instance, patch, release)
    if found.name in (INCLUDED, NOT_APPLIED):
        patch_files.forget(instance, patch)
        output.say(f"{_would()}{instance.name}: {patch.name} is {found.name}: forgotten, no file changed")
        return _told(instance, "drop", patch, [])
    try:
        before = patch_writing.read(instance, found.files)
        after = patch_files.applied(patch, before, reverse=True)
    except Fault as fault:
        kept = patch_files.folder(instance) / patch.name
        raise RefusedError(f"{instance.name}: {fault}. Nothing was changed. Next: take the patch out of these files by "
                           "hand, or get them as they were shipped: make update "
                           f"INSTANCE={instance.name} LOCAL=discard; to forget it alone: rm {kept}") from fault
    changed = patch_writing.write(instance, before, after)
    patch_files.forget(instance, patch)
    output.say(f"{_would()}{instance.name}: {patch.name} is taken out; files changed ({len(changed)}): {some(changed)}")
    return _told(instance, "drop", patch, changed)


def tell_after_update(instance: Instance, new: Release) -> None:
    """Say what became of each patch in the release that was just put in place.

    None is forgotten: after a rollback those that the newer release includes explain the site's files again.
    """
    for patch in patch_files.registered(instance):
        now = state(instance, patch, new)
        if now.name == INCLUDED:
            output.say(f"{instance.name}: {patch.name} is in Tiki {new.version} itself. No longer needed: make patch "
                       f"INSTANCE={instance.name} ACTION=drop FILE={patch.name}")
        elif now.name != APPLIED:
            output.warn(f"{instance.name}: {patch.name} is {now.name}{': ' if now.detail else ''}{now.detail}")


def _would() -> str:
    return "would: " if process.conduct.dry_run else ""


def _told(instance: Instance, action: str, patch: Patch, changed: list[str]) -> Mapping[str, object]:
    return {"instance": instance.name, "action": action, "patch": patch.name, "changed": changed}
