"""What keeps a copy of a site from acting on the world: which values of its database are changed, and to what.

Decides only: from the names of tables and columns, from rows, and from the lines in which a Tiki says how it sends
mail. Why each name is here, since when, and where it was found: docs/quiet.md.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scripts.tiki import banner
from scripts.tiki.value_change import Change, Quote, State

Columns = Mapping[tuple[str, str], int]
"""The columns that are there, with the characters each may hold (0 where that has no meaning)."""

PREFERENCES, PERSPECTIVES = "tiki_preferences", "tiki_perspective_preferences"

MAILLIB = "lib/mail/maillib.php"
WAYS = r"\$prefs\['[a-z_]+_handler'\]\)? *={2,3} *'[A-Za-z]+'"
"""Where a Tiki asks its preference how to send: the preference and one way it knows."""
WAY = re.compile(r"\['([a-z_]+)_handler'\].*'([A-Za-z]+)'")
NO_SERVER = ("127.0.0.1", "1")  # nobody listens at port 1, and being refused takes no time

OFF = ("zend_mail_queue", "mailer_queue", "mailin_autocheck", "feature_webmail", "webcron_enabled", "auth_token_access",
       "auth_api_tokens", "payment_feature", "feature_socialnetworks", "tracker_tabular_enabled", "connect_feature",
       "xmpp_feature")
"""Switches that Tiki itself has off: a row is changed where it says otherwise, and none is made."""
BLANKED = ("site_google_analytics_account", "site_piwik_code")
SET = {"metatag_robots": "noindex, nofollow"}
EMPTIED = {"tiki_mail_queue": "", "tiki_user_reports_cache": "", "tiki_user_login_cookies": "", "sessions": "",
           "tiki_sessions": "", "tiki_user_preferences": "prefName = 'cookie'"}
"""Tables whose rows go, or those of them that fit a condition; they are not put back."""


@dataclass(frozen=True)
class Rule:
    """Rows that act on their own, each by a column, and the value that stops them; None is NULL."""

    table: str
    key: str
    column: str
    quiet: str | None


RULES = (Rule("tiki_scheduler", "id", "status", "inactive"), Rule("tiki_scheduler", "id", "user_run_now", None),
         Rule("tiki_mailin_accounts", "accountId", "active", "n"),
         Rule("tiki_forums", "forumId", "inbound_pop_server", ""))
TABLES = sorted({PREFERENCES, PERSPECTIVES, *EMPTIED, *(rule.table for rule in RULES)})
COLUMNS = ("SELECT table_name, column_name, COALESCE(character_maximum_length, 0) FROM information_schema.columns "
           f"WHERE table_schema = DATABASE() AND table_name IN ({', '.join(map(repr, TABLES))})")


@dataclass(frozen=True)
class Mailer:
    """How a Tiki sends mail: what its preferences' names begin with, and the ways it knows; none: nothing is known."""

    prefix: str = "zend_mail"
    ways: frozenset[str] = frozenset()

    @property
    def quiet(self) -> dict[str, str]:
        """The values under which no mail reaches anybody.

        A Tiki that does not know the way "file" takes it for PHP's mail(), and sends: such a one gets a server that
        is not there.
        """
        if "file" in self.ways:
            return {f"{self.prefix}_handler": "file"}
        server, port = NO_SERVER
        return {f"{self.prefix}_handler": "smtp", f"{self.prefix}_smtp_server": server,
                f"{self.prefix}_smtp_port": port}


def mailer(lines: str) -> Mailer:
    """Return how a Tiki sends mail, for the WAYS found in its MAILLIB."""
    ways = WAY.findall(lines)
    return Mailer(ways[0][0], frozenset(way for _, way in ways)) if ways else Mailer()


@dataclass(frozen=True)
class Found:
    """What a database holds of all that, as questions() asks for it."""

    preferences: Mapping[str, str | None] = field(default_factory=dict)
    rows: tuple[tuple[Rule, str, str | None], ...] = ()
    perspectives: tuple[tuple[str, str, str | None], ...] = ()
    emptied: Mapping[str, int] = field(default_factory=dict)


def questions(columns: Columns, sends: Mailer, quote: Quote) -> list[str]:
    """Return the questions whose answers found() reads."""
    names = ", ".join(quote(name) for name in (*sends.quiet, *OFF, *BLANKED, *SET, banner.PREFERENCE))
    asked = [f"SELECT 'preference', name, value FROM {PREFERENCES} WHERE name IN ({names})"]
    if (PERSPECTIVES, "pref") in columns:
        asked.append(f"SELECT 'perspective', perspectiveId, pref, value FROM {PERSPECTIVES} WHERE pref IN ({names})")
    for number, rule in enumerate(RULES):
        if (rule.table, rule.column) in columns:
            loud = f"`{rule.column}` IS NOT NULL" if rule.quiet is None else f"`{rule.column}` <> {quote(rule.quiet)}"
            asked.append(f"SELECT 'row', {number}, {rule.key}, `{rule.column}` FROM {rule.table} WHERE {loud}")
    return [*asked, *counts(columns)]


def counts(columns: Columns) -> list[str]:
    """Return the questions for how many rows there are that have to go."""
    return [f"SELECT 'rows', '{table}', COUNT(*) FROM {table}{where}" for table, where in _emptied(columns).items()]


def emptying(columns: Columns) -> list[str]:
    """Return the statements that remove what has to go."""
    return [f"DELETE FROM {table}{where}" for table, where in _emptied(columns).items()]


def found(answers: Iterable[Sequence[str | None]]) -> Found:
    """Return what the answers to questions() or counts() say."""
    told: dict[str, list] = {"preference": [], "perspective": [], "row": [], "rows": []}
    for kind, *values in answers:
        told[kind].append(values)
    return Found(dict(told["preference"]),
                 tuple((RULES[int(number)], key, value) for number, key, value in told["row"]),
                 tuple((key, name, value) for key, name, value in told["perspective"]),
                 {table: int(count) for table, count in told["rows"]})


def changes(there: Found, sends: Mailer, blocks: Iterable[str], columns: Columns) -> list[Change]:
    """Return what has to be changed, mail first: tables without transactions keep what was done before a failure.

    Of the banner's blocks the first is taken that fits into the column.
    """
    held = there.preferences
    wanted = {**sends.quiet, **SET}
    wanted |= {name: "n" for name in OFF if held.get(name) not in (None, "", "n")}
    wanted |= {name: "" for name in BLANKED if held.get(name)}
    made = [_preference(name, held.get(name), value, name in held) for name, value in wanted.items()
            if held.get(name) != value]
    # Some preferences may have another value in a perspective, and then theirs counts.
    made += [Change(PERSPECTIVES, (("perspectiveId", key), ("pref", name)), "value", value, None, is_there=False)
             for key, name, value in there.perspectives]
    made += [Change(rule.table, ((rule.key, key),), rule.column, value, rule.quiet) for rule, key, value in there.rows]
    return [*made, *_banner(held, blocks, columns)]


def together(fresh: Iterable[Change], listed: Sequence[Change], now: Sequence[State]) -> list[Change]:
    """Return the list of a database that was muted before: what still holds of the older list keeps its old values.

    The banner is always fresh: what it stands before was read without an older one.
    """
    ours = {change.place: change for change, state in zip(listed, now, strict=True)
            if state == change.state_after and change.key != (("name", banner.PREFERENCE),)}
    return list((ours | {change.place: change for change in fresh}).values())


def undoing(listed: Sequence[Change], now: Sequence[State]) -> tuple[list[tuple[Change, State, State]], list[Change]]:
    """Return what unmuting changes, from which state to which, and what somebody has changed again since.

    A value that is as it was before wants nothing. Code that was edited around the banner loses the banner alone.
    """
    wanted, left = [], []
    for change, state in zip(listed, now, strict=True):
        if state == change.state_after:
            wanted.append((change, state, change.state_before))
        elif banner.marked(state[1]):
            wanted.append((change, state, (True, banner.without(state[1]))))
        elif state != change.state_before:
            left.append(change)
    return wanted, left


def _emptied(columns: Columns) -> dict[str, str]:
    """Return the tables to be emptied that are there, each with its WHERE."""
    there = {table for table, _ in columns}
    return {table: f" WHERE {only}" if only else "" for table, only in EMPTIED.items()
            if table in there and (not only or (table, only.split()[0]) in columns)}


def _preference(name: str, before: str | None, after: str, was_there: bool) -> Change:
    return Change(PREFERENCES, (("name", name),), "value", before, after, was_there)


def _banner(held: Mapping[str, str | None], blocks: Iterable[str], columns: Columns) -> list[Change]:
    """Return the change that brings the banner in, before the site's own code; none where the column is too short."""
    now, most = held.get(banner.PREFERENCE), columns.get((PREFERENCES, "value"), 0)
    own = banner.without(now)
    is_own = banner.PREFERENCE in held and (bool(own) or not banner.marked(now))
    for block in blocks:
        if not most or len((block + own).encode("utf-8", "surrogateescape")) <= most:
            return [_preference(banner.PREFERENCE, own if is_own else None, block + own, is_own)]
    return []
