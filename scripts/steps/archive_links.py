"""Where the links in another site's archive are to lead at the site that it is put in place at.

Where they lead beyond the archive's folders is asked of the target's machine: the other site may be gone.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.steps import site_links
from scripts.steps.site import Site
from scripts.steps.site_links import Leads, Moved
from scripts.steps.unpacking import Unpacked
from scripts.store import walk
from scripts.store.manifest import Part
from scripts.tiki.data_folders import is_within


def of_part(unpacked: Unpacked, target: Site, part: Part, goes: Mapping[str, str], stays: Sequence[str]) -> list[Moved]:
    """Return the links of a part that are to lead into the target's own places; warn of those that lead to others'.

    stays are patterns of what the target keeps there.
    """
    instance, is_kept, app = target.instance, walk.any_of(stays), unpacked.app.path
    found = [one for one in site_links.find(MANAGER, str(unpacked.folder(part))) if not is_kept(one[0])]
    if not found:
        return []
    leads = Leads(goes, {}, dict(zip(goes.values(), instance.host.real_paths(*goes.values()))))
    links = site_links.resolved(instance.host, part.path, found)
    tree = unpacked.folder(unpacked.app)
    inside = [one.hop for one in links if is_within(one.hop, app)]
    folders = [path for path in inside if os.path.isdir(tree / os.path.relpath(path, app))]
    links = site_links.without_code(links, app, folders)
    if told := site_links.shared(instance.host, goes[part.path], links, leads):
        output.warn(f"{instance.name}: {told}: no folder of the archive. What writes there writes for others too. If "
                    f"it is the site's data: EXTRA_PATHS of {unpacked.archive.instance} brings it into its next backup")
    return [replace(one, is_whole=not any(is_within(kept.strip("/"), one.name) for kept in stays))
            for one in site_links.moved(links, goes[part.path], leads)]
