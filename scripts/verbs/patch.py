"""make patch: local changes of a site's code, kept with their text: listed, put in, taken out.

An update joins them into the new release by itself; what it says of each is told here too.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.code import download
from scripts.errors import Fault, UsageError
from scripts.present import output, prompts
from scripts.registry.env_file import nearest
from scripts.registry.instance import Instance
from scripts.steps import (
    confirming,
    local_files,
    patch_files,
    patch_writing,
    patching,
    release_files,
    restoring,
    site,
)
from scripts.steps.patch_files import Patch
from scripts.tiki import probe

ACTIONS = ("list", "apply", "drop")
COLUMNS = {"name": "Name", "what": "What", "state": "State", "files": "Files"}
EMPTY = "No patch is kept, and every file of the release is as it was shipped"


def patch(instance: Instance, action: str, file: str, confirm: str) -> Sequence[dict[str, object]]:
    """List the patches of a site, apply one or drop one; return what is to be told, a row each."""
    if action == "list" and file:
        raise UsageError("FILE= goes with ACTION=apply or ACTION=drop")
    probed = probe.probe(instance)
    if action == "list":
        return _listed(instance)
    wanted = _given(instance, file) if action == "apply" else _kept(instance, file)
    restoring.refuse_half_restored(instance)
    confirming.refuse_unconfirmed(instance, confirm, "patched")
    patch_writing.mend(instance)
    if action == "apply":
        return [patching.apply(instance, wanted)]
    return [patching.drop(instance, wanted, _release(instance, probed))]


def _listed(instance: Instance) -> list[dict[str, object]]:
    if earlier := patch_writing.unfinished(instance):
        output.warn(f"{instance.name}: a change of {local_files.some(earlier)} broke off. The next make patch "
                    f"INSTANCE={instance.name} that applies or drops one puts back what was there first")
    patches = patch_files.registered(instance)
    with site.opened(instance) as found:
        old = release_files.of_site(found)
        states = [patching.state(instance, one, old) for one in patches]
        rest = patching.unexplained(found, old, patches)
    if old.is_partial:
        output.warn(f"{instance.name}: its release is known from {old.origin}")
    return [*({"instance": instance.name, "name": one.patch.name, "what": "patch",
               "state": f"{one.name}{': ' if one.detail else ''}{one.detail}", "files": len(one.files),
               "paths": one.files} for one in states),
            *({"instance": instance.name, "name": path, "what": "file", "state": f"{what} here, by no patch",
               "files": 1, "paths": [path]} for path, what in rest)]


def _release(instance: Instance, probed: probe.Probe) -> release_files.Release | None:
    """Return what the release shipped; None, and a word, where that is not known."""
    try:
        return release_files.of_code(instance, probed, may_prepare=False)
    except Fault as fault:
        output.warn(str(fault))
        return None


def _given(instance: Instance, file: str) -> Patch:
    """Return the patch that FILE= is for apply: a file, an address, or one that is kept."""
    if not file:
        if not prompts.can_ask():
            raise UsageError("FILE= is missing: a patch file, or its https address")
        file = prompts.ask("FILE, a patch file or its https address", check=lambda answer: _read(instance, answer))
    return _read(instance, file)


def _read(instance: Instance, file: str) -> Patch:
    if "://" in file:
        return _downloaded(file)
    path = instance.settings.top / Path(file).expanduser()
    if path.is_file():
        with open(path, "rb") as text:
            return patch_files.named(path.name, text.read(patch_files.LARGEST + 1))
    kept = patch_files.registered(instance)
    for one in kept:
        if one.name == file:
            return one
    raise UsageError(f"FILE={file}: there is no such file{nearest(file, [one.name for one in kept])}. Give a patch "
                     "file, its https address, or the name of a patch that is kept")


def _downloaded(address: str) -> Patch:
    """Return a patch from the web; always as it is there now."""
    if not address.startswith("https://"):
        raise UsageError(f"FILE={address}: only https is taken: on the way a patch must not become another")
    download.refuse_secret(address, "FILE")
    with tempfile.TemporaryDirectory(prefix="trim-patch-") as folder:
        path = download.saved(address, Path(folder) / "patch", patch_files.LARGEST)
        return patch_files.named(download.name_of(address), path.read_bytes())


def _kept(instance: Instance, file: str) -> Patch:
    """Return the patch that FILE= is for drop; at a terminal it is chosen from a list."""
    kept = patch_files.registered(instance)
    names = [one.name for one in kept]
    if not names:
        raise UsageError(f"{instance.name}: no patch is kept. Next: make patch INSTANCE={instance.name} ACTION=apply "
                         "FILE=file.patch")
    if not file:
        if not prompts.can_ask():
            raise UsageError(f"FILE= is missing: which patch? kept: {', '.join(names)}")
        file = names[prompts.choose("FILE", names)]
    name = Path(file).name
    if name not in names:
        raise UsageError(f"FILE={file}: no such patch is kept{nearest(name, names)}. Kept: {', '.join(names)}")
    return kept[names.index(name)]


def show(rows: Sequence[dict[str, object]], action: str) -> None:
    """Show the list as a table, what an action did as JSON alone: people have been told."""
    if action == "list":
        output.show(rows, COLUMNS, EMPTY)
    else:
        output.show_json(rows)
