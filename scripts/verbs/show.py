"""make show: a throw-away Tiki of a version with administrator rights, in seconds, on this machine.

It is made from a base: a Tiki of that version which was installed once (PREPARE=1, else by the first show). Passwords
are told once and kept as hashes. A fault takes back all of it; so does the next show after a run that was killed.
"""

import os
import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace

from scripts.code import words
from scripts.errors import BusyError, Fault, UsageError
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry import locks
from scripts.registry.settings import Settings
from scripts.steps import creating, showing, showing_bases, showing_building, showing_quota
from scripts.steps import showing_places as places
from scripts.steps.showing import Show
from scripts.steps.showing_bases import Base
from scripts.tiki import htpasswd, passwords

VIEWER = "show"        # who gets past the guard when no user is named
RANDOM_BYTES = 3       # of an id's random word: six letters


@dataclass(frozen=True)
class Wishes:
    """What was asked for. is_prepared takes a base that is there and makes none: what a stranger may ask for."""

    version: str
    issue: str = ""
    user: str = ""
    expires: str = ""
    php_check: bool = True
    is_prepared: bool = False


def wishes(version: str | None, issue: str, user: str, expires: str, php_check: bool) -> Wishes:
    """Return what was asked for; at a terminal the version is asked for. Raises UsageError for another form."""
    if not version:
        if not prompts.can_ask():
            raise UsageError("VERSION= is missing: a release as in 24.4, a branch as in 24.x, or trunk. What can be "
                             "had says: make versions")
        version = prompts.ask("VERSION, a release as in 24.4, a branch as in 24.x, or trunk", check=words.parse)
    words.parse(version)
    showing.check_owner(issue, user)
    if expires:
        showing.lifetime(expires)
    return Wishes(version, issue, user, expires, php_check)


def prepare(settings: Settings, asked: Wishes) -> dict[str, object]:
    """Make the base of a version's newest code, for the shows to come."""
    places.require(settings)
    places.refuse_maintenance(settings)
    base = showing_bases.made(settings, asked.version, asked.php_check, output.say)
    dropped = showing_bases.drop_unused(settings, "show")
    output.say(f"{asked.version}: shows of Tiki {base.tiki} can be made from {base.key}")
    return {"base": base.key, "version": base.version, "tiki": base.tiki, "moment": base.moment, "dropped": dropped}


def show(settings: Settings, asked: Wishes) -> dict[str, object] | None:
    """Make a show and return what is to be told of it, passwords included; None in a dry run.

    Who has one for this issue already is told where it is; nothing is changed then.
    """
    started = time.monotonic()
    places.require(settings)
    places.refuse_maintenance(settings)
    there = showing.find(settings, asked.issue, asked.user)
    if there and not _is_left(there):
        return _told_again(settings, there)
    base = showing_bases.ready(settings, asked.version) if asked.is_prepared else \
        showing_bases.newest(settings, asked.version) or \
        showing_bases.made(settings, asked.version, asked.php_check, output.say)
    if process.conduct.dry_run:
        output.say(f"would: make a show of Tiki {base.tiki} in {settings.show_root}, {settings.show_url}")
        return None
    clear_left(settings)
    viewer, viewer_password = asked.user.replace(" ", "-") or VIEWER, passwords.new()
    with ExitStack() as held:
        made, is_new = _registered(settings, asked, base, f"{viewer}:{htpasswd.hashed(viewer_password)}", held)
        if not is_new:
            return _told_again(settings, made)
        password = _built(settings, made)
        expires = showing.now() + showing.lifetime(asked.expires or settings.show_expires)
        made = showing.active(settings, made.id, made=showing.now().isoformat(), expires=expires.isoformat())
    return _tell(settings, made, password, (viewer, viewer_password), time.monotonic() - started)


def clear_left(settings: Settings) -> None:
    """Take away what killed runs left half made."""
    for left in filter(_is_left, showing.all_of(settings)):
        try:
            with locks.hold(settings, [showing.lock(left.id)], "show"):
                # Another run may have taken it away meanwhile, and made the same one again.
                if left in showing.all_of(settings):
                    showing_building.take_away(settings, left)
                    showing.forget(settings, left.id)
        except BusyError:
            continue


def _is_left(one: Show) -> bool:
    return one.state == showing.BUILD and not one.is_at_work


def _registered(settings: Settings, asked: Wishes, base: Base, viewer: str, held: ExitStack) -> tuple[Show, bool]:
    """Write that a show is being made, hold it from then on, and return it; or the one that another run has made
    meanwhile, and False.
    """
    with showing.listing(settings):
        there = showing.find(settings, asked.issue, asked.user)
        if there:
            return there, False
        # The one from above may have been removed since.
        base = showing_bases.of_key(settings, base.key) or showing_bases.ready(settings, base.version)
        showing_quota.refuse(settings, base)
        show_id = showing.new_id(settings, asked.issue, asked.user, secrets.token_hex(RANDOM_BYTES))
        made = Show(show_id, showing.BUILD, base.version, base.tiki, base.key, asked.issue, asked.user, viewer=viewer,
                    database=places.database_name(settings, show_id), pid=os.getpid(), begun=showing.now().isoformat())
        held.enter_context(locks.hold(settings, [showing.lock(show_id)], "show"))
        showing.write(settings, made)
        return made, True


def _built(settings: Settings, made: Show) -> str:
    """Build a show and return its administrator's password; after a fault nothing of it is left."""
    try:
        return showing_building.fill(settings, made, showing_bases.require(settings, made.base))
    except BaseException:
        try:
            showing_building.take_away(settings, made)
            showing.forget(settings, made.id)
        except (Fault, OSError) as second:
            showing.write(settings, replace(made, pid=0, reason="its making"))
            output.warn(f"{made.id}: taking back failed: {second}. Next: make show-destroy ID={made.id}")
        raise


def _told_again(settings: Settings, there: Show) -> dict[str, object]:
    known = showing.told(settings, there)
    output.say(f"{there.id}: there already, {known['state']}: {known['url']}. New passwords, and everything else in it "
               f"new too: make show-reset ID={there.id}")
    return {**known, "is_new": False}


def _tell(settings: Settings, made: Show, password: str, viewer: tuple[str, str], seconds: float) -> dict[str, object]:
    known = showing.told(settings, made)
    output.say(f"{made.id}: Tiki {made.tiki} at {known['url']} until {output.local_text(made.expires)}, made in "
               f"{output.duration(seconds)}")
    if not output.manner.is_json:
        tell_passwords(made.id, password, viewer)
    return {**known, "is_new": True, "admin": creating.ADMIN, "admin_password": password, "viewer": viewer[0],
            "viewer_password": viewer[1], "seconds": round(seconds, 1)}


def tell_passwords(show_id: str, password: str, viewer: tuple[str, str]) -> None:
    """Show the passwords, which no log and no file holds."""
    output.tell_secret(f"{show_id}: the web server asks for the login {viewer[0]} with the password {viewer[1]}  "
                       "(shown once)")
    output.tell_secret(f"{show_id}: in Tiki log in as {creating.ADMIN} with the password {password}  (shown once)")
