"""Puts changed texts in the place of a site's files: all of them, or none.

Before the first one is written, what was there and what is to be there lie in a note on the manager; the next run puts
back what one that was killed has written. What somebody else has put there since stays.
"""

import base64
import json
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from scripts.errors import CommandError, Fault, RefusedError
from scripts.hosts import process, transfer
from scripts.hosts.listing import FILE, LINK
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import baselines, local_files, patch_files, unpacking
from scripts.steps.patch_files import Texts
from scripts.tiki import guard, small_files
from scripts.tiki.small_files import OwnersLost, SmallFile

NOTE = ".changing.json"
NEW_MODE = 0o644


def read(instance: Instance, paths: tuple[str, ...]) -> Texts:
    """Return the texts of files, None for those that are not there.

    Raises RefusedError for a link on the way to one, or in its place: what it leads to may be anybody's.
    """
    entries, behind = local_files.look(instance, paths)
    odd = sorted(behind | {path for path in paths if path in entries and entries[path].kind != FILE})
    if odd:
        what = "a link, or lies behind one" if odd[0] in behind or entries[odd[0]].kind == LINK else "no file"
        raise RefusedError(f"{instance.name}: {odd[0]} is {what}, and is not changed by a patch. Nothing was changed")
    there = [path for path in paths if path in entries]
    found = local_files.texts(instance, there)
    if lacking := [path for path in there if path not in found]:
        raise RefusedError(f"{instance.name}: {lacking[0]} may not be read by this account. Nothing was changed. Next: "
                           f"make fix INSTANCE={instance.name}")
    return {path: found.get(path) for path in paths}


def write(instance: Instance, before: Mapping[str, bytes | None], after: Mapping[str, bytes | None]) -> list[str]:
    """Make files what they are to be, and return those that changed; a fault puts all back as it was."""
    changed = {path: text for path, text in after.items() if text != before.get(path)}
    if process.conduct.dry_run:
        return sorted(changed)
    earlier = {path: before.get(path) for path in changed}
    _begin(instance, earlier, changed)
    try:
        _put(instance, changed)
        if read(instance, tuple(changed)) != changed:
            raise CommandError(f"{instance.name}: the files are not what was written. Is somebody else changing them?")
    except BaseException as fault:
        raise _put_back(instance, earlier, fault) from fault
    _end(instance)
    baselines.follow(instance, earlier, changed)
    return sorted(changed)


def unfinished(instance: Instance) -> Texts:
    """Return what was in the files that a killed run may have changed in part; nothing as a rule."""
    return {path: before for path, (before, _) in _noted(instance).items()}


def mend(instance: Instance) -> None:
    """Put back what a killed run has changed in part; what is not its work, as after a restore, is left and named."""
    noted = _noted(instance)
    if not noted:
        return
    now = _present(instance, tuple(noted))
    ours = {path: before for path, (before, after) in noted.items()
            if path in now and now[path] != before and _is_of(now[path], after)}
    others = [path for path, (before, _) in noted.items()
              if path not in ours and (path not in now or now[path] != before)]
    if ours:
        output.say(f"{instance.name}: a change of {local_files.some(ours)} broke off; what was there is put back first")
    if others:
        output.warn(f"{instance.name}: {local_files.some(others)}: changed by something else since then, and left as "
                    "it is")
    if not process.conduct.dry_run:
        _put(instance, ours)
        _end(instance)


def _is_of(now: bytes | None, after: bytes | None) -> bool:
    """Whether a file is what a killed run was to make of it, or the beginning of that."""
    return now is after is None or (now is not None and after is not None and after.startswith(now))


def _present(instance: Instance, paths: tuple[str, ...]) -> Texts:
    """Return the texts of files, None for those that are not there; without those that are no files, or unreadable."""
    entries, behind = local_files.look(instance, paths)
    free = [path for path in paths if path not in behind]
    found = local_files.texts(instance, [path for path in free if path in entries and entries[path].kind == FILE])
    return {path: found.get(path) for path in free if path in found or path not in entries}


def _noted(instance: Instance) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Return what was in each file of a change that did not end, and what was to be there."""
    try:
        kept = json.loads(_note(instance).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {path: tuple(None if text is None else base64.b64decode(text) for text in texts)
            for path, texts in kept.items()}


def _begin(instance: Instance, before: Texts, after: Texts) -> None:
    kept = {path: [None if text is None else base64.b64encode(text).decode() for text in (before[path], after[path])]
            for path in before}
    MANAGER.make_folder(str(_note(instance).parent), 0o700)
    MANAGER.write(str(_note(instance)), json.dumps(kept).encode(), 0o600)


def _end(instance: Instance) -> None:
    MANAGER.remove(str(_note(instance)))


def _note(instance: Instance) -> Path:
    return patch_files.folder(instance) / NOTE


def _put_back(instance: Instance, earlier: Texts, fault: BaseException) -> BaseException:
    """Undo what was done and return what is to be raised."""
    try:
        _put(instance, earlier)
        _end(instance)
    except Fault as second:
        output.warn(f"{instance.name}: putting back failed too: {second}. The next make patch INSTANCE={instance.name} "
                    "that changes something tries again")
        return fault
    return unpacking.with_next_step(fault, "What was there before was put back") if isinstance(fault, Fault) else fault


def _put(instance: Instance, texts: Texts) -> None:
    """Write and remove files, a folder at a time; each keeps its mode and owner."""
    host, web_root = instance.host, instance.web_root
    by_folder: dict[str, dict[str, bytes]] = defaultdict(dict)
    for path, text in texts.items():
        if text is not None:
            by_folder[os.path.dirname(path)][os.path.basename(path)] = text
    for folder, files in sorted(by_folder.items()):
        _make_folders(instance, folder)
        place = os.path.join(web_root, folder).rstrip("/")
        present = small_files.read(host, place, sorted(files))
        wanted = {name: _new(present, folder, name, text) for name, text in files.items()}
        try:
            small_files.put(host, place, wanted)
        except OwnersLost:
            small_files.put(host, place, wanted, keep_owners=False)
    gone = [f"{web_root}/{path}" for path, text in texts.items() if text is None]
    if gone:
        host.remove(*gone)


def _new(present: Mapping[str, SmallFile], folder: str, name: str, text: bytes) -> SmallFile:
    """Return a file with a new content; under the maintenance page an entrance stays closed."""
    top, now = present["."], str(int(time.time()))
    known = present.get(name) or SmallFile(b"0", owner=top.owner, group=top.group, mode=NEW_MODE)
    was_closed = not folder and name in guard.ENTRANCES and guard.is_guarded(known)
    made = known.with_(content=text, time=now)
    return guard.guarded(made) if was_closed else made


def _make_folders(instance: Instance, folder: str) -> None:
    """Make the folders of a new file; each belongs to whom the one above it belongs."""
    host, place = instance.host, instance.web_root
    for name in folder.split("/") if folder else ():
        above, place = place, f"{place}/{name}"
        if not host.present(place):
            host.make_folder(place)
            if transfer.is_root_at(host):
                host.run("chown", f"--reference={above}", "--", place)
