"""Which folders of a site hold data, caches or a checkout's own files, and which code: so they are judged."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from scripts.steps import site as sites
from scripts.steps.local_files import above
from scripts.steps.site import Site
from scripts.tiki import data_folders, layout

WELL_KNOWN = ".well-known"      # where certificates are asked for: files come and go
CACHES = ("temp", "templates_c", "modules/cache")
COMPILED = ("temp/templates_c", "templates_c", "temp/cache")
"""Caches whose content Tiki runs: who may write there may run what he likes."""
UPLOAD, CACHE, CHECKOUT, CODE = "upload", "cache", "checkout", ""


@dataclass(frozen=True)
class Areas:
    """Folders of the web root by their paths from there, none inside another; outside are whole paths."""

    uploads: tuple[str, ...]
    outside: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.uploads, *CACHES, *layout.CHECKOUTS)

    def of(self, path: str) -> tuple[str, str]:
        """Return what kind of place a path lies in, and the folder that makes it so; code lies in none."""
        for kind, folders in ((UPLOAD, (*self.uploads, *self.outside)), (CACHE, CACHES), (CHECKOUT, layout.CHECKOUTS)):
            for folder in folders:
                if path.startswith(f"{folder}/"):
                    return kind, folder
        return CODE, ""


def is_inside(path: str, tops: Collection[str]) -> bool:
    """Whether a path lies in an area; tops are all of them."""
    return any(folder in tops for folder in above(path))


def of(folders: Iterable[str], outside: Iterable[str] = ()) -> Areas:
    """Return the areas of a site that has these data folders of its own in the web root."""
    wanted = sorted({*layout.SITE_DATA, WELL_KNOWN, *folders})
    tops = [one for one in wanted if not any(other in wanted for other in above(one))]
    return Areas(tuple(one for one in tops if not _is_cache(one)), tuple(sorted(set(outside))))


def is_apart(path: str, areas: Areas) -> bool:
    """Whether something lies outside the code: in an area, or outside the web root."""
    return path.startswith("/") or is_inside(path, areas.all)


def own_folders(found: Site, shipped: Callable[[], Iterable[str]]) -> tuple[str, ...]:
    """Return the folders of the web root that the database names for data; none that holds code of the release.

    shipped gives the release's files, where they have to be asked for.
    """
    rows = sites.folder_rows(found.client, found.account.charset)
    data = {*layout.SITE_DATA, WELL_KNOWN}
    named = [one for one in data_folders.inside(rows, found.instance.web_root) if one and one not in data]
    if not named:
        return ()
    code = {folder for path in shipped() if path.rsplit("/", 1)[-1] not in layout.GUARD_FILES for folder in above(path)}
    return tuple(one for one in named if one not in code)


def _is_cache(folder: str) -> bool:
    return folder in CACHES or any(one in CACHES for one in above(folder))
