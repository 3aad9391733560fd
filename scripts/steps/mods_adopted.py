"""Mods that a site's own page (tiki-mods.php of old Tikis) has installed: known from its mods/Installed.

What it put there is taken as it is now; what the operator answered then is not known.
"""

from dataclasses import replace

from scripts.hosts import listing
from scripts.mods import control as controls
from scripts.mods import index, names
from scripts.steps.mods_places import INSTALLED
from scripts.steps.mods_state import Installed, State
from scripts.steps.site import Site

LIST = f"{INSTALLED}/00_list.txt"
ORIGIN = "the site's own page"


def joined(found: Site, state: State) -> State:
    """Return the state with the mods that the site itself has installed."""
    texts = _texts(found, state)
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


def _texts(found: Site, state: State) -> dict[str, str]:
    """Return the control files of mods that are in the site's list, and not there by us."""
    host, root = found.instance.host, found.instance.web_root
    if not host.present(f"{root}/{LIST}"):
        return {}
    listed = listing.contents(host, root, [LIST]).get(LIST, b"").decode("utf-8", "surrogateescape")
    wanted = {f"{INSTALLED}/{names.control_file(line.mod)}": line.mod for line in index.read(listed)
              if line.mod not in state.mods and line.mod not in state.listed}
    texts = listing.contents(host, root, sorted(wanted)) if wanted else {}
    return {wanted[path]: text.decode("utf-8", "surrogateescape") for path, text in texts.items()}
