"""Puts changed texts in the place of a site's files: all of them, or none.

Before the first one is written, what was there lies in a note on the manager; the next run puts it back after one that
was killed.
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
from scripts.hosts.host import MANAGER
from scripts.hosts.listing import FILE, LINK
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import local_files, patch_files, unpacking
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
    _begin(instance, earlier)
    try:
        _put(instance, changed)
        if read(instance, tuple(changed)) != changed:
            raise CommandError(f"{instance.name}: the files are not what was written. Is somebody else changing them?")
    except BaseException as fault:
        raise _put_back(instance, earlier, fault) from fault
    _end(instance)
    return sorted(changed)


def unfinished(instance: Instance) -> Texts:
    """Return what was in the files that a killed run may have changed in part; nothing as a rule."""
    try:
        kept = json.loads(_note(instance).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {path: None if text is None else base64.b64decode(text) for path, text in kept.items()}


def mend(instance: Instance) -> None:
    """Put back what a killed run has changed in part."""
    earlier = unfinished(instance)
    if not earlier:
        return
    output.say(f"{instance.name}: a change of {local_files.some(earlier)} broke off; what was there is put back first")
    if not process.conduct.dry_run:
        _put(instance, earlier)
        _end(instance)


def _begin(instance: Instance, earlier: Texts) -> None:
    kept = {path: None if text is None else base64.b64encode(text).decode() for path, text in earlier.items()}
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
