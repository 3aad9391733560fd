"""Where things are in a Tiki's tree. Paths are relative to the web root and have no slash at their ends.

Source: the trees of Tiki 2.0 to 24.4, and 29.0vcs for the latest ones.
"""

from collections.abc import Collection

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
    words = [word for word in relative_path.split("/") if word not in ("", ".")]
    for depth in (1, 2):
        if "/".join(words[:depth]) in CACHES:
            return _is_content(words[depth:], sites)
    return False


def _is_content(inside: list[str], sites: Collection[str]) -> bool:
    """Tell whether a path inside a cache is neither a site's folder nor a guard file."""
    if inside and inside[0] in sites:
        inside = inside[1:]
    return bool(inside) and not (len(inside) == 1 and inside[0] in GUARD_FILES)
