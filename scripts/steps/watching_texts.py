"""What is in a file that check found, against what shipped or was archived last; and putting that back.

Texts go to the terminal alone, never into a log, and those that hold passwords nowhere.
"""

import hashlib
import posixpath
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.errors import CommandError, Fault, HostError, RefusedError, UsageError
from scripts.hosts import listing, process, transfer
from scripts.hosts.listing import FILE, FOLDER, LINK
from scripts.hosts.local import MANAGER
from scripts.hosts.summing import Seen
from scripts.present import output
from scripts.registry import locks
from scripts.registry.env_file import nearest
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.steps import base_texts, baselines, patch_files, patch_writing, site, watching_files, watching_release
from scripts.steps.baselines import ACCEPTED, UNKNOWN, Expected
from scripts.steps.comparing_texts import BINARY_LOOK, TEXT_LIMIT, TextDiff, lines
from scripts.steps.differences import visible
from scripts.steps.watching import Look
from scripts.store import archive, contents

STAMP = "%Y-%m-%d_%H-%M-%S"


@dataclass(frozen=True)
class Before:
    """What was in a file, and where that is from; the text is None when it is to be had nowhere."""

    text: bytes | None
    place: str = ""


def show(done: Look, wanted: str) -> None:
    """Show in what a file differs from what shipped, was accepted, or was archived last."""
    path = wanted.removeprefix("./")
    instance = done.instance
    expected, seen = _both(done, path)
    if watching_files.is_secret(path):
        output.say(f"{instance.name}: {visible(path)} holds a password or a key, and is not shown")
        return
    now = _present(instance, path, seen)
    before = _before(done, path, expected) if expected is None or expected.kind == FILE else Before(None)
    odd = [text for text in (now, before.text) if text is not None and (b"\0" in text[:BINARY_LOOK]
                                                                       or len(text) > TEXT_LIMIT)]
    if odd or expected and expected.kind == LINK or seen and seen.kind != FILE:
        output.say(f"{instance.name}: {visible(path)}: is {_told(seen, now)}; was {_told_before(expected, before)}")
        return
    if before.text is None:
        output.say(f"{instance.name}: {visible(path)}: neither its release nor an archive has this file; all of it is "
                   "new")
    diff = TextDiff(path, None if before.text is None else lines(before.text), None if now is None else lines(now))
    for line in diff.unified((before.place or "nothing", f"{instance.name} now")):
        output.tell_secret(line)


def restore(done: Look, wanted: str) -> dict[str, object]:
    """Put back what was at a path, verify it, and return from where it came and where the replaced file is kept now.

    Raises RefusedError for what never was there by the release, an archive or an acceptance.
    """
    instance, path = done.instance, wanted.removeprefix("./")
    expected, seen = _both(done, path)
    if seen and seen.kind == FOLDER and (expected is None or expected.kind != FOLDER):
        raise RefusedError(f"{instance.name}: {visible(path)} is a folder now. Nothing was changed. Move it away first")
    is_link = expected is not None and expected.kind == LINK
    is_same = bool(expected and seen and expected.kind == seen.kind and _agrees(done, path, expected))
    before = Before(None) if is_link or is_same else _to_be_put(done, path, expected)
    kept = "" if is_same else _keep(instance, path, seen)
    if is_link:
        before = Before(None, "the link that was expected")
        instance.host.run("ln", "-sfnT", "--", expected.target, f"{instance.web_root}/{path}")
    elif is_same:
        before = Before(None, "its mode and owner as they were")
    else:
        _put(instance, path, expected, seen, before.text)
    place = before.place
    _give(instance, path, expected)
    if not process.conduct.dry_run:
        _verify(instance, path, expected)
    output.say(f"{instance.name}: {visible(path)} is back: {place}"
               + (f"; what was there is kept in {kept}" if kept else ""))
    return {"from": place, "kept": kept}


def _both(done: Look, path: str) -> tuple[Expected | None, Seen | None]:
    """Return what has to be at a path and what is; raise UsageError when nothing is known of it."""
    expected = done.baseline.files.get(path) if done.baseline else None
    seen = (done.tree.seen.get(path) or done.tree.loose.get(path)) if done.tree else None
    if expected is None and seen is None:
        names = [one.name for one in done.found]
        raise UsageError(f"{done.instance.name}: {path}: there is no such file, and there should be none"
                         f"{nearest(path, names)}. A path is read from the web root")
    return expected, seen


def _agrees(done: Look, path: str, expected: Expected) -> bool:
    return expected.kind == FOLDER or (done.tree.instead.get(path) or done.tree.sums.get(path)) == expected.digest


# The texts

def _present(instance: Instance, path: str, seen: Seen | None) -> bytes | None:
    if seen is None or seen.kind != FILE:
        return None
    root, name = ("/", path[1:]) if path.startswith("/") else (instance.web_root, path)
    return listing.contents(instance.host, root, [name]).get(name)


def _before(done: Look, path: str, expected: Expected | None) -> Before:
    """Return what was in a file: as it shipped, or where it was accepted as the last archive has it."""
    if (expected is None or expected.origin != ACCEPTED) and (shipped := _shipped(done, path)).text is not None:
        return shipped
    archived = _archived(done.instance, path)
    if archived.text is not None or expected is None or expected.origin != ACCEPTED:
        return archived
    return _shipped(done, path)


def _shipped(done: Look, path: str) -> Before:
    """Return what the release has at a path."""
    try:
        with site.opened_anyhow(done.instance) as found:
            release = done.release or watching_release.of_site(done.instance, found.probe)
            now = {path: text} if (text := _present(done.instance, path, done.tree.seen.get(path))) is not None else {}
            texts = base_texts.find(found, release, [path], now, patch_files.registered(done.instance))
    except Fault as fault:
        output.say(f"{done.instance.name}: what its release has is not known: {fault}")
        return Before(None)
    return Before(texts.get(path), f"Tiki {release.version} as it shipped")


def _archived(instance: Instance, path: str) -> Before:
    """Return what the newest verified archive has at a path of the web root."""
    for one in archive.of_instance(instance.settings, instance.name):
        if not one.record or not one.record.verified or path.startswith("/"):
            continue
        if process.conduct.dry_run:
            return Before(None)
        with locks.hold(instance.settings, [Lock(one.path.name, exclusive=False)], "check"):
            app = next(part for part in contents.parts(one) if part.kind == contents.APP)
            inside = posixpath.join(app.folder, path)
            text = contents.files(one, [inside]).get(inside)
        return Before(text, one.path.name)
    return Before(None)


def _told(seen: Seen | None, now: bytes | None) -> str:
    if seen is None:
        return "not there"
    return f"a link to {visible(seen.target)}" if seen.kind == LINK else _figures(now)


def _told_before(expected: Expected | None, before: Before) -> str:
    if expected and expected.kind == LINK:
        return f"a link to {visible(expected.target)}"
    return _figures(before.text) + (f" ({before.place})" if before.place else "")


def _figures(text: bytes | None) -> str:
    return "not there" if text is None else f"{len(text)} bytes, sha256 {hashlib.sha256(text).hexdigest()}"


# Putting back

def _to_be_put(done: Look, path: str, expected: Expected | None) -> Before:
    """Return what is to be put at a path; raise RefusedError when that is to be had nowhere."""
    instance, before = done.instance, _before(done, path, expected)
    if before.text is None:
        raise RefusedError(f"{instance.name}: neither its release nor its last verified archive has {visible(path)}. "
                           "Nothing was changed. If it must not be there, remove it on its host: it lies in "
                           f"{instance.web_root}")
    if expected and expected.digest not in ("", hashlib.sha256(before.text).hexdigest()):
        output.warn(f"{instance.name}: {visible(path)}: {before.place} has another content than was accepted")
    return before


def _put(instance: Instance, path: str, expected: Expected | None, seen: Seen | None, text: bytes) -> None:
    if seen and seen.kind != FILE:
        instance.host.remove(f"{instance.web_root}/{path}")
        seen = None
    patch_writing.write(instance, {path: None if seen is None else b""}, {path: text})
    digest = hashlib.sha256(text).hexdigest()
    if not expected or expected.digest != digest:
        baselines.accept(instance, {path: digest})


def _give(instance: Instance, path: str, expected: Expected | None) -> None:
    """Give a file the mode and owner it had, as far as that is known and this account may."""
    place, host = f"{instance.web_root}/{path}", instance.host
    if expected is None or expected.kind == LINK:
        return
    if expected.owner != UNKNOWN and transfer.is_root_at(host):
        host.run("chown", "-h", f"{expected.owner}:{expected.group}", "--", place)
    if expected.mode != UNKNOWN:
        host.run("chmod", expected.mode, "--", place)


def _keep(instance: Instance, path: str, seen: Seen | None) -> str:
    """Keep what will be replaced on the manager and return where; a link's target stands in a file."""
    if seen is None or seen.kind not in (FILE, LINK) or process.conduct.dry_run:
        return ""
    text = seen.target.encode("utf-8", "surrogateescape") if seen.kind == LINK else _present(instance, path, seen)
    if text is None:
        raise HostError(f"{instance.name}: {visible(path)} cannot be read, so it cannot be kept. Nothing was changed")
    moment = datetime.now(UTC).astimezone().strftime(STAMP)
    place = instance.settings.state / "replaced" / instance.name / moment / path.lstrip("/")
    MANAGER.make_folder(str(place.parent), 0o700)
    MANAGER.write(str(place), text, 0o600)
    return str(place)


def _verify(instance: Instance, path: str, expected: Expected | None) -> None:
    """Raise CommandError when what is there now is not of the kind and mode that was put there."""
    entry = listing.named(instance.host, instance.web_root, [path]).get(path)
    wanted = expected.kind if expected else FILE
    if entry is None or entry.kind != wanted or wanted == LINK and entry.target != expected.target or \
            wanted != LINK and expected and expected.mode not in (UNKNOWN, entry.mode):
        raise CommandError(f"[{instance.host.name}] {visible(path)}: is not what was put there. Is somebody else "
                           "changing it?")
