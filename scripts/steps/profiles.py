"""Applies one of Tiki's profiles by its console, and says what that changed.

The console ends with 0 whatever happens, and a profile that breaks half-way has changed something by then.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.database.client import Client, Row
from scripts.errors import CommandError, DatabaseError
from scripts.steps import permissions, profile_sources
from scripts.steps.comparing_database import HIDDEN
from scripts.steps.profile_sources import Source
from scripts.steps.site import Site
from scripts.tiki import console
from scripts.tiki.expected import MOVING_PREFERENCES, is_secret_preference
from scripts.tiki.permissions import WRITABLE

SYMBOLS = "tiki_profile_symbols"
DONE = "Profile applied."
# What the console prints of a preference, when it tells what it would do and when it tells how it failed.
PREFERENCE = re.compile(r"(?P<start>.*?\bset: (?P<name>\w+)\s*=\s*).*")
SHOWN = 100             # characters of a value in a line
SAID_LINES = 6          # of what the console says went wrong, in a message


@dataclass(frozen=True)
class Preference:
    """One preference that changed; None for no row, which is Tiki's default. What is secret is not in it."""

    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"preference {self.name}: {_quoted(self.before)} is now {_quoted(self.after)}"


@dataclass
class Applied:
    """What a profile did; objects are what the site remembers of it, type and name."""

    name: str
    was_applied: bool = False
    preferences: list[Preference] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return what it did, a sentence each."""
        if self.was_applied:
            return [f"{self.name} was applied before: nothing was changed. FORCE=1 applies it again"]
        return [*map(str, self.preferences), *(f"{self.name}: {one}" for one in self.objects)]


def apply(site: Site, source: Source, force: bool) -> Applied:
    """Apply a profile and return what that changed; raise CommandError when the console or the site says it failed."""
    before, known = preferences(site.client), _symbols(site.client)
    try:
        with profile_sources.sent(site.instance, source) as words:
            said = _call(site, [*words, *(["--force"] if force else [])])
    finally:
        settle(site)
    own = {row for row in known if row[1] == source.name}
    now = _symbols(site.client)
    made = {row for row in now if row[1] == source.name or row not in known} if force else now - known
    done = Applied(source.name, preferences=changed(before, preferences(site.client)),
                   objects=sorted({f"{kind} {value}" for _, _, kind, value in made}))
    if DONE not in said and not done.preferences and not done.objects:
        _require_words(site, source, said)
        done.was_applied = bool(own) and not force
    return done


def preview(site: Site, source: Source) -> list[str]:
    """Return what the console says that a profile would change; raise DatabaseError when asking changed something.

    It is asked in a dry run.
    """
    before = preferences(site.client), _symbols(site.client)
    since = permissions.clock(site.instance)
    try:
        with profile_sources.sent(site.instance, source) as words:
            said = _call(site, [*words, "--dry-run"], dry=True)
    finally:
        permissions.give_to_owner(site.instance, site.probe, WRITABLE, since, in_dry_run=True)
    if before != (preferences(site.client), _symbols(site.client)):
        raise DatabaseError(f"{site.instance.name}: Tiki's dry run of {source.name} changed the database, which it "
                            f"must not. Next: make compare A={site.instance.name}@latest B={site.instance.name}")
    return [line for line in said if line.strip() and not line.startswith("Dry-run for profile")]


def settle(site: Site) -> None:
    """Empty the caches; when the console ran as root, give back what it wrote."""
    permissions.empty_caches(site.instance)
    permissions.give_to_owner(site.instance, site.probe, WRITABLE)


def preferences(client: Client) -> dict[str, str | None]:
    """Return the preferences that are not Tiki's defaults; what Tiki itself changes as it runs is left out."""
    rows = client.query("SELECT name, value FROM tiki_preferences")
    return {name: value for name, value in rows if name not in MOVING_PREFERENCES}


def changed(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> list[Preference]:
    """Return which preferences are not the same, without showing what is secret."""
    found = []
    for name in sorted(set(before) | set(after)):
        values = (before.get(name), after.get(name))
        if values[0] != values[1]:
            is_secret = is_secret_preference(name)
            found.append(Preference(name, *(HIDDEN if is_secret and value else value for value in values)))
    return found


def without_secrets(line: str) -> str:
    """Return a line of the console that does not show the value of a secret preference."""
    found = PREFERENCE.fullmatch(line)
    return f"{found['start']}{HIDDEN}" if found and is_secret_preference(found["name"]) else line


def _call(site: Site, words: list[str], dry: bool = False) -> list[str]:
    """Return the lines that profile:apply printed; raise CommandError when one of them tells a failure."""
    instance = site.instance
    call = console.call(instance, site.probe, ["profile:apply", "-n", *words])
    try:
        answer = (instance.host.read if dry else instance.host.run)(*call)
    except CommandError as error:
        raise CommandError(f"{instance.name}: Tiki's profile:apply failed: {error}", code=error.code) from error
    lines = answer.decode("utf-8", "replace").splitlines()
    failures = [without_secrets(failure) for line in lines if (failure := console.failure(line))]
    if failures:
        raise CommandError(f"{instance.name}: profile {words[0]}: {' / '.join(failures[:SAID_LINES])}")
    return [without_secrets(console.plain(line)) for line in lines]


def _symbols(client: Client) -> set[Row]:
    """Return domain, profile, type and value of what was made by profiles."""
    if not client.query(f"SHOW TABLES LIKE '{SYMBOLS.replace('_', chr(92) + '_')}'"):
        return set()
    return set(client.query(f"SELECT domain, profile, type, value FROM {SYMBOLS}"))


def _require_words(site: Site, source: Source, said: list[str]) -> None:
    """Raise CommandError when the console ended without a word: then it did nothing, whatever its exit code."""
    if not any(line.strip() for line in said):
        name = site.instance.name
        raise CommandError(f"{name}: profile {source.name}: Tiki's console ended with 0, said nothing and changed "
                           f"nothing. Next: make cli INSTANCE={name} COMMAND=\"profile:apply {source.name}\"")


def _quoted(value: str | None) -> str:
    if value is None or value == HIDDEN:
        return value or "the default"
    text = value.replace("\n", " ")
    return f"'{text}'" if len(text) <= SHOWN else f"'{text[:SHOWN]}...' ({len(value)} characters)"
