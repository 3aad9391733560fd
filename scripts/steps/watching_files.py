"""Compares the files of a site with its baseline: code to the last byte, data by what may lie there.

Decides only, from what was seen; watching_tree.py looks.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from scripts.hosts.listing import FILE, FOLDER, LINK
from scripts.hosts.summing import SHUT, Seen
from scripts.steps import findings, release_files, watching_areas
from scripts.steps.baselines import ACCEPTED, FOUND, UNKNOWN, Baseline, Expected
from scripts.steps.findings import Finding
from scripts.steps.local_files import above
from scripts.steps.release_files import Release
from scripts.steps.watching_areas import CACHE, CHECKOUT, CODE, UPLOAD, Areas
from scripts.tiki import expected as natural
from scripts.tiki import layout, uploads

SOCKETS = "s"
KINDS = {FILE: "a file", FOLDER: "a folder", LINK: "a link", "p": "a pipe", "c": "a device", "b": "a device"}
ACCOUNT = re.compile(r"db/(?:[^/]+/)?local\.php")
OTHERS_WRITE = frozenset("2367")
OTHERS_READ = 0o004


@dataclass
class Tree:
    """What was seen of a site. sums are of all files that are compared, by path; loose is what is odd in the areas.

    judged are the reasons against files of caches and guards, empty for those that are harmless. instead are sums of
    files as they are without what TRIM itself adds to them for a time, and paths of TRIM's own have None there.
    """

    seen: dict[str, Seen]
    sums: dict[str, str]
    loose: dict[str, Seen] = field(default_factory=dict)
    judged: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, str | None] = field(default_factory=dict)


@dataclass
class Compared:
    """What differs, and the files as they are expected from now on: with what was learned about them."""

    found: list[Finding]
    files: dict[str, Expected]


def compare_apart(known: Baseline, tree: Tree, areas: Areas) -> list[Finding]:
    """Compare what is odd among data and caches alone: the code is as it was when nothing was wrong with it."""
    done = Compared([], {})
    _compare_loose(done, known, tree, areas)
    for path, one in known.apart.items():
        if path not in tree.loose:
            _missing(done, path, one, known, tree)
    return done.found


def compare(known: Baseline, tree: Tree, areas: Areas, release: Release | None) -> Compared:
    """Compare a tree. release is given when it was asked for this look: then what it does not tell is learned."""
    done = Compared([], {})
    tops = set(areas.all)
    wanted = known.files
    for path, seen in tree.seen.items():
        one = wanted.get(path)
        if seen.mode[-1] in OTHERS_WRITE and seen.kind != LINK:
            done.found += _writable(path, seen, tops)
        if one is not None and one[:4] == seen[:4] and one.kind == FILE and one.digest == tree.sums.get(path) \
                and path not in tree.instead:
            done.files[path] = one  # nearly all of them
        elif seen.kind == SHUT:
            _shut(done, path, seen, one)
        elif seen.kind == FOLDER and (one is None or one.kind == FOLDER):
            _folder(done, path, seen, one)
        elif tree.instead.get(path, "") is not None:
            _code(done, path, seen, one, known, tree, release)
        elif one is not None:
            done.files[path] = one  # TRIM has put its own in its place
    _compare_loose(done, known, tree, areas)
    for path, one in wanted.items():
        if path not in done.files and path not in tree.seen and path not in tree.loose:
            _missing(done, path, one, known, tree)
    done.found += _accounts(tree.seen)
    return done


def _compare_loose(done: Compared, known: Baseline, tree: Tree, areas: Areas) -> None:
    expected = known.apart
    for path, seen in tree.loose.items():
        if path in watching_areas.COMPILED and seen.mode[-1] in OTHERS_WRITE:
            done.found += _writable(path, seen, ())
        _loose(done, path, seen, expected.get(path), known, tree, areas)


def _shut(done: Compared, path: str, seen: Seen, one: Expected | None) -> None:
    if one is not None:
        done.files[path] = one
        done.found += _facts(path or ".", one, seen)
    done.found.append(Finding(findings.UNREAD, path or ".", f"this account may not look into this folder (mode "
                              f"{seen.mode}), so nothing tells what is in it"))


def _is_shut(folder: str, tree: Tree) -> bool:
    seen = tree.seen.get(folder) or tree.loose.get(folder)
    return seen is not None and seen.kind == SHUT


def _folder(done: Compared, path: str, seen: Seen, one: Expected | None) -> None:
    if one is None:
        done.files[path] = Expected(FOLDER, seen.mode, seen.owner, seen.group, "", "", FOUND)
        return
    done.files[path] = _learned(one, seen)
    done.found += _facts(path or ".", one, seen)


def _code(done: Compared, path: str, seen: Seen, one: Expected | None, known: Baseline, tree: Tree,
          release: Release | None) -> None:
    digest = tree.instead.get(path) or tree.sums.get(path, "")
    if one is None:
        if known.knew(path, digest) or release is not None and _may_be_learned(path, seen, release, tree):
            done.files[path] = _as_seen(seen, digest, ACCEPTED if known.knew(path, digest) else FOUND)
        else:
            done.found.append(Finding(findings.NEW, path, _new(path, seen, digest, tree), _state(seen, digest)))
        return
    if one.kind != seen.kind:
        done.files[path] = one
        told = f"is {_kind(seen)}, and was {KINDS.get(one.kind, one.kind)}"
        done.found.append(Finding(findings.LINK if LINK in (one.kind, seen.kind) else findings.CHANGED, path, told,
                                  _state(seen, digest)))
    elif seen.kind == LINK and one.target != seen.target:
        done.files[path] = one
        done.found.append(Finding(findings.LINK, path, f"leads to {seen.target}, and led to {one.target}",
                                  _state(seen, "")))
    elif seen.kind == FILE and not digest:
        done.files[path] = one
        done.found.append(Finding(findings.UNREAD, path, "this account may not read it, so nothing tells what it is"))
    elif seen.kind == FILE and not _is_same(one, digest):
        if known.knew(path, digest):
            one = one._replace(digest=digest, origin=ACCEPTED)
        else:
            done.found.append(Finding(findings.CHANGED, path, _changed(one), _state(seen, digest)))
        done.files[path] = one
        done.found += _facts(path, one, seen)
    else:
        done.files[path] = _learned(one._replace(digest=digest), seen)
        done.found += _facts(path, one, seen)


def _is_same(one: Expected, digest: str) -> bool:
    """Whether a sum is the expected one; nothing is expected of what nobody tells."""
    return not one.digest or one.digest == digest


def _may_be_learned(path: str, seen: Seen, release: Release, tree: Tree) -> bool:
    """Whether a file that the release does not name may be taken as it is, when the site is looked at first."""
    name = posixpath.basename(path)
    if path == layout.HTACCESS:
        template = release.files.get(layout.HTACCESS_TEMPLATE)
        is_link = seen.kind == LINK and seen.target in (layout.HTACCESS_TEMPLATE, f"./{layout.HTACCESS_TEMPLATE}")
        return bool(template) and (is_link or tree.judged.get(path) == "")
    if seen.kind != FILE:
        return False
    if release_files.OWN.match(path):
        return not uploads.problem(path) or tree.judged.get(path) == ""
    return not release.tells(path) and not uploads.may_run(path) and not name.startswith(".") \
        and name.lower() not in uploads.RULES


def _loose(done: Compared, path: str, seen: Seen, one: Expected | None, known: Baseline, tree: Tree,
           areas: Areas) -> None:
    """Judge what is odd among data: what was shipped or accepted is compared, the rest has to be harmless."""
    if seen.kind == SHUT:
        _shut(done, path, seen, one)
        return
    if one is not None:
        _code(done, path, seen, one, known, tree, None)
        return
    digest = tree.sums.get(path, "")
    if known.knew(path, digest):
        done.files[path] = _as_seen(seen, digest, ACCEPTED)
        return
    kind = areas.of(path)
    told = _wrong(path, seen, kind, tree)
    if told:
        what = {CACHE: findings.CACHE, CHECKOUT: findings.NEW}.get(kind[0], findings.UPLOAD)
        done.found.append(Finding(what, path, told, _state(seen, digest)))


def _wrong(path: str, seen: Seen, place: tuple[str, str], tree: Tree) -> str:
    """Return why something may not lie in an area, or nothing."""
    kind, area = place
    if seen.kind in (FOLDER, SOCKETS):
        return ""
    if seen.kind == LINK:
        if kind == CHECKOUT:
            return ""
        return f"a link to {seen.target}" if kind == CACHE or uploads.leads_out(path, seen.target, area) else ""
    if seen.kind != FILE:
        return f"{_kind(seen)} among data"
    if kind == CHECKOUT:
        return uploads.problem(path) if uploads.may_run(path) else ""
    if path in tree.judged:
        return tree.judged[path]
    return uploads.problem(path)


def _missing(done: Compared, path: str, one: Expected, known: Baseline, tree: Tree) -> None:
    if tree.instead.get(path, "") is None:
        done.files[path] = one  # TRIM has it aside
    elif any(_is_shut(folder, tree) for folder in above(path)):
        done.files[path] = one  # the folder is the finding
    elif one.kind == FOLDER or known.is_stale and (one.origin == FOUND or known.is_replaced and one.origin == ACCEPTED):
        return
    else:
        done.files[path] = one
        done.found.append(Finding(findings.REMOVED, path, "is not there any more", "gone"))


def _writable(path: str, seen: Seen, tops: Collection[str]) -> Iterator[Finding]:
    if path in tops and path not in watching_areas.COMPILED:
        return
    what = "folder of code" if seen.kind == FOLDER else "file of code"
    yield Finding(findings.WRITABLE, path or ".", f"every account of its host may write into this {what} (mode "
                  f"{seen.mode})", seen.mode)


def _accounts(seen: Mapping[str, Seen]) -> Iterator[Finding]:
    for path, one in seen.items():
        if path.startswith("db/") and ACCOUNT.fullmatch(path) and one.kind == FILE and int(one.mode, 8) & OTHERS_READ:
            yield Finding(findings.READABLE, path, "holds the database's password, and every account of its host may "
                          f"read it (mode {one.mode})", one.mode)


def _facts(path: str, one: Expected, seen: Seen) -> Iterator[Finding]:
    if one.mode != UNKNOWN and one.mode != seen.mode and seen.kind != LINK:
        yield Finding(findings.MODE, path, f"is {seen.mode}, and was {one.mode}", seen.mode)
    if one.owner != UNKNOWN and (one.owner, one.group) != (seen.owner, seen.group):
        yield Finding(findings.OWNER, path, f"belongs to account {seen.owner}, group {seen.group}, and belonged to "
                      f"account {one.owner}, group {one.group}", f"{seen.owner}:{seen.group}")


def _learned(one: Expected, seen: Seen) -> Expected:
    """Return what is expected with what was not known before."""
    return one._replace(mode=one.mode or seen.mode, owner=one.owner or seen.owner, group=one.group or seen.group)


def as_seen(seen: Seen, digest: str) -> Expected:
    """Return what is expected from now on of something that was accepted."""
    return _as_seen(seen, digest, ACCEPTED)


def _as_seen(seen: Seen, digest: str, origin: str) -> Expected:
    return Expected(seen.kind, seen.mode, seen.owner, seen.group, seen.target, digest, origin)


def _kind(seen: Seen) -> str:
    return f"a link to {seen.target}" if seen.kind == LINK else KINDS.get(seen.kind, f"something of kind {seen.kind}")


def _state(seen: Seen, digest: str) -> str:
    return digest or f"{seen.kind} {seen.target}"


def _new(path: str, seen: Seen, digest: str, tree: Tree) -> str:
    if seen.kind != FILE:
        return f"{_kind(seen)} that the release does not have"
    reason = tree.judged.get(path) or uploads.problem(path)
    return "the release does not have it" + (f": {reason}" if reason else "")


def _changed(one: Expected) -> str:
    whose = "what was accepted" if one.origin == ACCEPTED else "its release" if one.origin != FOUND else \
        "what it was when it was first seen"
    return f"is not {whose} any more"


def is_secret(path: str) -> bool:
    """Whether the content of a file is never shown."""
    return natural.is_secret_file(path)


__all__ = ["CODE", "UPLOAD", "Compared", "Tree", "as_seen", "compare", "is_secret"]
