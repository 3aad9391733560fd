"""Preferences by which two sites would meet in one place: search index, cache, cookie domain. Decides only, from rows.

A site that has them from another one gets values of its own. What names an address is addresses.py's business.
Source: preference definitions of Tiki 21 to 27 (lib/prefs: unified, memcache, redis, cookie).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class _Prefix:
    """A preference that goes before every name in a shared place. switch and on tell that the place is in use."""

    name: str
    default: str
    switch: str
    on: str


ENGINE = "unified_search_engine"
PREFIXES = (_Prefix("unified_elastic_index_prefix", "tiki_", ENGINE, "elastic"),
            _Prefix("unified_manticore_index_prefix", "tiki_", ENGINE, "manticore"),
            _Prefix("memcache_prefix", "tiki_", "memcache_enabled", "y"),
            _Prefix("redis_prefix", "", "redis_enabled", "y"))
INDEXES = {"unified_elastic_index_current": "elastic", "unified_manticore_index_current": "manticore"}
OWN_DATABASE = "mysql"     # the engine whose index is in the site's own database
COOKIE_DOMAIN = "cookie_domain"
NAMES = (*(prefix.name for prefix in PREFIXES), *dict.fromkeys(prefix.switch for prefix in PREFIXES), *INDEXES,
         COOKIE_DOMAIN)
SQL = f"SELECT name, value FROM tiki_preferences WHERE name IN ({', '.join(repr(name) for name in NAMES)})"

Values = Mapping[str, str]
"""The rows of SQL: value by name."""


def own_values(target: str, source: Values, now: Values, before: Values) -> dict[str, str]:
    """Return the values that the site `target` needs instead of its source's.

    source are the source's own; now is what the target has of them, its address already rewritten; before is what it
    had of its own until now, which it keeps where it differs from the source's. An empty value means Tiki's default.
    """
    found: dict[str, str] = {}
    for prefix in PREFIXES:
        shared = _in_effect(prefix, source)
        if shared is not None:
            found[prefix.name] = _other(before.get(prefix.name), shared, f"{target.replace('-', '_')}_")
    for name in INDEXES:
        if source.get(name):
            found[name] = _other(before.get(name), source[name], "")
    if source.get(COOKIE_DOMAIN) and now.get(COOKIE_DOMAIN) == source[COOKIE_DOMAIN]:
        found[COOKIE_DOMAIN] = _other(before.get(COOKIE_DOMAIN), source[COOKIE_DOMAIN], "")
    return {name: value for name, value in found.items() if value != now.get(name, "")}


def needs_new_index(source: Values) -> bool:
    """Whether search works with an index outside the database, which a copy of the database has not."""
    return source.get(ENGINE) in INDEXES.values()


def index_inside(source: Values) -> dict[str, str]:
    """Return what lets a copy have its index in its own database, so that it goes with that."""
    return {ENGINE: OWN_DATABASE} if needs_new_index(source) else {}


def _in_effect(prefix: _Prefix, source: Values) -> str | None:
    """Return the prefix that the source works with, or None when it never set one and does not use the place."""
    if source.get(prefix.name):
        return source[prefix.name]
    return prefix.default if source.get(prefix.switch) == prefix.on else None


def _other(own: str | None, shared: str, otherwise: str) -> str:
    """Return what is not the shared value: the site's own, or another one."""
    if own and own != shared:
        return own
    return otherwise if otherwise != shared else f"{otherwise}clone_"
