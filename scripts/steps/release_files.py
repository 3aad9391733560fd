"""What a release shipped: each of its files with a digest of its content, and where its text can be had.

Known from the first that tells it: our own record of what was put in place, git, a prepared tree of that version, and
at last the list of sums that a release brings for Tiki's own security check, which is not exact.
"""

from __future__ import annotations

import fnmatch
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.code import words
from scripts.errors import ArchiveError, BusyError, CommandError, Fault, HostError
from scripts.hosts import listing, process
from scripts.hosts.listing import FILE, LINK
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.registry.settings import load as settings_of
from scripts.steps import checkouts
from scripts.steps.site import Site
from scripts.tiki import layout, maintenance
from scripts.tiki.probe import Probe

if TYPE_CHECKING:
    from scripts.code.trees import PreparedTree  # with all that fetches and builds code: only for who needs a tree

ARROW = "-> "           # before a link's target, where a file has its digest
AS_IT_IS = ""           # in the place of a digest: nobody tells what it was, and it is taken as unchanged
MD5, GIT, SHA256 = 32, 40, 64   # digits, which tell the kinds of digests apart
LISTED = (".php", ".js", ".tpl", ".css", ".sql")   # what Tiki's own list of sums is about
ROW = re.compile(rb"'((?:[^'\\]|\\.|'')*)'\s*,\s*'((?:[^'\\]|\\.|'')*)'\s*,\s*'((?:[^'\\]|\\.|'')*)'")
SITE_OWN = (*layout.ALL_ACCOUNTS, layout.VIRTUALS, f"{layout.CERTIFICATES}/*.pem", "db/lock", "db/*.ini",
            layout.HTACCESS, ".well-known/*", *layout.CHECKOUTS, *(f"{name}/*" for name in layout.CHECKOUTS))
"""What is the site's own wherever it came from, as patterns in which * takes slashes too."""
OWN = re.compile("|".join(map(fnmatch.translate, (*SITE_OWN, *maintenance.OWN_NAMES))))
COMMIT = re.compile(r"[0-9a-f]{40}")
FORM = 1                # of a record; another one is not read
LAST = "end"
ENDING = ".release"


@dataclass(frozen=True)
class Release:
    """A release as it was shipped. files are digests by path, or `-> target` for a link.

    A digest is a sha256, git's own id, or an MD5, told apart by length. folder holds the content on the manager, None
    where nothing does. commit is the one it was made of, if any.
    """

    version: str
    files: Mapping[str, str]
    folder: Path | None
    origin: str
    commit: str = ""
    is_partial: bool = False
    """Whether files of other endings than LISTED may have been shipped too."""
    noted: Path | None = field(default=None, repr=False, compare=False)

    def tells(self, path: str) -> bool:
        """Whether a path that is not among the files was surely not shipped."""
        return not self.is_partial or path.endswith(LISTED)


def is_of_release(path: str) -> bool:
    """Whether a path may be a release's: not a site's own configuration, nor what is in a cache."""
    return not (OWN.match(path) or layout.is_left_out(path))


def digest(content: bytes, like: str) -> str:
    """Return the digest of a content, of the same kind as another one."""
    if len(like) == GIT:
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if len(like) == MD5:
        return hashlib.md5(content, usedforsecurity=False).hexdigest()
    return hashlib.sha256(content).hexdigest()


# Of a site

def of_site(site: Site) -> Release:
    """Return what the site's release shipped; raise HostError with the next step when nothing tells it."""
    return of_code(site.instance, site.probe)


def of_code(instance: Instance, probe: Probe, *, may_prepare: bool = True) -> Release:
    """Return the same for a site whose database is not asked; to prepare its release may take minutes."""
    problems: list[str] = []
    prepared = partial(_of_prepared, may_prepare=may_prepare)
    for look in (_recorded, _of_checkout, prepared, _of_sums):
        try:
            found = look(instance, probe)
        except (HostError, CommandError, ArchiveError) as fault:
            problems.append(str(fault))
            continue
        if found:
            return found
    version, name = probe.version, instance.name
    why = "".join(f"; {problem}" for problem in problems)
    raise HostError(f"{name}: which files its release {version} shipped is not known: there is no record, no checkout, "
                    f"no prepared tree of {version} and no list of sums in db/{why}. Next: make prepare "
                    f"VERSION={version} SOURCE=file-of-that-release")


def _recorded(instance: Instance, probe: Probe) -> Release | None:
    found = read(instance)
    if not found or found.version != str(probe.version):
        return None
    if "git" in probe.checkouts and found.commit != checkouts.head(instance.host, instance.web_root):
        return None
    return found


def _of_checkout(instance: Instance, probe: Probe) -> Release | None:
    """Return the files of the commit that a git checkout stands on; what the site committed itself is not Tiki's."""
    if "git" not in probe.checkouts:
        return None
    from scripts.code import trees
    host, web_root = instance.host, instance.web_root
    prepared = trees.all_trees(instance.settings)
    record = read(instance)
    known = {one.identity for one in prepared if COMMIT.fullmatch(one.identity)}
    known |= {record.commit} if record and record.commit else set()
    commit, above = checkouts.upstream(host, web_root, known)
    files = {path: one for path, one in checkouts.files(host, web_root, commit).items() if is_of_release(path)}
    twin = next((of_tree(one) for one in prepared if one.identity == commit), None)
    built = {path: one for path, one in twin.files.items() if path not in files and _is_built(path, files)} if twin \
        else _as_they_are(instance, files)
    own = f", with {above} commit{'s' if above > 1 else ''} of the site's own above it" if above else ""
    return Release(str(probe.version), {**built, **files}, None, f"git commit {commit[:checkouts.SHORT]}{own}",
                   commit)


def _of_prepared(instance: Instance, probe: Probe, may_prepare: bool) -> Release | None:
    """Return the prepared tree of the site's very version, made now when the release can be had."""
    from scripts.code import trees
    settings, version = instance.settings, str(probe.version)
    word = words.understood(version)
    if not word or word.kind != words.RELEASE:
        return None
    found = trees.tree(settings, version)
    if not found and may_prepare and not process.conduct.dry_run:
        output.say(f"{instance.name}: prepares {version}, to tell its own changes from the release")
        found = trees.prepared(settings, version, verb="prepare", tell=output.say)
    return of_tree(found) if found else None


def _of_sums(instance: Instance, probe: Probe) -> Release | None:
    """Return what the list in the tree's db/ names; of the vendor folders, what is there is taken as shipped."""
    host, version = instance.host, str(probe.version)
    path = f"{instance.web_root}/db/tiki-secdb_{version}_mysql.sql"
    if not host.present(path):
        return None
    files = {name: one for name, one in listed_sums(host.read("cat", "--", path), version).items()
             if is_of_release(name)}
    if not files:
        raise HostError(f"{path}: no sums of {version} stand in it")
    files.pop(f"db/tiki-secdb_{version}_mysql.sql", None)  # no list can hold its own sum
    return Release(version, {**_as_they_are(instance, files), **files}, None,
                   f"the list of sums in db/ of {version}, which tells of {' '.join(LISTED)} alone and is not exact",
                   is_partial=True)


def listed_sums(text: bytes, version: str) -> dict[str, str]:
    """Return the MD5 sums that Tiki's own list gives for a version, by path."""
    found = {}
    for row in ROW.finditer(text):
        one, other, third = (value.decode("utf-8", "surrogateescape") for value in row.groups())
        if third != version:
            continue
        name, value = (other, one) if re.fullmatch(r"[0-9a-f]{32}", one) else (one, other)
        found[re.sub(r"\\(.)|''", lambda pair: pair[1] or "'", name).removeprefix("./")] = value
    return found


def _as_they_are(instance: Instance, files: Mapping[str, str]) -> dict[str, str]:
    """Return what lies in folders that a build fills: nobody changes it by hand, and nothing here tells what it was."""
    host, web_root = instance.host, instance.web_root
    folders = host.present(*(f"{web_root}/{folder}" for folder in _built_folders(files)), kind="d")
    found = {}
    for folder in folders:
        inside = folder.removeprefix(f"{web_root}/")
        found |= {f"{inside}/{path}": AS_IT_IS for path, entry in listing.read(host, folder).items()
                  if entry.kind in (FILE, LINK)}
    return found


def _built_folders(files: Mapping[str, str]) -> tuple[str, ...]:
    """Return where composer and npm put what they make; vendor at the top is the site's own from Tiki 17 on."""
    has_bundle = any(path.startswith("vendor_bundled/") for path in files)
    return ("vendor_bundled/vendor" if has_bundle else "vendor", "public/generated")


def _is_built(path: str, files: Mapping[str, str]) -> bool:
    return path.startswith(tuple(f"{folder}/" for folder in _built_folders(files)))


# Of a prepared tree

def of_tree(tree: PreparedTree) -> Release:
    """Return a prepared tree as a release; its sums are computed once and kept beside it."""
    noted = tree.sums
    found = _read(noted)
    commit = tree.identity if COMMIT.fullmatch(tree.identity) else ""
    if found and found.origin == tree.digest and found.files:
        return Release(tree.version, found.files, tree.path, f"prepared tree {tree.name}", commit, noted=noted)
    entries = {path: entry for path, entry in listing.read(MANAGER, str(tree.path)).items() if is_of_release(path)}
    sizes = {path: entry.size for path, entry in entries.items() if entry.kind == FILE}
    files = listing.sums(MANAGER, str(tree.path), sizes) if sizes else {}
    if len(files) != len(sizes):
        raise HostError(f"{tree.path}: not every file of it can be read. Next: make prepare VERSION={tree.name} "
                        "FORCE=1")
    files |= {path: f"{ARROW}{entry.target}" for path, entry in entries.items() if entry.kind == LINK}
    if tree.digest and not process.conduct.dry_run:
        _write(noted, Release(tree.version, files, None, tree.digest, commit))
    return Release(tree.version, files, tree.path, f"prepared tree {tree.name}", commit,
                   noted=noted if tree.digest else None)


# The record

def remember(instance: Instance, release: Release) -> None:
    """Note what the code that was just put in place shipped."""
    if process.conduct.dry_run:
        return
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    _write(_path(instance), release)
    if release.folder:
        _drop_spare_trees(instance, release.folder.name)


def _drop_spare_trees(instance: Instance, name: str) -> None:
    """Remove trees of single commits that no update will want: with LAG= each update makes one more."""
    if "@" not in name:
        return
    from scripts.code import trees
    ours = settings_of(instance.settings.top)  # those of a rehearsal know of no other instance
    used = {_commit(path) for path in (ours.state / "status").glob(f"*{ENDING}")}
    for tree in trees.spare(ours, name, used):
        try:
            trees.forget(ours, tree, "update")
        except BusyError:
            continue  # another run copies it; the next update looks again
        except (Fault, OSError) as fault:
            output.warn(f"{instance.name}: {tree.path} is not needed any more and could not be removed: {fault}")


def read(instance: Instance) -> Release | None:
    """Return what was noted; None when nothing was, or when it cannot be read."""
    return _read(_path(instance))


def inherit(source: str, target: Instance) -> None:
    """Let an instance that was given the code of one of that name have its record too; or none, as that one."""
    forget(target)
    theirs = _path(target).with_name(f"{source}{ENDING}")
    if theirs.exists() and not process.conduct.dry_run:
        MANAGER.write(str(_path(target)), theirs.read_bytes(), 0o600)


def forget(instance: Instance) -> None:
    """Remove the record: other code was put in place. `of_site` finds out what it is."""
    MANAGER.remove(str(_path(instance)))


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}{ENDING}"


def _write(path: Path, release: Release) -> None:
    """Write a record: one line with what it is of, then digest and name of each file, all ended by NUL."""
    about = {"form": FORM, "version": release.version, "origin": release.origin, "commit": release.commit,
             "is_partial": release.is_partial, "files": len(release.files)}
    lines = [json.dumps(about), *(f"{one} {path}" for path, one in _on_lines(release.files)), LAST, ""]
    packed = gzip.compress("\0\n".join(lines).encode("utf-8", "surrogateescape"), compresslevel=1, mtime=0)
    MANAGER.write(str(path), packed, 0o600)


def _on_lines(files: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the files in order; a link's target may hold blanks, so it stands as a number of characters first."""
    return [(path, f"{ARROW}{len(one) - len(ARROW)} {one.removeprefix(ARROW)}" if one.startswith(ARROW) else one or "-")
            for path, one in sorted(files.items())]


def _read(path: Path) -> Release | None:
    try:
        lines = gzip.decompress(path.read_bytes()).decode("utf-8", "surrogateescape").split("\0\n")
        about = json.loads(lines[0])
        if about.pop("form") != FORM or lines[-2:] != [LAST, ""] or len(lines) != about.pop("files") + 3:
            return None
        files = dict(_parsed(line) for line in lines[1:-2])
        return Release(files=files, folder=None, noted=path, **about)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def _commit(path: Path) -> str:
    """Return the commit that a record names, without reading the rest of it."""
    try:
        with gzip.open(path) as file:
            return str(json.loads(file.readline().rstrip(b"\0\n"))["commit"])
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return ""


def _parsed(line: str) -> tuple[str, str]:
    one, _, path = line.partition(" ")
    if one == ARROW.strip():
        length, _, rest = path.partition(" ")
        return rest[int(length) + 1:], f"{ARROW}{rest[:int(length)]}"
    return path, AS_IT_IS if one == "-" else one
