"""The two sides of a mod that is being worked on: its sources in the collection, its files in a site's tree."""

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from scripts.errors import ArchiveError, RefusedError, UsageError
from scripts.hosts import process
from scripts.mods import names
from scripts.mods.parts import FileLine
from scripts.registry.instance import Instance
from scripts.steps import mods_collection, mods_places, mods_samples, mods_state, mods_steps, patch_writing
from scripts.steps.mods_state import State
from scripts.tiki.expected import is_secret_file

SAME, DIFFERS, ONLY_HERE, ONLY_THERE, NOWHERE = ("the same", "differs", "only in the collection", "only in the site",
                                                 "nowhere")
COLUMNS = {"mod": "Mod", "target": "File of the site", "source": "Source in the collection", "state": "State"}


@dataclass(frozen=True)
class Pair:
    """One file of a mod: source as it would come into the site, target as it is there; None for none."""

    mod: str
    line: FileLine
    source: bytes | None = field(repr=False)
    target: bytes | None = field(repr=False)

    @property
    def state(self) -> str:
        if self.source is None or self.target is None:
            return NOWHERE if self.source is self.target else ONLY_HERE if self.target is None else ONLY_THERE
        return SAME if self.source == self.target else DIFFERS

    @property
    def row(self) -> dict[str, object]:
        return {"mod": self.mod, "target": self.line.target, "source": self.line.source, "state": self.state}


def pairs(instance: Instance, mod: str) -> list[Pair]:
    """Return the files of the mods that MOD= means; without it, of all that are installed and in the collection."""
    state, local = mods_state.read(instance), mods_collection.local(instance.settings)
    chosen = names.select(mod, local, "the collection") if mod else sorted(set(state.mods) & set(local))
    return [pair for name in chosen for pair in _of(instance, state, name)]


def _of(instance: Instance, state: State, mod: str) -> Iterator[Pair]:
    control = mods_collection.local(instance.settings)[mod]
    if wrong := [line.target for line in control.files if names.fault_of_path(line.target)]:
        raise RefusedError(f"{mod}: {wrong[0]}: {names.fault_of_path(wrong[0])}. Nothing was changed. Next: make "
                           f"mods-lint MOD={mod}")
    _refuse_own(instance, state, mod, [line.target for line in control.files])
    texts = patch_writing.read(instance, tuple(dict.fromkeys(line.target for line in control.files)))
    answers = state.answers_of(mod)
    for line in control.files:
        yield Pair(mod, line, _source(instance, line, answers), texts[line.target])


def _refuse_own(instance: Instance, state: State, mod: str, targets: Iterable[str]) -> None:
    """Raise RefusedError for what is the site's own, whoever names it: it may be a password, and a collection is for
    others to read. A mod may bring keys; only its own, as they were installed, are taken.
    """
    for path in targets:
        if why := mods_places.closed(path):
            raise RefusedError(f"{instance.name}: {path} of {mod}: {why}. Nothing was changed")
        if is_secret_file(path) and state.owner(path) != mod:
            raise RefusedError(f"{instance.name}: {path} of {mod}: by its name it holds a password or a key, and it "
                               "was not installed with this mod. Nothing was changed")


def _source(instance: Instance, line: FileLine, answers: Mapping[str, str]) -> bytes | None:
    if why := names.fault_of_source(line.source):
        raise RefusedError(f"{line.source}: {why}. Nothing was changed")
    try:
        text, _ = mods_steps.read_source(mods_collection.folder(instance.settings), line.source)
    except ArchiveError as fault:
        if isinstance(fault.__cause__, FileNotFoundError):
            return None
        raise
    return mods_samples.filled(text, line.target, answers) if line.is_sample else text


def difference(pair: Pair) -> list[str]:
    """Return what mods-copy would bring into the collection, as a unified difference."""
    if pair.state not in (DIFFERS, ONLY_HERE, ONLY_THERE):
        return []
    sides = [(text or b"").decode("utf-8", "surrogateescape") for text in (pair.source, pair.target)]
    if any("\0" in side for side in sides):
        return [f"{pair.line.target}: {pair.state}, and is no text"]
    labels = [f"collection/{pair.line.source}" if pair.source is not None else "/dev/null",
              f"site/{pair.line.target}" if pair.target is not None else "/dev/null"]
    lines = difflib.unified_diff(*(side.splitlines() for side in sides), *labels, lineterm="")
    return [line.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for line in lines]


def remember(instance: Instance, written: Iterable[Pair]) -> None:
    """Let the state know what was put into the site of mods that are installed."""
    state, mods = mods_state.read(instance), {}
    for pair in written:
        known = mods.get(pair.mod) or state.mods.get(pair.mod)
        if known and pair.line.target in known.files:
            digest = hashlib.sha256(pair.source).hexdigest()
            mods[pair.mod] = replace(known, files={**known.files, pair.line.target: digest})
    if mods and not process.conduct.dry_run:
        mods_state.write(instance, replace(state, mods={**state.mods, **mods}))


def require_mod(mod: str, instance: Instance) -> None:
    """Raise UsageError without MOD=."""
    if not mod:
        raise UsageError(f"MOD= is missing: which mod? What there is says: make mods-diff INSTANCE={instance.name}")
