"""Preferences that tie a database to the address of its site. Decides only, from rows of the database.

Source: preference definitions of Tiki 12 to 24 (lib/prefs); they are stored only when an administrator set them.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

NAMES = ("fallbackBaseUrl", "server_domain", "http_domain", "https_domain", "feature_canonical_domain", "cookie_domain",
         "sefurl_short_url_base_url", "multidomain_config", "tiki_domain_redirects", "tiki_domain_prefix")
SQL = f"SELECT name, value FROM tiki_preferences WHERE name IN ({', '.join(repr(name) for name in NAMES)})"


def rewritten(rows: Iterable[tuple], source_url: str, target_url: str) -> dict[str, tuple[str, str]]:
    """Return old and new value of each preference that names the source's host; {} where either URL is unknown."""
    old, new = urlsplit(source_url).netloc, urlsplit(target_url).netloc
    if not old or not new or old == new:
        return {}
    return {name: (value, value.replace(old, new)) for name, value in rows if value and old in value}
