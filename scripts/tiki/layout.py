"""Where things are in a Tiki's tree. Paths are relative to the web root and have no slash at their ends.

Source: the trees of Tiki 2.0 to 24.4, and 29.0vcs for the latest ones.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache

SETUP = "tiki-setup.php"
CONSOLE = "console.php"
VERSION_FILES = ("lib/setup/twversion.class.php", "lib/twversion.class.php")
LOCAL_PHP = "db/local.php"
ALL_ACCOUNTS = ("db/local.php", "db/*/local.php")  # the main site's and those of virtual sites, as patterns
VIRTUALS = "db/virtuals.inc"
CERTIFICATES = "db/cert"
HTACCESS = ".htaccess"
HTACCESS_TEMPLATE = "_htaccess"
PATCHES = "installer/schema"

CACHES = ("temp/cache", "temp/templates_c", "temp/public", "temp/mail_attachs", "temp/unified-index",
          "modules/cache", "templates_c")
"""Folders that a Tiki fills again by itself; temp/cache/container.php even breaks another place or version."""

GUARD_FILES = frozenset({"index.php", "index.html", ".htaccess", "_htaccess", "web.config", ".gitignore", ".gitkeep",
                         "README", "README.md", "README.txt"})
"""Shipped files in the caches: without them a web server lists and serves what is cached."""

OWN_RULES = (".user.ini", "web.config")
"""What tells the web server and PHP how to serve this very place, beside the .htaccess."""

SITE_DATA = ("backups", "dump", "files", "img/trackers", "img/wiki", "img/wiki_up", "maps", "storage", "storage/fgal",
             "storage/public", "whelp")
"""Folders of the web root in which Tiki keeps what its users make. The rest is code: themes, translations and packages
of the site's own as well. Source: the default folders of tiki.sql and lib/prefs, 2.0 to 24.4, and of setup.sh."""

SHIPPED_IN_DATA = ("storage/public/vue-mf",)
"""Code that a release brings inside those folders, beside GUARD_FILES."""

DISKS_OWN = "lost+found"
"""A folder of root's alone at the top of each mounted disk: part of no site, be it in the web root or beside it."""

CHECKOUTS = {".git": "git", ".svn": "svn", "CVS": "cvs"}
"""What lies at the top of a tree that was checked out, and the program's name."""


_NEAR_CACHES = (*{cache.split("/")[0] for cache in CACHES}, ".", "/")


def local_php(site: str = "") -> str:
    """Return where the site's database account is written; the main site has the empty name."""
    return f"db/{site}/local.php" if site else LOCAL_PHP


def is_left_out(relative_path: str, sites: Collection[str] = ()) -> bool:
    """Tell whether a backup leaves this file or folder out, because it is the content of a cache.

    sites are the virtual sites: each has a folder of its own in every cache, which stays too.
    """
    if not relative_path.startswith(_NEAR_CACHES):      # as nearly all of a hundred thousand
        return False
    path = "/".join(word for word in relative_path.split("/") if word not in ("", "."))
    return _compiled(tuple(sites)).fullmatch(path) is not None


def cached(sites: Collection[str] = ()) -> str:
    """Return the regular expression of what a backup leaves out: what is in caches but guard files and sites' folders.

    Of paths without superfluous slashes and dots, with re.DOTALL.
    """
    guards, caches, folders = (_one_of(sorted(names)) for names in (GUARD_FILES, CACHES, sites))
    if not sites:
        return rf"{caches}/(?!{guards}\Z).+"
    return rf"{caches}/(?!(?:{folders}/)?{guards}\Z)(?!{folders}\Z).+"


def _one_of(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, names))})"


@cache
def _compiled(sites: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(cached(sites), re.DOTALL)
