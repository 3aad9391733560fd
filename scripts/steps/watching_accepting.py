"""Takes what check found for right: the baseline becomes what was seen, for what the operator named.

Only what this very look has seen is taken; what changes meanwhile is a finding of the next.
"""

from collections.abc import Collection
from dataclasses import replace

from scripts.errors import HostError, UsageError
from scripts.hosts.listing import FILE, FOLDER
from scripts.hosts.summing import SHUT
from scripts.present import output
from scripts.registry.env_file import nearest
from scripts.steps import findings, watching, watching_files
from scripts.steps.baselines import ACCEPTED, Expected
from scripts.steps.findings import ADMINISTRATOR, BASELINE, DATABASE, REVISION, Finding
from scripts.steps.local_files import above
from scripts.steps.watching import Look
from scripts.steps.watching_files import Tree

ALL = "all"


def accept(done: Look, names: Collection[str]) -> list[Finding]:
    """Take findings into the baseline, by the names they are told with, and return them; `all` means each of them.

    A folder's name means all in it. Raises UsageError for a name that no finding has.
    """
    chosen = _chosen(done, names)
    if done.baseline is None:
        raise HostError(f"{done.instance.name}: {done.problem}. Nothing was accepted")
    is_new, taken = any(one.kind == BASELINE for one in chosen), set(chosen)
    _take(done, chosen)
    if is_new and not done.baseline.files:
        _take_all(done)
    done.may_be_kept = done.may_be_kept or is_new
    done.found = [one for one in done.found if one.kind in findings.UNACCEPTABLE or one not in taken]
    done.baseline = replace(done.baseline, evidence="")
    watching.remember(done, None)
    return chosen


def _chosen(done: Look, names: Collection[str]) -> list[Finding]:
    possible = [one for one in done.found if one.kind not in findings.UNACCEPTABLE]
    if ALL in names:
        return possible
    wanted = {name.removeprefix("./").rstrip("/") for name in names}
    chosen, met = [], set()
    for one in possible:
        names_of = {one.name, *above(one.name)} & wanted
        met |= names_of
        chosen += [one] if names_of else []
    for name in sorted(wanted):
        if name not in met:
            known = [one.name for one in possible]
            raise UsageError(f"{done.instance.name}: ACCEPT={name}: no finding has this name{nearest(name, known)}. "
                             f"Nothing was accepted. Next: make check INSTANCE={done.instance.name}")
    return chosen


def _take(done: Look, chosen: Collection[Finding]) -> None:
    known = done.baseline
    files, past = dict(known.files), dict(known.past)
    database, accepted, commit = dict(known.database or {}), dict(known.accepted), known.commit
    for one in chosen:
        if one.kind in findings.OF_FILES:
            _take_file(done.tree, one, files, past)
        elif one.kind in (ADMINISTRATOR, DATABASE):
            database.pop(one.name, None)
            if done.database and one.name in done.database:
                database[one.name] = done.database[one.name]
        elif one.kind == REVISION and done.commit:
            commit = done.commit
        elif one.kind != BASELINE:
            accepted[one.key] = one.state
    done.baseline = replace(known, files=files, past=past, database=None if known.database is None else database,
                            accepted=accepted, commit=commit)


def _take_file(tree: Tree, one: Finding, files: dict[str, Expected], past: dict[str, frozenset[str]]) -> None:
    path = "" if one.name == "." else one.name
    seen = tree.seen.get(path) or tree.loose.get(path)
    before = files.pop(path, None)
    if before and before.origin == ACCEPTED and before.digest:
        past[path] = past.get(path, frozenset()) | {before.digest}
    if seen and one.kind in findings.OF_CONTENT:
        digest = tree.instead.get(path) or tree.sums.get(path, "")
        files[path] = watching_files.as_seen(seen, digest)
    elif seen and before:
        files[path] = before._replace(mode=seen.mode, owner=seen.owner, group=seen.group)


def _take_all(done: Look) -> None:
    """Take everything as it is: nothing told what the release shipped."""
    tree = done.tree
    files = {path: watching_files.as_seen(seen, tree.sums.get(path, ""))
             for path, seen in (*tree.seen.items(), *((path, one) for path, one in tree.loose.items()
                                                      if one.kind != FOLDER and tree.judged.get(path, "odd")))
             if seen.kind not in (FILE, SHUT) or path in tree.sums}
    done.baseline = replace(done.baseline, files=files | done.baseline.files)
    output.say(f"{done.instance.name}: {len(files)} files and folders are taken as they are")
