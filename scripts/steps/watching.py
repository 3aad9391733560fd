"""One look of check and watch: files, database and surroundings against the baseline; what was learned is remembered.

Everything at the site is only read. What keeps a part from being seen is a finding, and the other parts are looked at.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from scripts.errors import CommandError, DatabaseError, Fault, HostError, RegistryError
from scripts.hosts import process
from scripts.registry.instance import Instance
from scripts.steps import (
    baselines,
    checkouts,
    findings,
    site,
    watched,
    watching_areas,
    watching_database,
    watching_files,
    watching_release,
    watching_surroundings,
    watching_tree,
)
from scripts.steps.baselines import SHIPPED, Baseline
from scripts.steps.findings import BASELINE, REVISION, UNREACHABLE, Finding
from scripts.steps.release_files import Release
from scripts.steps.watching_areas import Areas
from scripts.steps.watching_files import Compared, Tree
from scripts.steps.watching_tree import Raw
from scripts.tiki import probe
from scripts.tiki.privileges import Told
from scripts.tiki.probe import Probe

NOT_TOLD = "not told"


@dataclass
class Look:
    """What was seen of a site, what is wrong, and the baseline as it is to be from now on, None where none can be made.

    problem says what kept the look from seeing all.
    """

    instance: Instance
    found: list[Finding] = field(default_factory=list)
    baseline: Baseline | None = None
    tree: Tree | None = None
    release: Release | None = None
    database: Told | None = None
    commit: str = ""
    problem: str = ""
    is_first: bool = False
    may_be_kept: bool = True
    is_blank: bool = False
    """Whether nothing was ever put there, so that there is nothing to look at."""

    def finding(self, kind: str, name: str, told: str, state: str = "") -> None:
        self.found.append(Finding(kind, name, " ".join(told.split()), state))

    def broke(self, name: str, fault: Fault | OSError) -> None:
        self.problem = self.problem or " ".join(str(fault).split())
        self.finding(UNREACHABLE, name, str(fault).removeprefix(f"{self.instance.name}: "))


class _Said(NamedTuple):
    """What the database says: the data folders inside the web root and outside, and what is watched, if it is open."""

    folders: tuple[tuple[str, ...], tuple[str, ...]]
    told: Told | None


def look(instance: Instance) -> Look:
    """Look at a site, remember what was learned, and return what was found."""
    done = Look(instance)
    known = _known(done)
    try:
        if known and not known.is_stale and not known.is_database_stale:
            _again(done, known)
        else:
            _anew(done, known)
    except (Fault, OSError) as fault:
        # What broke beside it, because it was ended with it, is no finding of its own.
        done.found = [one for one in done.found if one.kind != UNREACHABLE]
        done.problem = ""
        done.broke("site", fault)
    done.found = _not_accepted(done.found, known)
    if not done.is_blank:
        remember(done, known)
    return done


def remember(done: Look, known: Baseline | None) -> None:
    """Write the baseline, where it may be written and is another one, and that the site was looked at."""
    if done.baseline and done.may_be_kept and done.baseline != known:
        baselines.write(done.instance, done.baseline)
    has_one = baselines.exists(done.instance) or bool(done.baseline and done.may_be_kept)
    earlier = watched.read(done.instance)
    watched.write(done.instance, len(done.found), done.problem, has_one or bool(earlier and earlier.has_baseline))


def _known(done: Look) -> Baseline | None:
    """Return the baseline; one that is not TRIM's, or was taken away, is a finding, and the site is looked at anew."""
    earlier = watched.read(done.instance)
    try:
        known = baselines.read(done.instance)
    except baselines.Broken as fault:
        done.may_be_kept = False
        done.finding(BASELINE, "baseline", f"{fault}. The site is compared with its release until a new one is "
                     f"accepted: make check INSTANCE={done.instance.name} ACCEPT=baseline")
        known = None
    else:
        if known is None and earlier and earlier.has_baseline:
            done.may_be_kept = False
            done.finding(BASELINE, "baseline", "was there at the last look, and is gone. The site is compared with its "
                         f"release until a new one is accepted: make check INSTANCE={done.instance.name} "
                         "ACCEPT=baseline")
    done.is_first = known is None
    return known


def _is_still_blank(instance: Instance) -> bool:
    """Whether a registered blank was never filled; a site that lost its files is none: its database has tables."""
    if not instance.db_name or probe.look_anyhow(instance).state not in ("empty", "missing"):
        return False
    with site.opened_target(instance) as found:
        return found.is_blank


def _probe(done: Look, known: Baseline | None = None) -> Probe:
    """Return what is in the web root, also where PHP is broken.

    Where its db/local.php does not say the account, that is a finding, and the files are compared with what is known
    all the same: whoever broke it may have changed more.
    """
    found = probe.look_anyhow(done.instance)
    if fault := probe.why_not_installed(done.instance, found):
        if not known or not found.is_tiki:
            raise fault
        done.broke("its database", fault)
    return found


def _release(done: Look, found: Probe, known: Baseline | None) -> Release | None:
    """Return what the site's release shipped, where it has to be asked for: first, and after TRIM changed the code."""
    if known and not known.is_stale:
        return None
    try:
        return watching_release.of_site(done.instance, found)
    except (HostError, CommandError) as fault:
        told = str(fault).removeprefix(f"{done.instance.name}: ")
        way = "" if known else f". To take everything as it is: make check INSTANCE={done.instance.name} ACCEPT=all"
        done.finding(BASELINE, "baseline", f"there is none to compare with: {told}{way}")
        return None


def _anew(done: Look, known: Baseline | None) -> None:
    """Look at a site for the first time, or after TRIM has changed it: one thing tells where the next is."""
    instance = done.instance
    if known is None and not done.found and _is_still_blank(instance):
        done.is_blank = True
        return
    found = _probe(done)
    done.release = _release(done, found, known)
    expected = watching_release.baseline(known or Baseline(), done.release) if done.release else known or Baseline()
    said = _database(done, expected, found)
    areas = watching_areas.of(*said.folders)
    raw, around = process.side_by_side(lambda: watching_tree.look(instance, expected, areas),
                                       lambda: watching_surroundings.findings(instance, found))
    done.found += around
    _judge(done, expected, areas, raw, said, found)


def _again(done: Look, known: Baseline) -> None:
    """Look at a site whose baseline stands: all at the same time."""
    instance = done.instance
    areas = watching_areas.of(known.folders, known.outside)

    def others() -> tuple[Probe, _Said]:
        found = _probe(done, known)
        said, around = process.side_by_side(lambda: _database(done, known, found),
                                            lambda: watching_surroundings.findings(instance, found))
        done.found += around
        return found, said

    raw, (found, said) = process.side_by_side(lambda: watching_tree.look(instance, known, areas), others)
    _judge(done, known, areas, raw, said, found)


def _judge(done: Look, known: Baseline, areas: Areas, raw: Raw, said: _Said, found: Probe) -> None:
    """Compare what was seen with what is expected; what is to be expected from now on goes into the look."""
    instance = done.instance
    done.tree = watching_tree.tree(instance, raw, known, areas, done.release)
    known = replace(known, files=watching_tree.resolved(instance, known, raw, done.tree.sums))
    compared = _compared(done, known, areas, raw)
    done.found += compared.found
    folders, database = said.folders[0], known.database
    if said.told is not None:
        done.database = said.told
        told, database = watching_database.compare(known, said.told)
        done.found += told
        if any("_dir" in one.name for one in told):
            folders = known.folders  # nothing becomes data by a preference that nobody accepted
    commit = _revision(done, found, known)
    is_settled = done.release is not None or not known.is_stale
    is_right = not any(one.kind in findings.OF_CODE for one in _not_accepted(compared.found, known)
                       if not watching_areas.is_apart(one.name, areas))
    done.baseline = replace(
        known, files=compared.files, database=database, folders=folders, outside=said.folders[1], commit=commit,
        harmless=frozenset(done.tree.sums[path] for path, why in done.tree.judged.items()
                           if not why and path in done.tree.sums),
        evidence=raw.evidence if is_right else "",
        moment=known.moment or datetime.now(UTC).isoformat(timespec="seconds"),
        is_stale=known.is_stale and not is_settled, is_replaced=known.is_replaced and not is_settled,
        is_database_stale=known.is_database_stale and said.told is None)


def _compared(done: Look, known: Baseline, areas: Areas, raw: Raw) -> Compared:
    if raw.is_known:
        return Compared(watching_files.compare_apart(known, done.tree, areas), known.files)
    if not known.files and done.release is None:
        done.may_be_kept = False  # nothing tells what is right
        return Compared([], {})
    return watching_files.compare(known, done.tree, areas, done.release)


def _database(done: Look, known: Baseline, tiki: Probe) -> _Said:
    """Return what the database says; what is known of folders, when it is closed, or nobody knows its account."""
    if probe.why_not_installed(done.instance, tiki):
        return _Said((known.folders, known.outside), None)
    try:
        with site.opened_as(done.instance, tiki) as found:
            outside = tuple(folder.path for folder in found.folders if not folder.contains_web_root)
            inside = watching_areas.own_folders(found, lambda: [path for path, one in known.files.items()
                                                                if one.origin == SHIPPED])
            return _Said((inside, outside), watching_database.read(found))
    except (DatabaseError, RegistryError, CommandError) as fault:
        done.broke("its database", fault)
        return _Said((known.folders, known.outside), None)


def _revision(done: Look, found: Probe, known: Baseline) -> str:
    """Return the commit to be expected from now on; one that TRIM did not bring is a finding."""
    if "git" not in found.checkouts:
        return known.commit
    try:
        done.commit = checkouts.head(done.instance.host, done.instance.web_root)
    except CommandError as fault:  # no git there, or what is left of a checkout: the files were compared all the same
        done.finding(REVISION, "revision", f"its git does not tell on which commit it stands: {fault}", NOT_TOLD)
        return known.commit
    if known.commit in ("", done.commit) or known.is_stale:
        return done.commit
    done.found.append(Finding(REVISION, "revision", f"its git stands on {done.commit[:checkouts.SHORT]}, and stood on "
                              f"{known.commit[:checkouts.SHORT]}", done.commit))
    return known.commit


def _not_accepted(found: Collection[Finding], known: Baseline | None) -> list[Finding]:
    accepted = known.accepted if known else {}
    return findings.ordered(one for one in found if not (one.state and accepted.get(one.key) == one.state))
