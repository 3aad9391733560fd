"""What check and watch compare a site with: each file as it shipped or was accepted, and who was administrator then.

It lies on the manager, sealed: whoever changes it without the key beside it is noticed. When TRIM itself changes a
site's code, `renew` only notes so; the next look takes the new release for what has to be there. So nothing becomes
right by lying there while TRIM worked: only what the release shipped, what was accepted before, and what TRIM wrote.
"""

import gzip
import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from scripts.errors import HostError
from scripts.hosts import process
from scripts.hosts.listing import FILE
from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.steps import baseline_form, release_files
from scripts.steps.baseline_form import ACCEPTED, FOUND, SHIPPED, UNKNOWN, Baseline, Expected
from scripts.tiki.permissions import Change
from scripts.tiki.privileges import Told

__all__ = ["ACCEPTED", "FOUND", "SHIPPED", "UNKNOWN", "Baseline", "Broken", "Expected", "accept", "agreeing", "exists",
           "follow", "follow_database", "follow_modes", "forget", "read", "renew", "renew_database", "sealed", "write"]

ENDING, KEY = ".baseline", ".key"
SEAL_DIGITS = 64


class Broken(HostError):
    """A baseline that somebody else than TRIM wrote, or that cannot be read."""


# On the disk

def read(instance: Instance) -> Baseline | None:
    """Return the baseline; None when there is none. Raises Broken when it is not what TRIM wrote."""
    path = file_of(instance)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    seal, packed = content[:SEAL_DIGITS], content[SEAL_DIGITS + 1:]
    if not hmac.compare_digest(seal, _seal(instance, packed).encode()):
        raise Broken(f"{path}: was not written by this TRIM, or was changed since, or its key {path.parent / KEY} was")
    try:
        return baseline_form.parsed(gzip.decompress(packed).decode("utf-8", "surrogateescape"))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise Broken(f"{path}: cannot be read: {error}") from error


def write(instance: Instance, baseline: Baseline) -> None:
    """Put a baseline in place of the one there is."""
    if process.conduct.dry_run:
        return
    packed = gzip.compress(baseline_form.text(baseline).encode("utf-8", "surrogateescape"), compresslevel=1, mtime=0)
    MANAGER.make_folder(str(_folder(instance)), 0o700)
    MANAGER.write(str(file_of(instance)), _seal(instance, packed).encode() + b"\n" + packed, 0o600)


def forget(instance: Instance) -> None:
    """Remove the baseline: the instance is another site from now on."""
    MANAGER.remove(str(file_of(instance)))


def exists(instance: Instance) -> bool:
    return file_of(instance).exists()


def sealed(instance: Instance, text: str) -> str:
    """Return what stands for a secret: nobody without the key learns from it what the secret is."""
    return "sealed " + hmac.new(_key(instance), text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


# After changes of TRIM's own

def renew(instance: Instance, written: Mapping[str, str] | None = None, *, is_whole: bool = False,
          source: str = "") -> None:
    """Let the next look ask anew which files the release has: TRIM has put other code in place.

    written are sums of files that TRIM made of ones that were right; `agreeing` tells those. is_whole: the whole tree
    was replaced. source names the instance whose tree it is now, when it is another one: what was accepted there is
    accepted here.
    """
    theirs = _of_other(instance, source)
    known = _known(instance) or (Baseline() if theirs else None)
    if known is None:
        return
    files, past = dict(known.files), dict(known.past)
    for path, one in (theirs.files.items() if theirs else ()):
        # A site keeps its own account and rules; the source's are right here as well, where they came along.
        if one.origin == SHIPPED or path in files or release_files.OWN.match(path):
            _add_past(past, path, {one.digest})
        else:
            files[path] = one
    for path, digest in (written or {}).items():
        _add_past(past, path, {digest})
    for path, digests in (theirs.past.items() if theirs else ()):
        _add_past(past, path, digests)
    if is_whole:
        files = {path: one._replace(mode=UNKNOWN, owner=UNKNOWN, group=UNKNOWN) for path, one in files.items()}
    changed = replace(known, files=files, past=past, is_stale=True, is_replaced=known.is_replaced or is_whole)
    if theirs:
        changed = replace(changed, accepted={**theirs.accepted, **known.accepted},
                          harmless=known.harmless | theirs.harmless)
    write(instance, changed)


def renew_database(instance: Instance, loaded: Told, now: Told, source: str = "") -> None:
    """Let the next look take a database that TRIM has loaded: what was right before in it, here or at its source.

    loaded is what it held at first, now what it holds since TRIM wrote into it.
    """
    theirs = _of_other(instance, source)
    known = _known(instance) or (Baseline() if theirs else None)
    if known is None:
        return
    written = {name: value for name, value in now.items() if loaded.get(name) != value}
    told = [known.database or {}, *([theirs.database or {}] if theirs else []), written]
    write(instance, replace(known, database_past=_with_past(known, told), is_database_stale=True))


def agreeing(instance: Instance, texts: Mapping[str, bytes | None]) -> set[str]:
    """Return the paths at which what is there, as given here (None for no file), is what the baseline expects."""
    known = _known(instance)
    if known is None:
        return set()
    found = set()
    for path, text in texts.items():
        one = known.files.get(path)
        if one is None or text is None:
            found |= {path} if one is None and text is None else set()
        elif one.kind == FILE and release_files.digest(text, one.digest) == one.digest:
            found.add(path)
    return found


def follow(instance: Instance, before: Mapping[str, bytes | None], after: Mapping[str, bytes | None]) -> None:
    """Let files that TRIM wrote be right, where what was there before was right too."""
    right = agreeing(instance, before)
    accept(instance, {path: None if text is None else hashlib.sha256(text).hexdigest()
                      for path, text in after.items() if path in right})


def accept(instance: Instance, digests: Mapping[str, str | None]) -> None:
    """Let files of these sha256 be right, and the absence of those with None: another verb made it so on purpose."""
    known = _known(instance)
    if known is None or not digests:
        return
    files, past = dict(known.files), dict(known.past)
    for path, digest in digests.items():
        before = files.pop(path, None)
        _add_past(past, path, {before.digest} if before else set())
        if digest is not None:
            kept = before[1:4] if before and before.kind == FILE else (UNKNOWN,) * 3
            files[path] = Expected(FILE, *kept, "", digest, ACCEPTED)
    write(instance, replace(known, files=files, past=past))


def follow_modes(instance: Instance, changes: Iterable[Change]) -> None:
    """Let modes and owners be right that TRIM has given."""
    known, changes = _known(instance), list(changes)
    if known is None or not changes:
        return
    files = dict(known.files)
    for change in changes:
        one = files.get(change.entry.path)
        if one is None:
            continue
        mode = f"{change.mode:o}" if change.mode is not None else one.mode
        owner, group = (UNKNOWN, UNKNOWN) if change.owner else (one.owner, one.group)
        files[change.entry.path] = one._replace(mode=mode, owner=owner, group=group)
    write(instance, replace(known, files=files))


def follow_database(instance: Instance, before: Told, after: Told) -> None:
    """Let what TRIM has changed in the database be right, where it was right before."""
    known = _known(instance)
    if known is None or known.database is None or before == after:
        return
    changed = dict(known.database)
    for name in before.keys() | after.keys():
        if before.get(name) == after.get(name) or changed.get(name) != before.get(name):
            continue
        changed.pop(name, None)
        if name in after:
            changed[name] = after[name]
    write(instance, replace(known, database=changed, database_past=_with_past(known, [known.database])))


def _with_past(known: Baseline, told: Iterable[Told]) -> dict[str, tuple[str, ...]]:
    past = {name: set(values) for name, values in known.database_past.items()}
    for name, value in (item for one in told for item in one.items()):
        past.setdefault(name, set()).add(value)
    return {name: tuple(sorted(values)) for name, values in past.items()}


def _of_other(instance: Instance, source: str) -> Baseline | None:
    return _known(replace(instance, name=source)) if source and source != instance.name else None


def _known(instance: Instance) -> Baseline | None:
    """Return what can be built upon; a broken one stays as it is, and is a finding."""
    if process.conduct.dry_run:
        return None
    try:
        return read(instance)
    except Broken:
        return None


def _add_past(past: dict[str, frozenset[str]], path: str, digests: Collection[str]) -> None:
    if found := frozenset(filter(None, digests)) - past.get(path, frozenset()):
        past[path] = past.get(path, frozenset()) | found


# The seal

def _seal(instance: Instance, packed: bytes) -> str:
    return hmac.new(_key(instance), instance.name.encode() + b"\n" + packed, hashlib.sha256).hexdigest()


def _key(instance: Instance) -> bytes:
    """Return the key of all baselines, made once."""
    path = _folder(instance) / KEY
    if not path.exists() and not process.conduct.dry_run:
        MANAGER.make_folder(str(path.parent), 0o700)
        MANAGER.write(str(path), secrets.token_hex(32).encode(), 0o600)
    return path.read_bytes() if path.exists() else b""


def _folder(instance: Instance) -> Path:
    return instance.settings.state / "baselines"


def file_of(instance: Instance) -> Path:
    """Return where the baseline of an instance lies."""
    return _folder(instance) / f"{instance.name}{ENDING}"
