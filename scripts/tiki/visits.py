"""Where a Tiki's database tells that somebody was there. Decides only, from names of tables and columns.

People count: logins, what they do, and days with more page views than make doctor and a monitor cause themselves.
Source: update_lastlogin, update_session, add_action and add_pageview of Tiki 21 and 24; the last one works only where
feature_stats is on, so that anonymous readers may leave no trace.
"""

from collections.abc import Collection, Iterable

OWN_VIEWS = 10  # a day
SIGNS = {("users_users", "currentLogin"): "", ("tiki_sessions", "timestamp"): "user <> ''",
         ("tiki_actionlog", "lastModif"): "user <> ''", ("tiki_pageviews", "day"): f"pageviews > {OWN_VIEWS}"}
_TABLES = ", ".join(f"'{table}'" for table, _ in SIGNS)
COLUMNS = ("SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() "
           f"AND TABLE_NAME IN ({_TABLES})")


def question(columns: Iterable[Collection[str]], since: int, until: int) -> str:
    """Return the statement that asks when somebody was there, between two moments (seconds since 1970).

    columns is the answer to COLUMNS. Each row of the answer is one sign's last moment, or NULL.
    """
    there = set(map(tuple, columns))
    asked = [f"SELECT MAX(`{column}`) FROM `{table}` WHERE `{column}` > {since} AND `{column}` <= {until}"
             + (f" AND {condition}" if condition else "")
             for (table, column), condition in SIGNS.items() if (table, column) in there]
    return " UNION ALL ".join(asked) or "SELECT NULL"
