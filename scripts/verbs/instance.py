"""make instance: takes over a living Tiki, or creates one in an empty folder.

Taking over looks at everything, writes one env file here and nothing there. Creating checks first whether that Tiki
could run there, and takes back what it did when a step fails.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import RegistryError, UsageError
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry import locks
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
from scripts.steps import creating, enrolling, half_created, made_here, site
from scripts.steps.site import Site
from scripts.tiki import layout, probe
from scripts.tiki.version import Version, parse_version


@dataclass(frozen=True)
class Wanted:
    """What to create where there is no Tiki yet: a version word or the code itself, and with which rights."""

    version: str = ""
    source: str = ""
    creation: creating.Wishes = creating.Wishes()

    @property
    def is_given(self) -> bool:
        return bool(self.version or self.source)


def instance(settings: Settings, name: str | None, given: dict[str, str], database: dict[str, str],
             wanted: Wanted) -> None:
    """Register the Tiki in given's WEB_ROOT under a new name; database holds the DB_* keys of the environment."""
    name = enrolling.new_name(settings, name)
    answers = enrolling.ask_place(settings, given)
    taken, told = enrolling.ask_until_it_works(settings, name, answers, lambda one: _look(settings, one, wanted))
    if told is None:
        _create(settings, name, answers, database, wanted)
        return
    if wanted.is_given:
        raise UsageError(f"{name}: {taken.web_root} holds a Tiki already; VERSION= and SOURCE= create one in an empty "
                         "folder. Nothing was changed")
    for line in told:
        output.say(f"{name}: {line}")
    if "WEB_URL" not in given:
        answers["WEB_URL"] = enrolling.ask("WEB_URL", "")
    if "STAGE" not in given:
        answers["STAGE"] = enrolling.ask("STAGE", "")
    enrolling.write(settings, enrolling.made(settings, name, answers),
                    f"taken over. Next: make backup INSTANCE={name}")
    half_created.end(taken)


def _look(settings: Settings, one: Instance, wanted: Wanted) -> list[str] | None:
    """Return what was found, a line each, or None for a place where one is to be created."""
    enrolling.refuse_twins(settings, one)
    if wanted.is_given and half_created.unfinished(one):
        return None
    found = probe.look(one)
    if found.state in ("empty", "missing"):
        if wanted.is_given or prompts.can_ask():
            return None
        raise RegistryError(f"{one.name}: {one.web_root} is {found.state}: there is no Tiki to take over. To create "
                            f"one there: VERSION=24.x; for a place to restore into: make blank NAME={one.name} "
                            f"WEB_ROOT={one.web_root}")
    with site.opened(one) as opened:
        return _lines(opened)


def _create(settings: Settings, name: str, answers: dict[str, str], database: dict[str, str], wanted: Wanted) -> None:
    """Create a Tiki and register it; the administrator's password is said once and kept nowhere."""
    from scripts.code import trees  # here: taking over needs none of it

    version = wanted.version
    if not wanted.is_given:
        version = prompts.ask("There is no Tiki yet. Version to create (24.4, 27.x, trunk)", check=_is_said)
    answers = {**answers, **database}
    if not wanted.creation.db_admin:
        for key in ("DB_HOST", "DB_NAME", "DB_USER", "DB_PASS"):
            answers[key] = answers.get(key) or enrolling.ask(key, "localhost" if key == "DB_HOST" else "")
    if "WEB_URL" not in answers:
        answers["WEB_URL"] = enrolling.ask("WEB_URL", "")
    one = enrolling.made(settings, name, answers)
    tree = trees.prepared(settings, version or _version_of(wanted.source), wanted.source or None, verb="instance",
                          tell=output.say)
    # What another run is still creating looks like what a killed one left.
    with locks.hold(settings, [Lock(name, exclusive=True)], "instance"):
        enrolling.new_name(settings, name)
        output.say(f"{name}: creating Tiki {tree.version} in {one.web_root}")
        made = creating.create(one, tree, wanted.creation)
        kept = {key: value for key, value in answers.items() if not key.startswith("DB_")}  # db/local.php has them now
        enrolling.write(settings, enrolling.made(settings, name, kept), f"created. Next: make backup INSTANCE={name}")
        if not process.conduct.dry_run:
            with site.opened(one) as found:
                made_here.remember(found)
    if not process.conduct.dry_run:
        output.tell_secret(f"{name}: log in as {creating.ADMIN} with the password {made.password}  (shown once)")


def _version_of(source: str) -> str:
    """Return the version that a file's name or the code in a folder says; raise UsageError when neither does."""
    class_file = Path(source) / layout.VERSION_FILES[0]
    edition = parse_version(class_file.read_text(errors="replace")) if class_file.is_file() else None
    named = re.search(r"\d+\.\d+(?:\.\d+)*", Path(source).name)
    found = Version(str(edition.version)).base if edition else ()
    if not named and not found:
        raise UsageError(f"SOURCE={source}: its name does not say which version it is. Add VERSION=")
    return ".".join(map(str, found)) if found else named[0]


def _is_said(answer: str) -> None:
    if not answer:
        raise UsageError("a version is needed; Ctrl-C ends, nothing is written")


def option_file(text: str | None) -> Path | None:
    """Return DB_ADMIN= as a path; raise UsageError when there is no such file."""
    if not text:
        return None
    path = Path(text).expanduser()
    if not path.is_file():
        raise UsageError(f"DB_ADMIN={text}: there is no such option file on this machine")
    return path


def _lines(found: Site) -> list[str]:
    probed, client = found.probe, found.client
    checkout = f", a {'/'.join(probed.checkouts)} checkout" if probed.checkouts else ""
    lines = [f"Tiki {probed.version} ({probed.branch or 'branch unknown'}){checkout}, "
             f"in {found.instance.web_root}, owned by {probed.owner}:{probed.group}",
             f"PHP {probed.php_version or 'was not found: the dump works, the console does not'}",
             f"database {found.account.name} on {found.account.socket or found.account.host}, "
             f"{len(found.tables)} tables, {output.size(found.database_bytes)}, server {client.server_version()}"]
    lines += [f"data folder {folder.path} ({', '.join(folder.used_by)})" for folder in found.folders]
    lines += [f"data folder {folder.path} ({', '.join(folder.used_by)}) "
              f"{folder.why_missing.replace('is not', 'IS NOT', 1)}" for folder in found.missing]
    if not found.instance.site and probed.sites:
        lines.append(f"virtual sites with databases of their own: {', '.join(probed.sites)}. Register each with SITE=")
    return lines
