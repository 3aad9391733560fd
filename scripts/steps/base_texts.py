"""Finds what was in a file of the old release, so that two changes of it can be told apart and joined.

Each place that may have it is asked, and its answer counts only when it has the digest that the release has.
"""

from collections.abc import Collection, Iterable

from scripts.code import mirror, trees, words
from scripts.errors import ArchiveError, CommandError, HostError
from scripts.hosts import process
from scripts.present import output
from scripts.steps import checkouts, patch_files, release_files
from scripts.steps.patch_files import Patch
from scripts.steps.release_files import ARROW, GIT, Release
from scripts.steps.site import Site

UNKNOWN_OBJECT = 128    # git's code for a commit or a path that is not there


def find(site: Site, old: Release, paths: Collection[str], now: dict[str, bytes],
         patches: Collection[Patch]) -> dict[str, bytes]:
    """Return the old texts of files, those that can be had; now are the site's, patches those that it is known to have.
    """
    found: dict[str, bytes] = {}
    wanted = {path for path in paths if path in old.files and not old.files[path].startswith(ARROW)}
    for look in (_of_folder, _of_checkout, _of_mirror, _of_trees, _of_release):
        left = wanted - found.keys()
        if not left:
            break
        found |= {path: text for path, text in look(site, old, left)
                  if release_files.digest(text, old.files[path]) == old.files[path]}
    return found | {path: text for path, text in _without_patches(wanted - found.keys(), now, patches)
                    if release_files.digest(text, old.files[path]) == old.files[path]}


def without_patches(paths: Collection[str], now: dict[str, bytes], patches: Collection[Patch]) -> dict[str, bytes]:
    """Return what files were before the site's patches, where nothing but their reversal tells it."""
    return dict(_without_patches(paths, now, patches))


Found = Iterable[tuple[str, bytes]]


def _of_folder(site: Site, old: Release, paths: Collection[str]) -> Found:
    for path in paths if old.folder else ():
        if (old.folder / path).is_file():
            yield path, (old.folder / path).read_bytes()


def _of_checkout(site: Site, old: Release, paths: Collection[str]) -> Found:
    ids = {path: old.files[path] for path in paths if len(old.files[path]) == GIT}
    if ids and "git" in site.probe.checkouts:
        texts = checkouts.texts(site.instance.host, site.instance.web_root, ids.values())
        yield from ((path, texts[one]) for path, one in ids.items() if one in texts)


def _of_mirror(site: Site, old: Release, paths: Collection[str]) -> Found:
    settings = site.instance.settings
    for path in paths if old.commit and (mirror.folder(settings) / "HEAD").exists() else ():
        try:
            yield path, process.read(mirror.git(settings, "cat-file", "blob", f"{old.commit}:{path}"))
        except CommandError as error:
            if error.code != UNKNOWN_OBJECT:
                raise


def _of_trees(site: Site, old: Release, paths: Collection[str]) -> Found:
    for tree in trees.all_trees(site.instance.settings):
        for path in paths:
            place = tree.path / path
            if place.is_file() and not place.is_symlink():
                text = place.read_bytes()
                if release_files.digest(text, old.files[path]) == old.files[path]:
                    yield path, text


def _of_release(site: Site, old: Release, paths: Collection[str]) -> Found:
    """Prepare the old release now, when it can be had: only with its texts can changes be joined."""
    word, settings = words.understood(old.version), site.instance.settings
    if not word or word.kind != words.RELEASE or process.conduct.dry_run or trees.tree(settings, old.version):
        return
    output.say(f"{site.instance.name}: prepares {old.version}, for the old texts of {len(paths)} changed files")
    try:
        tree = trees.prepared(settings, old.version, verb="prepare", tell=output.say)
    except (HostError, CommandError, ArchiveError) as fault:
        output.say(f"{site.instance.name}: {fault}")
        return
    for path in paths:
        if (tree.path / path).is_file():
            yield path, (tree.path / path).read_bytes()


def _without_patches(paths: Collection[str], now: dict[str, bytes], patches: Collection[Patch]) -> Found:
    """Take the patches that a site is known to have back from its texts, the last name first."""
    for path in paths:
        text: bytes | None = now.get(path)
        concerned = [patch for patch in patches if path in patch_files.touched(patch)]
        for patch in reversed(concerned):
            if text is not None and patch_files.fits(patch, {path: text}, reverse=True, only=[path]):
                text = patch_files.applied(patch, {path: text}, reverse=True, only=[path])[path]
        if concerned and text is not None and text != now[path]:
            yield path, text
