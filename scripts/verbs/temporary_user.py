"""make temporary-user: a login for a helper that expires, and the removal of those that did.

Tiki knows no end of a login, only of a membership: users_usergroups.expire. At every login, the helper's own too, it
first removes the memberships that are over. So the helper gets memberships alone that end, and afterwards the login
may do nothing that its groups allowed, whether TRIM ever runs again or not. The row itself is removed by DROP=, or by
the next call of this verb.
Source: tried with Tiki 24.4: validate_user, update_expired_groups, get_user_groups; the columns since 12.
"""

import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.database.client import Client, quote_name, quote_text
from scripts.errors import DatabaseError, Fault, RefusedError, UsageError
from scripts.hosts import process
from scripts.present import output
from scripts.registry.env_file import nearest
from scripts.registry.instance import Instance
from scripts.steps import site, watching_database
from scripts.tiki import passwords

LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,38}")
MOST_DAYS = 366
# How logins of ours are known again. RFC 2606: no mail reaches it, so no new password can be asked for by mail.
ADDRESS = "@helper.trim.invalid"
EVERYBODY = "Registered"
EXPIRED = "expired"
COLUMNS = ("SELECT table_name, column_name, character_maximum_length FROM information_schema.columns "
           "WHERE table_schema = DATABASE() AND table_name IN ('users_users', 'users_usergroups', 'users_groups', "
           "'tiki_user_login_cookies', 'tiki_user_preferences')")
IS_OURS = f"u.email LIKE {quote_text('%' + ADDRESS)}"
# A membership without an end was given by an administrator of the site, who wants to keep this login.
IS_OVER = ("NOT EXISTS (SELECT 1 FROM users_usergroups g WHERE g.userId = u.userId "
           "AND (g.expire IS NULL OR g.expire > UNIX_TIMESTAMP()))")
# Which tables hold rows of a login, and by what column.
HELD_BY = {"users_usergroups": "userId", "tiki_user_login_cookies": "userId", "tiki_user_preferences": "user",
           "users_users": "userId"}

Columns = dict[tuple[str, str], int]
"""The columns that are there, with the characters each may hold (0 where that has no meaning)."""


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for: a login in a group for some days, or the removal of one (drop)."""

    group: str = ""
    days: int = 1
    login: str = ""
    drop: str = ""

    def __post_init__(self) -> None:
        if not self.group and not self.drop:
            raise UsageError("IN_GROUP= is missing: which group is the helper to be in? To remove a login: DROP=login")
        if self.days > MOST_DAYS:
            raise UsageError(f"DAYS={self.days}: a login for more than {MOST_DAYS} days is not temporary")
        for name, value in (("NAME", self.login), ("DROP", self.drop)):
            if value and not LOGIN.fullmatch(value):
                raise UsageError(f"{name}={value}: expected letters, digits, dots and dashes, 39 at most")


def temporary_user(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Make the login and show its password once, or remove one; return what is to be told, None in a dry run."""
    with site.opened(instance) as found:
        client = found.client
        columns = {(table, column): int(length or 0) for table, column, length in client.query(COLUMNS)}
        _refuse_too_old(instance, columns)
        dropped = _drop(instance, client, columns, wishes.drop)
        if wishes.drop:
            return {"instance": instance.name, "dropped": dropped}
        login = wishes.login or f"helper-{secrets.token_hex(3)}"
        _check(instance, client, wishes.group, login)
        _warn_of_other_ways_in(instance, client)
        if process.conduct.dry_run:
            output.say(f"would: make the login {login} at {instance.name} in {wishes.group} for {wishes.days} days")
            return None
        password = passwords.new()
        hashed = passwords.hashed(instance, password, columns[("users_users", "hash")])
        follow = watching_database.following(found)
        until = _insert(client, columns, login, hashed, wishes)
        follow()
    _tell(instance, login, password, until)
    return {"instance": instance.name, "login": login, "password": password, "group": wishes.group,
            "until": until.isoformat(), "dropped": dropped}


def _refuse_too_old(instance: Instance, columns: Columns) -> None:
    if ("users_usergroups", "expire") not in columns or ("users_groups", "expireAfter") not in columns:
        raise DatabaseError(f"{instance.name}: this Tiki knows no end of a membership (users_usergroups has no column "
                            "expire): a login would never end. Nothing was made. Make one in Tiki itself, and remove "
                            "it there")


def _check(instance: Instance, client: Client, group: str, login: str) -> None:
    """Raise UsageError when the group is not there, or the login is."""
    groups = [name for (name,) in client.query("SELECT groupName FROM users_groups ORDER BY groupName")]
    joined = [name for name in groups if name != "Anonymous"]
    if group not in joined:
        raise UsageError(f"{instance.name}: there is no group {group} to be in{nearest(group, joined)}; "
                         f"known: {', '.join(joined)}")
    if client.query(f"SELECT login FROM users_users WHERE UPPER(login) = {quote_text(login.upper())}"):
        raise UsageError(f"{instance.name}: there is a login {login} already. Give another NAME, or none")


def _warn_of_other_ways_in(instance: Instance, client: Client) -> None:
    """Say when the site asks somebody else who may come in."""
    ways = client.query("SELECT value FROM tiki_preferences WHERE name = 'auth_method' AND value NOT IN ('', 'tiki')")
    for (way,) in ways:
        output.warn(f"{instance.name}: this site lets people in by {way}; it may not look at logins of its own")


def _insert(client: Client, columns: Columns, login: str, hashed: str, wishes: Wishes) -> datetime:
    """Put the login into the database and return when it ends, as it was read back; leave nothing after a failure."""
    groups = list(dict.fromkeys((wishes.group, EVERYBODY)))
    try:
        rows = client.execute(insertion(columns, login, hashed, groups, wishes.days))
        if {group for group, _ in rows} != set(groups) or not all(end for _, end in rows):
            raise DatabaseError(f"{client.place}: the login {login} was not written as it should be, and was removed")
    except Fault:
        with suppress(Fault):  # tables without transactions keep what was there before the failure
            client.execute(removal(columns, [login]))
        raise
    return datetime.fromtimestamp(int(rows[0][1]), UTC)


def insertion(columns: Columns, login: str, hashed: str, groups: list[str], days: int) -> str:
    """Return the statements that make a login with memberships that end, and read the memberships back."""
    now = "UNIX_TIMESTAMP()"
    values = {"login": quote_text(login), "email": quote_text(login + ADDRESS), "hash": quote_text(hashed),
              "provpass": "''", "registrationDate": now, "created": now, "pass_confirm": now, "email_confirm": now}
    values = {name: value for name, value in values.items() if ("users_users", name) in columns}
    created = ("created, ", f"{now}, ") if ("users_usergroups", "created") in columns else ("", "")
    named = ", ".join(map(quote_text, groups))
    return (f"START TRANSACTION;\nINSERT INTO users_users ({', '.join(map(quote_name, values))}) "
            f"VALUES ({', '.join(values.values())});\nSET @helper = LAST_INSERT_ID();\n"
            # Tiki looks for ended memberships only where this is not NULL; 0 says the same of others.
            f"UPDATE users_groups SET expireAfter = 0 WHERE expireAfter IS NULL AND groupName IN ({named});\n"
            + "".join(f"INSERT INTO users_usergroups (userId, groupName, {created[0]}expire) VALUES (@helper, "
                      f"{quote_text(group)}, {created[1]}{now} + {days} * 86400);\n" for group in groups)
            + "COMMIT;\nSELECT groupName, expire FROM users_usergroups WHERE userId = @helper")


def removal(columns: Columns, logins: list[str]) -> str:
    """Return the statements that remove logins of ours, and none else, with all that is theirs."""
    named = ", ".join(map(quote_text, logins))
    ours = f"SELECT {{}} FROM users_users u WHERE u.login IN ({named}) AND {IS_OURS}"
    held = [(table, key) for table, key in HELD_BY.items() if (table, key) in columns and table != "users_users"]
    return "".join(f"DELETE FROM {table} WHERE {key} IN ({ours.format('u.login' if key == 'user' else 'u.userId')});\n"
                   for table, key in held) + f"DELETE u FROM users_users u WHERE u.login IN ({named}) AND {IS_OURS}"


def _drop(instance: Instance, client: Client, columns: Columns, drop: str) -> list[str]:
    """Remove the login that is to go and every one of ours that is over; return their names."""
    over = [login for (login,) in client.query(f"SELECT u.login FROM users_users u WHERE {IS_OURS} AND {IS_OVER}")]
    if drop and drop != EXPIRED:
        _refuse_foreign(instance, client, drop)
        over = list(dict.fromkeys([drop, *over]))
    if over and process.conduct.dry_run:
        output.say(f"would: remove at {instance.name} {', '.join(over)}")
    elif over:
        client.execute(removal(columns, over))
        output.say(f"{instance.name}: removed {', '.join(over)}")
    elif drop:
        output.say(f"{instance.name}: no login of ours is over")
    return over


def _refuse_foreign(instance: Instance, client: Client, login: str) -> None:
    ours = [name for (name,) in client.query(f"SELECT u.login FROM users_users u WHERE {IS_OURS} ORDER BY u.login")]
    if login not in ours:
        raise RefusedError(f"{instance.name}: {login} is no login that make temporary-user made, and stays. "
                           f"Those are: {', '.join(ours) or 'none'}")


def _tell(instance: Instance, login: str, password: str, until: datetime) -> None:
    if not output.manner.is_json:
        output.tell_secret(f"{instance.name}: login {login}, password {password} (shown this once), until "
                           f"{output.local(until)}")
    output.say(f"{instance.name}: at the first login of anybody after that, Tiki takes the groups from {login}; the "
               f"login itself goes with: make temporary-user INSTANCE={instance.name} DROP={EXPIRED}")
