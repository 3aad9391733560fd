"""Prepared trees: the complete code of a version in CACHE_DIR/trees/VERSION, made once and copied many times.

One commit of a branch has a tree of its own, trees/24.x@COMMIT: the branch's tree is always its newest code.

Files that two trees have in common are one file with two names. Nobody may write into them: the folder is open
to our own account alone, this module changes nothing under a final name, and sites get copies by rsync, which
writes a new file and renames it. `check` finds out whether all held to it.

A tree counts when its folder and its VERSION.json are there and agree; the rename of the folder comes last.
"""

import dataclasses
import json
import re
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.code import build, inventory, mirror, obtain, sources, unpack, words
from scripts.code.obtain import Material
from scripts.code.words import RELEASE, Word
from scripts.errors import ArchiveError, Fault, RefusedError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.registry import locks
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings

VERSION_FILE = "lib/setup/twversion.class.php"
VERSION = re.compile(r"^\s*\$this->version\s*=\s*(['\"])(.*?)\1", re.MULTILINE)
CONFIGURATION = "db/local.php"
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
COMPARED_WITH = 3       # trees whose files a new one may share: the nearest versions have nearly all there is
KEPT_COMMITS = 2         # trees of single commits of a branch that stay in any case

Tell = Callable[[str], None]


@dataclass(frozen=True)
class PreparedTree:
    """One tree. name is the word it was prepared for (of one commit 24.x@COMMIT), version what its own code says.

    moment is UTC in ISO form, identity the commit or the release file's sha256; in a dry run of what is not
    prepared yet, files and bytes are 0.
    """

    path: Path
    name: str
    version: str
    files: int
    bytes: int
    origin: str = ""
    identity: str = ""
    moment: str = ""
    digest: str = ""
    shared_bytes: int = 0

    @property
    def commit(self) -> str:
        """The commit of code from git; empty for a release file or a folder."""
        return self.identity if COMMIT.fullmatch(self.identity) else ""

    @property
    def is_of_commit(self) -> bool:
        """Whether it was prepared for one commit, not for a version word."""
        return "@" in self.name

    @property
    def sums(self) -> Path:
        """The place beside it for the sums of its files, which who needs them computes once."""
        return self.path.with_name(f"{self.name}.sums")

    @property
    def lock(self) -> Lock:
        """The lock to hold while the tree is copied: nobody replaces it then."""
        return _lock(self.name, exclusive=False)


def tree(settings: Settings, version: str) -> PreparedTree | None:
    """Return a prepared tree, or None when there is none, or one that is not whole at a glance."""
    return _read(_place(settings, words.parse(version).text))


def forget(settings: Settings, one: PreparedTree, verb: str) -> None:
    """Remove a tree that nobody needs any more; raise BusyError while another run copies it."""
    with locks.hold(settings, [_lock(one.name, exclusive=True)], verb):
        if one.is_of_commit and one.commit:
            mirror.forget_commit(settings, one.commit, verb)
        MANAGER.remove(str(_note(one.path)), str(one.sums))
        MANAGER.remove_tree(str(one.path))


def all_trees(settings: Settings, names: str = "*") -> list[PreparedTree]:
    """Return every prepared tree whose name is like this pattern."""
    found = [_read(path.with_suffix("")) for path in sorted((settings.cache / "trees").glob(f"{names}.json"))]
    return [one for one in found if one]


def spare(settings: Settings, name: str, used: Collection[str]) -> list[PreparedTree]:
    """Return the trees of single commits of the branch that a tree is of, which nobody needs.

    The newest few stay, that one, and those of commits that are in use.
    """
    branch, mark, _ = name.partition("@")
    found = all_trees(settings, f"{branch}@*") if mark else []
    found.sort(key=lambda one: one.moment, reverse=True)
    return [one for one in found[KEPT_COMMITS:] if one.name != name and one.commit not in used]


def check(one: PreparedTree) -> None:
    """Hash every file again; raise ArchiveError when the tree is no longer what was prepared."""
    found = inventory.take(one.path)
    if found.digest != one.digest:
        raise ArchiveError(f"{one.path}: something was changed in it since it was prepared ({one.files} files then, "
                           f"{found.files} now). Next: "
                           + (f"rm -r {shlex.quote(str(one.path))}; who needs it makes it again" if one.is_of_commit
                              else f"make prepare VERSION={one.name} FORCE=1"))


def prepared(settings: Settings, version: str, source: str | None = None, *, commit: str = "", force: bool = False,
             verb: str = "prepare", tell: Tell = lambda line: None) -> PreparedTree:
    """Return the complete tree of a version, made now when it is not there; of a branch, the newest code.

    source is a folder or a release file that holds the code; commit, as revisions.resolve gives it, is one of a branch,
    which is prepared as it was then. verb is named to those who come meanwhile. Raises BusyError when another run makes
    or copies this tree.
    """
    word = words.at(words.parse(version), commit) if commit else words.parse(version)
    found = _read(_place(settings, word.text))
    is_settled = word.kind == RELEASE or bool(found and commit and found.identity == commit)
    if found and is_settled and not source and not force:
        tell(f"{word}: there already, Tiki {found.version} from {found.origin}")
        return found
    if process.conduct.dry_run:
        return _plan(settings, word, source, found, tell)
    MANAGER.make_folder(str(settings.cache / "trees"), 0o700)
    with locks.hold(settings, [_lock(word.text, exclusive=True)], verb):
        try:
            material = _material(settings, word, source, verb, tell)
        except Fault as fault:
            if not found or source or force or commit:
                raise
            tell(f"{word}: {fault}. Taken as it was prepared {found.moment}")
            return found
        if found and material.identity and material.identity == found.identity and not force:
            tell(f"{word}: there already and nothing new, Tiki {found.version} from {found.origin}")
            return found
        return _made(settings, word, material, tell)


def _material(settings: Settings, word: Word, source: str | None, verb: str, tell: Tell) -> Material:
    if source:
        return obtain.obtain(settings, sources.given(settings, word, source), verb)
    if word.commit:
        return obtain.of_commit(settings, word, verb)
    return sources.first(settings, word, lambda offer: obtain.obtain(settings, offer, verb), tell)


def _plan(settings: Settings, word: Word, source: str | None, found: PreparedTree | None, tell: Tell) -> PreparedTree:
    """Say where a version would come from."""
    if word.commit:
        place = f"{settings.git_remote} {word.commit}"
    elif source:
        place = sources.given(settings, word, source).place
    else:
        place = sources.first(settings, word, lambda one: one, tell).place
    path = _place(settings, word.text)
    tell(f"would: prepare {path} from {place}")
    return found or PreparedTree(path, word.text, word.text, 0, 0, place, word.commit)


def _made(settings: Settings, word: Word, material: Material, tell: Tell) -> PreparedTree:
    """Build a tree beside its final name and put it there when it is complete."""
    _refuse_site(Path(material.offer.place), material.origin)  # a folder, before all of it is copied
    final = _place(settings, word.text)
    partial = final.with_name(f"{word}.partial")
    MANAGER.remove_tree(str(partial))  # left by a run that was ended
    MANAGER.make_folder(str(partial), 0o700)
    try:
        tell(f"{word}: unpacks {material.origin}")
        material.unpack(partial)
        top = unpack.top_of(partial)
        version = _version(top, word, material, tell)
        build.complete(settings, top, lambda line: tell(f"{word}: {line}"))
        MANAGER.run("chmod", "-R", "a-st,u=rwX,go=rX", "--", str(top))
        taken = inventory.take(top)
        shared = inventory.share(top, _neighbours(settings, word))
        made = PreparedTree(final, word.text, version, taken.files, taken.size_bytes, material.origin,
                            material.identity, datetime.now(UTC).isoformat(timespec="seconds"), taken.digest, shared)
        MANAGER.run("sync", "-f", "--", str(top))
        _commit(top, made)
    finally:
        MANAGER.remove_tree(str(partial))
    return made


def _commit(top: Path, made: PreparedTree) -> None:
    """Give a tree its name. Without its json a folder counts for nothing, so the old one's goes first."""
    note, old = _note(made.path), made.path.with_name(f"{made.name}.partial-old")
    MANAGER.remove(str(note))
    MANAGER.remove_tree(str(old))
    if made.path.exists():
        MANAGER.rename(str(made.path), str(old))
    values = dataclasses.asdict(made) | {"path": made.path.name}
    MANAGER.write(str(note), (json.dumps(values, indent=1) + "\n").encode("utf-8", "surrogateescape"))
    MANAGER.rename(str(top), str(made.path))
    MANAGER.sync(str(note))
    MANAGER.remove_tree(str(old))


def _version(top: Path, word: Word, material: Material, tell: Tell) -> str:
    """Return what the code says it is; raise when it is no Tiki, a living site, or another series."""
    try:
        found = VERSION.search((top / VERSION_FILE).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = None
    if not found:
        raise ArchiveError(f"{material.origin}: this is not a Tiki: no version stands in {VERSION_FILE}")
    _refuse_site(top, material.origin)
    version = found[2].strip()
    if not word.holds(words.numbers(version)):
        raise ArchiveError(f"{material.origin}: its code says it is Tiki {version}, which is not {word}. Give the "
                           "VERSION that it is, or another source")
    if material.offer.word.kind == RELEASE and version != material.offer.word.text:
        tell(f"{word}: its code says it is {version}")
    return version


def _refuse_site(top: Path, origin: str) -> None:
    if (top / CONFIGURATION).exists():
        raise RefusedError(f"{origin}: this is a site, not a release: it holds {CONFIGURATION}, and whatever its users "
                           "put there. Give a release or a fresh checkout")


def _neighbours(settings: Settings, word: Word) -> list[Path]:
    """Return the trees that most files can be shared with: the one to be replaced, then the nearest versions."""
    def distance(one: PreparedTree) -> tuple[bool, list[float]]:
        other = words.of_tree(one.name)
        return (one.name != word.text, [abs(own - its) for own, its in zip(word.finite_order, other.finite_order)])
    return [one.path for one in sorted(all_trees(settings), key=distance)[:COMPARED_WITH]]


def _read(path: Path) -> PreparedTree | None:
    try:
        values = json.loads(_note(path).read_text(encoding="utf-8", errors="surrogateescape"))
        found = PreparedTree(**(values | {"path": path}))
        return found if inventory.glance(path) == (found.files, found.bytes) else None
    except (OSError, ValueError, TypeError):
        return None


def _place(settings: Settings, name: str) -> Path:
    return settings.cache / "trees" / name


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _lock(name: str, exclusive: bool) -> Lock:
    # A dot is in no instance's name: nothing else is called like that.
    return Lock(f"{name}.tree", exclusive)
