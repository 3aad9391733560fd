"""Mods that a site's own page (tiki-mods.php of old Tikis) has installed: known from its mods/Installed.

What it put there is taken as it is now; what the operator answered then is not known.
"""

from collections.abc import Iterable
from dataclasses import replace

from scripts.errors import RefusedError
from scripts.hosts import listing
from scripts.mods import control as controls
from scripts.mods import index, names
from scripts.steps.mods_places import INSTALLED
from scripts.steps.mods_state import Installed, State
from scripts.steps.site import Site

LIST = f"{INSTALLED}/00_list.txt"
ORIGIN = "the site's own page"


def joined(found: Site, state: State) -> State:
    """Return the state with the mods that the site itself has installed, without those that it has removed since."""
    listed = _listed(found)
    if gone := {mod for mod, one in state.mods.items() if one.origin == ORIGIN and mod not in listed}:
        state = replace(state, mods={mod: one for mod, one in state.mods.items() if mod not in gone})
    texts = _texts(found, [mod for mod in listed if mod not in state.mods and mod not in state.listed])
    if not texts:
        return state
    known = {mod: controls.read(text, names.control_file(mod))[0] for mod, text in texts.items()}
    targets = {line.target for control in known.values() for line in control.files
               if not names.fault_of_path(line.target)}
    host, root = found.instance.host, found.instance.web_root
    entries = listing.named(host, root, sorted(targets)) if targets else {}
    sizes = {path: entry.size for path, entry in entries.items() if entry.kind == listing.FILE}
    sums = listing.sums(host, root, sizes) if sizes else {}
    ours = {path for one in state.mods.values() for path in one.files}
    mods = {mod: Installed(mod, control.revision.text, texts[mod], ORIGIN, files={
        line.target: sums[line.target] for line in control.files if line.target in sums and line.target not in ours})
        for mod, control in known.items()}
    return replace(state, mods={**state.mods, **mods})


def refuse_replaced(found: Site, mods: Iterable[Installed]) -> None:
    """Raise RefusedError for a mod of the site's own page that took the place of files: that page kept them beside."""
    beside = {f"{path}.orig.{one.revision}": (one.mod, path) for one in mods if one.origin == ORIGIN
              for path in one.files}
    if not beside:
        return
    for name in sorted(listing.named(found.instance.host, found.instance.web_root, sorted(beside))):
        mod, path = beside[name]
        raise RefusedError(f"{found.instance.name}: {mod} was installed by {ORIGIN}, which kept the {path} that was "
                           f"there before as {name}. Nothing was changed. Next: remove {mod} on that page "
                           f"(tiki-mods.php), or move {name} back to {path} by hand")


def _listed(found: Site) -> list[str]:
    """Return the mods that the site's own list names."""
    host, root = found.instance.host, found.instance.web_root
    if not host.present(f"{root}/{LIST}"):
        return []
    text = listing.contents(host, root, [LIST]).get(LIST, b"").decode("utf-8", "surrogateescape")
    return [line.mod for line in index.read(text)]


def _texts(found: Site, mods: Iterable[str]) -> dict[str, str]:
    """Return the control files of mods as the site has kept them."""
    host, root = found.instance.host, found.instance.web_root
    wanted = {f"{INSTALLED}/{names.control_file(mod)}": mod for mod in mods}
    texts = listing.contents(host, root, sorted(wanted)) if wanted else {}
    return {wanted[path]: text.decode("utf-8", "surrogateescape") for path, text in texts.items()}
