"""Makes of what a release shipped, and of what was accepted before, what has to be there now."""

from collections.abc import Mapping

from scripts.errors import CommandError
from scripts.hosts.listing import FILE, LINK
from scripts.registry.instance import Instance
from scripts.steps import checkouts, release_files
from scripts.steps.baselines import ACCEPTED, FOUND, SHIPPED, UNKNOWN, Baseline, Expected
from scripts.steps.release_files import ARROW, AS_IT_IS, Release
from scripts.tiki.probe import Probe


def of_site(instance: Instance, probe: Probe) -> Release:
    """Return what the site's release shipped; of a checkout also what git holds and archives of it do not."""
    found = release_files.of_code(instance, probe)
    if "git" not in probe.checkouts or not found.commit:
        return found
    try:
        listed = checkouts.files(instance.host, instance.web_root, found.commit)
    except CommandError:
        return found
    more = {path: digest for path, digest in listed.items()
            if path not in found.files and release_files.is_of_release(path)}
    return Release(found.version, {**more, **found.files}, found.folder, found.origin, found.commit, found.is_partial)


def baseline(known: Baseline, release: Release) -> Baseline:
    """Return the baseline for a release, new or after TRIM has changed the code; what was accepted stays so."""
    files, past, previous = _shipped(known.files, release.files), dict(known.past), {}
    for path, before in known.files.items():
        if before.origin == SHIPPED:
            if path not in files or files[path].digest != before.digest:
                previous[path] = before.digest
        elif path not in files:
            files[path] = before
        elif before.origin == ACCEPTED and before.digest:
            past[path] = past.get(path, frozenset()) | {before.digest}
    return Baseline(**{**vars(known), "files": files, "past": past, "previous": previous, "release": release.origin})


def _shipped(before: Mapping[str, Expected], digests: Mapping[str, str]) -> dict[str, Expected]:
    found = {}
    for path, digest in digests.items():
        kind, target = (LINK, digest.removeprefix(ARROW)) if digest.startswith(ARROW) else (FILE, "")
        content = "" if kind == LINK else digest
        old = before.get(path)
        if old and (old.kind, old.target, old.digest) == (kind, target, content):
            found[path] = old._replace(origin=SHIPPED)
            continue
        # Where nobody tells what it was, what is there counts; once it was seen, that.
        if digest == AS_IT_IS and old and old.digest:
            found[path] = old
            continue
        found[path] = Expected(kind, UNKNOWN, UNKNOWN, UNKNOWN, target, content,
                               FOUND if digest == AS_IT_IS else SHIPPED)
    return found
