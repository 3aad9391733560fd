"""Whose folder it is that uploads behind a link lie in: another instance's is nothing to be named in EXTRA_PATHS.

A restore of this site would make that folder equal to an archive.
"""

from scripts.steps import neighbours
from scripts.steps.site import Site
from scripts.steps.site_folders import Loose


def owners(found: Site) -> dict[Loose, str]:
    """Return which instance uses, or may use, what each loose link of a site leads to; empty words for nobody."""
    if not found.loose:
        return {}
    others = neighbours.all_of(found.instance)
    return {one: neighbours.user_of(one.target, others) for one in found.loose}


def shared(one: Loose, owner: str) -> str:
    """Return in words what is wrong with a link into another instance's folder."""
    return (f"{one.path} is a link to {one.target}, which is also used by {owner}, or may be: what visitors put or "
            "remove here is put and removed there")
