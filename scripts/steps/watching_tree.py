"""Looks at the files of a site where they lie: names, facts and sums travel, and the text of what has to be judged.

Nothing is written there.
"""

import fnmatch
import hashlib
import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from scripts.hosts import listing, process, summing
from scripts.hosts.host import Host
from scripts.hosts.listing import FILE
from scripts.hosts.summing import Seen
from scripts.registry.instance import Instance
from scripts.steps import checkouts, release_files, restricting
from scripts.steps.baselines import Baseline, Expected
from scripts.steps.release_files import GIT, MD5, Release
from scripts.steps.watching_areas import CACHE, COMPILED, UPLOAD, Areas
from scripts.steps.watching_files import Tree
from scripts.tiki import generated, guard, layout, maintenance, maintenance_page, restriction, restriction_file, uploads
from scripts.tiki.restriction import FILE as WAS_FILE
from scripts.tiki.small_files import SmallFile

GUARD = "index.php"
PORTION = 500       # files of a cache that are fetched at once: some ten megabytes
OTHERS = "generated for another place, {}, which is there"
UNSAID = "calls {}, which is no word of its template"


@dataclass
class Raw:
    """What the host told; with is_known the code is as it was when nothing was wrong, and seen and sums are empty.

    evidence is empty where the host did not tell the sums of all files.
    """

    seen: dict[str, Seen]
    sums: dict[str, str]
    loose: dict[str, Seen]
    evidence: str
    is_known: bool


def look(instance: Instance, known: Baseline, areas: Areas) -> Raw:
    """Ask the host for everything, at the same time."""
    host, root = instance.host, instance.web_root
    inside = [f"{root}/{folder}" for folder in areas.all]
    named = [path for path in known.apart if not path.startswith("/")]
    apart = [path for path in known.apart if path.startswith("/")]
    entries, sums, loose, shipped, beside = process.side_by_side(
        lambda: summing.look(host, root, areas.all), lambda: summing.sums(host, root, areas.all),
        lambda: summing.matching(host, [*inside, *areas.outside], uploads.WANTED),
        lambda: _named(host, root, [*named, *COMPILED]), lambda: _named(host, "", apart) if apart else {})
    start = f"{root}/"
    found = {path.removeprefix(start) if path.startswith(start) else path: one for path, one in loose.items()}
    loose = {**found, **shipped, **beside}
    evidence = hashlib.sha256(f"{areas.all} {entries.digest} {sums.digest}".encode()).hexdigest()
    if evidence == known.evidence and not known.is_stale:
        return Raw({}, {}, loose, evidence, True)
    seen, known_sums = entries.parsed(), sums.parsed()
    has_all = all(path in known_sums for path, one in seen.items() if one.kind == FILE)
    return Raw(seen, known_sums, loose, evidence if has_all else "", False)


def tree(instance: Instance, raw: Raw, known: Baseline, areas: Areas, release: Release | None) -> Tree:
    """Return what was seen with all that judging it needs; sums that the quick way lacks are asked for."""
    expected = known.apart
    runnable = [path for path, one in raw.loose.items() if one.kind == FILE
                and (path in expected or uploads.problem(path))]
    lacking = [path for path, one in raw.seen.items() if one.kind == FILE and path not in raw.sums]
    sums = raw.sums | _sums(instance, [*lacking, *runnable])
    found = Tree(raw.seen, sums, raw.loose)
    found.instead = {} if raw.is_known else _instead(instance, raw, sums, known)
    found.judged = _judged(instance, runnable, found, known, areas, release)
    return found


def resolved(instance: Instance, known: Baseline, raw: Raw, sums: Mapping[str, str]) -> Mapping[str, Expected]:
    """Return what is expected with every digest a sha256, where the files agree with those of other kinds."""
    if raw.is_known:
        return known.files
    files = dict(known.files)
    for length in (GIT, MD5):
        wanted = [path for path, one in known.files.items() if len(one.digest) == length and path in sums]
        if not wanted:
            continue
        present = _digests(instance, wanted, length)
        files |= {path: files[path]._replace(digest=sums[path]) for path in wanted
                  if present.get(path) == files[path].digest}
    return files


def _digests(instance: Instance, wanted: list[str], length: int) -> Mapping[str, str]:
    host, root = instance.host, instance.web_root
    if length == GIT:
        return checkouts.ids(host, root, wanted)
    return listing.sums(host, root, dict.fromkeys(wanted, 0), listing.MD5)


def _named(host: Host, root: str, paths: Collection[str]) -> dict[str, Seen]:
    """Return what is at some paths, whole ones where there is no root."""
    asked = [path.removeprefix("/") for path in paths]
    return {path if root else f"/{path}": one for path, one in summing.named(host, root or "/", asked).items()}


def _sums(instance: Instance, wanted: Collection[str]) -> dict[str, str]:
    """Return sums by the exact way."""
    found = {}
    for root in (instance.web_root, "/"):
        names = [path.removeprefix("/") for path in wanted if path.startswith("/") == (root == "/")]
        told = listing.sums(instance.host, root, dict.fromkeys(names, 0)) if names else {}
        found |= {f"/{path}" if root == "/" else path: digest for path, digest in told.items()}
    return found


# What TRIM itself has put there for a time

def _instead(instance: Instance, raw: Raw, sums: Mapping[str, str], known: Baseline) -> dict[str, str | None]:
    """Return the sums of files as they are without TRIM's maintenance page and restriction, None for TRIM's own."""
    ours = (*maintenance.OWN_NAMES, layout.HTACCESS, *guard.ENTRANCES)
    if not any(_is_other(path, raw, sums, known) for path in ours):
        return {}
    host, root, found = instance.host, instance.web_root, {}
    files = maintenance.read(host, root)
    for name in guard.ENTRANCES:
        if name in files and files[name].content.startswith(guard.GUARD):
            found[name] = _sum(files[name].content[len(guard.GUARD):])
    is_closed = _shows_our_page(files)
    own = files.get(maintenance.KEPT) if is_closed else files.get(layout.HTACCESS)
    if is_closed:
        found |= {layout.HTACCESS: _sum(own.content) if own and own.is_file else None, guard.PAGE: None,
                  maintenance.KEPT: None}
    if own and restriction.was_of(own.content) and restricting.is_restricted(instance) \
            and not restricting.problems(instance):
        was = restriction_file.look(host, root).was
        found[layout.HTACCESS] = _sum(restriction.without(own.content)) if was.kind == WAS_FILE else None
    return found


def _is_other(path: str, raw: Raw, sums: Mapping[str, str], known: Baseline) -> bool:
    one, seen = known.files.get(path), raw.seen.get(path)
    if seen is None or one is None:
        return seen is not None
    return one.kind != seen.kind or one.kind == FILE and one.digest != sums.get(path)


def _shows_our_page(files: Mapping[str, SmallFile]) -> bool:
    """Whether the .htaccess is the maintenance page's, to the last byte."""
    rules, page = files.get(layout.HTACCESS), files.get(guard.PAGE)
    notice = maintenance_page.notice_of(rules.content) if rules else None
    if not notice or not page:
        return False
    return maintenance_page.htaccess(page.content.decode("ascii", "replace"), notice).encode() == rules.content


# What has to be read to be judged

def _judged(instance: Instance, runnable: Collection[str], found: Tree, known: Baseline, areas: Areas,
            release: Release | None) -> dict[str, str]:
    """Return the reasons against PHP files in caches and guards of folders; at a first look of the site's own too."""
    expected = known.apart
    wanted = [path for path in runnable if path not in expected and uploads.PHP.search(posixpath.basename(path))
              and (areas.of(path)[0] == CACHE or areas.of(path)[0] == UPLOAD and posixpath.basename(path) == GUARD)]
    judged = {path: "" for path in wanted if found.sums.get(path) in known.harmless}
    roots = {instance.web_root, instance.host.real_path(instance.web_root)} if len(judged) < len(wanted) else set()
    pending: dict[str, generated.Judgement] = {}
    for texts in _texts(instance, [path for path in wanted if path not in judged]):
        for path, text in texts.items():
            pending[path] = _of_place(path, areas, text, roots)
    judged |= {path: "" if path in pending else uploads.problem(path) for path in wanted if path not in judged}
    judged |= _settled(instance, pending, found)
    if release is not None:
        judged |= _own(instance, found, release)
    return judged


def _of_place(path: str, areas: Areas, text: bytes, roots: Collection[str]) -> generated.Judgement:
    if areas.of(path)[0] == UPLOAD:
        return generated.Judgement(generated.guard_problem(text.decode("utf-8", "surrogateescape")))
    if not path.lower().endswith(".php"):
        return generated.Judgement(uploads.problem(path))
    return generated.judge(path, text, roots)


def _texts(instance: Instance, wanted: Sequence[str]) -> Iterable[dict[str, bytes]]:
    """Yield the texts of files in portions, so that none takes too much memory."""
    for place in range(0, len(wanted), PORTION):
        yield _contents(instance, wanted[place:place + PORTION])


def _contents(instance: Instance, paths: Iterable[str]) -> dict[str, bytes]:
    inside = [path for path in paths if not path.startswith("/")]
    outside = [path.removeprefix("/") for path in paths if path.startswith("/")]
    found = listing.contents(instance.host, instance.web_root, inside) if inside else {}
    return found | ({f"/{path}": text for path, text in listing.contents(instance.host, "/", outside).items()}
                    if outside else {})


def _settled(instance: Instance, pending: Mapping[str, generated.Judgement], found: Tree) -> dict[str, str]:
    """Return the reasons against what was read: the words that a template must have, and places that must be gone."""
    others = {root for one in pending.values() for root in one.roots}
    there = set(instance.host.present(*sorted(others))) if others else set()
    sources = {path: [_source(name, found) for name in one.sources] for path, one in pending.items() if one.words}
    names = sorted({name for all_of in sources.values() for name in all_of if name})
    texts = listing.contents(instance.host, instance.web_root, names) if names else {}
    reasons = {}
    for path, one in pending.items():
        own = b"\n".join(texts.get(name, b"") for name in sources.get(path, ())).decode("utf-8", "replace").lower()
        unsaid = sorted(word for word in one.words if word.lower() not in own)
        present = sorted(one.roots & there)
        reasons[path] = one.odd or (UNSAID.format(unsaid[0]) if unsaid else "") or \
            (OTHERS.format(present[0]) if present else "")
    return reasons


def _source(name: str, found: Tree) -> str:
    """Return the path of a template from the web root; a compiled one names it whole, or as another site's."""
    parts = name.removeprefix("file:").split("/")
    for place in range(len(parts)):
        path = "/".join(parts[place:])
        if path in found.seen:
            return path
    return f"templates/{parts[-1]}" if f"templates/{parts[-1]}" in found.seen else ""


def _own(instance: Instance, found: Tree, release: Release) -> dict[str, str]:
    """Judge the site's own files of the first look: its accounts, and its .htaccess by the release's template."""
    accounts = [path for path in found.seen if any(fnmatch.fnmatchcase(path, one) for one in layout.ALL_ACCOUNTS)]
    named = [path for path in (*accounts, layout.HTACCESS) if path in found.seen and found.seen[path].kind == FILE]
    texts = listing.contents(instance.host, instance.web_root, named) if named else {}
    judged = {path: generated.settings_problem(texts[path]) for path in accounts if path in texts}
    template, text = release.files.get(layout.HTACCESS_TEMPLATE, ""), texts.get(layout.HTACCESS)
    if text is not None and template:
        own = restriction.without(text) if restricting.is_restricted(instance) else text
        is_template = release_files.digest(own, template) == template
        judged[layout.HTACCESS] = "" if is_template else "not the release's _htaccess"
    return judged


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


