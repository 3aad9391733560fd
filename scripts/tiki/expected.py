"""What differs between two Tikis by nature, and why. Decides only, from names; what it names is set apart, not hidden.

Between a site and an archive of itself only what Tiki makes anew counts: there a changed db/local.php is news.
Source: tiki.sql and the code of Tiki 21 and 24 for the tables.
"""

import fnmatch
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from scripts.tiki import addresses, guard, layout, maintenance, quiet, ties
from scripts.tiki.value_change import Change, State

INDEX_TABLE = re.compile(r"index_(?:[0-9a-f]+|pref_\w+)")
SESSION_TABLES = frozenset({"sessions", "tiki_sessions", "tiki_semaphores", "tiki_user_login_cookies"})
CACHE_TABLES = frozenset({"tiki_output", "tiki_link_cache", "tiki_user_reports_cache", "tiki_h5p_tmpfiles",
                          "tiki_h5p_libraries_cachedassets", "tiki_h5p_libraries_hub_cache", "tiki_queue",
                          "tiki_performance"})
LOG_TABLES = frozenset({"tiki_actionlog", "tiki_actionlog_params", "tiki_logs", "tiki_pageviews", "tiki_referer_stats",
                        "tiki_search_stats", "tiki_stats", "tiki_download"})
# What Tiki itself writes into preferences while it runs, and the name of an index, which is random.
MOVING_PREFERENCES = frozenset({"lastUpdatePrefs", "unified_mysql_index_current", "unified_mysql_index_rebuilding",
                                "unified_elastic_index_current", "unified_last_rebuild", "unified_last_rebuild_stats",
                                "unified_field_count", "unified_total_fields", "unified_identifier_fields",
                                "webcron_last_run", "mailin_autocheckLast", "connect_last_post"})
# What ties a database to its host, beyond its address.
OWN_PREFERENCES = frozenset({*addresses.NAMES, *(prefix.name for prefix in ties.PREFIXES), *ties.INDEXES,
                             ties.COOKIE_DOMAIN})
EMPTIED_TABLES = frozenset(table for table, condition in quiet.EMPTIED.items() if not condition)
# As patterns in which * takes slashes too; Tiki renames an old db/local.php to db/obsolete_DATE_local.php.
SECRET_FILES = ("db/*local.php*", "db/*.ini*", f"{layout.CERTIFICATES}/*", "*.htpasswd", "*.pem", "*.key", "*.ini.php")
SECRET_PREFERENCE = re.compile(r"pass(?:wd|word)?$|passwd|passphrase$|secret|token|(?:^|_)key$|api_?key|credential|"
                               r"salt$|dsn$|^internal_site_hash$", re.IGNORECASE)
SECRET_COLUMN = re.compile(r"pass|secret|token|cookie|sess(?:key|ion)|credential|private|api_?key|dsn|^hash$|^valid$",
                           re.IGNORECASE)

CACHE, OWN_CONFIG = "a cache", "each site's own database account"
PAGE, RULES = "the maintenance page", "each site's own web server rules"
SESSIONS, LOGS, INDEX = "sessions", "a log", "the search index"
OWN_PLACE, RUNNING = "each site's own place", "kept by Tiki as it runs"
MUTED = "a copy is kept quiet"

Muted = Mapping[tuple[str, frozenset[str], str], State]
"""What keeps a side quiet: for table, the values of a row's key, and column, the state that was written there."""


def muted(changes: Collection[Change]) -> Muted:
    """Return the values of a list of what was muted, as the rules look for them."""
    return {(one.table, frozenset(value for _, value in one.key), one.column): one.state_after for one in changes}


@dataclass(frozen=True)
class Expected:
    """The rules for one comparison.

    same_site: both sides are one site at two moments. sites are the virtual ones; muted is what keeps either side
    quiet, None where nothing does; is_closed tells that one side shows the maintenance page.
    """

    same_site: bool = False
    sites: Collection[str] = ()
    muted: tuple[Muted | None, Muted | None] = (None, None)
    is_closed: bool = False

    def of_file(self, path: str) -> str:
        """Return why a file below the web root differs by nature, or nothing."""
        if layout.is_left_out(path, self.sites):
            return CACHE
        if path in maintenance.OWN_NAMES or (self.is_closed and path in (layout.HTACCESS, *guard.ENTRANCES)):
            return PAGE
        if self.same_site:
            return ""
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in layout.ALL_ACCOUNTS):
            return OWN_CONFIG
        return RULES if path == layout.HTACCESS else ""

    def of_table(self, table: str) -> str:
        """Return why the rows of a table differ by nature, or nothing."""
        if INDEX_TABLE.fullmatch(table):
            return INDEX
        for names, reason in ((SESSION_TABLES, SESSIONS), (CACHE_TABLES, CACHE), (LOG_TABLES, LOGS)):
            if table in names:
                return reason
        return MUTED if table in EMPTIED_TABLES and any(one is not None for one in self.muted) else ""

    def of_preference(self, name: str) -> str:
        """Return why a preference differs by nature, or nothing."""
        if name in MOVING_PREFERENCES:
            return RUNNING
        return OWN_PLACE if name in OWN_PREFERENCES and not self.same_site else ""

    def of_value(self, table: str, key: Collection[str], column: str, states: tuple[State, State]) -> str:
        """Return why a value differs by nature: on one side it is what keeps that side quiet. states are whether the
        row is there, and the value.
        """
        place = (table, frozenset(key), column)
        return MUTED if any(one is not None and place in one and one[place] == state
                            for one, state in zip(self.muted, states)) else ""


def is_secret_file(path: str) -> bool:
    """Tell whether a file holds what no report may show."""
    name = path.rsplit("/", 1)[-1]
    return any(fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(name, pattern) for pattern in SECRET_FILES)


def is_secret_preference(name: str) -> bool:
    """Tell whether a preference holds a password, a key, or the like."""
    return SECRET_PREFERENCE.search(name) is not None


def is_secret_column(column: str) -> bool:
    """Tell whether a column holds a password, a token, or the like."""
    return SECRET_COLUMN.search(column) is not None
