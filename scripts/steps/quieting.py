"""Keeps a copy from acting as its source: no mail, no jobs, no logins that were meant for the source; and undoes it.

What is changed is decided in tiki/quiet.py. The values from before lie on the manager, in a list that is written
before the first change. The list stays after unmuting: an archive of the muted time may come back.
"""

import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from scripts.database.client import Client, quote_text
from scripts.errors import DatabaseError, RefusedError
from scripts.hosts import process
from scripts.hosts.host import Host
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import permissions, restoring, watching_database
from scripts.steps import site as sites
from scripts.steps.site import Site
from scripts.tiki import banner, quiet, small_files
from scripts.tiki.quiet import Columns, Mailer
from scripts.tiki.value_change import Change, State, looks, states

SHOWN = 40  # characters of a value in a sentence; longer ones are somebody's text
QUEUE = "tiki_mail_queue"


@dataclass(frozen=True)
class List:
    """What was muted: the values before and after, and how many rows were removed. Moments are ISO, in UTC."""

    source: str
    moment: str
    muted: str
    changes: tuple[Change, ...]
    emptied: Mapping[str, int] = field(default_factory=dict)
    undone: str = ""


def hush(site: Site, code: Site, source: str, moment: datetime) -> list[str]:
    """Make a database that was just loaded quiet while files of its site still come; `mute` comes behind them.

    code is the site whose code the loaded one has, or will have. Returns a sentence for each table that was emptied.
    """
    sends, warning = _mailer(code)
    _, emptied = _mute(site, sends, not warning, source, moment)
    return emptied


def mute(site: Site, source: str, moment: datetime) -> list[str]:
    """Make a site that was just loaded quiet, and return a sentence for each thing that was changed.

    The page is still on, and the caller empties the caches. Muting what is muted already changes nothing but the
    banner, and keeps the values from before. Raises DatabaseError when something is not as it should be afterwards.
    """
    sends, warning = _mailer(site)
    listed, emptied = _mute(site, sends, not warning, source, moment)
    if warning:
        output.warn(f"{site.instance.name}: {warning}")
    return [*_told([(change, change.state_after) for change in listed], "now"), *emptied]


def _mute(site: Site, sends: Mailer, is_sure: bool, source: str, moment: datetime) -> tuple[list[Change], list[str]]:
    """Write the list and the database; return the changes that are listed, and a sentence for each emptied table."""
    client, instance = site.client, site.instance
    columns = {(table, column): int(most) for table, column, most in client.query(quiet.COLUMNS)}
    there = quiet.found(client.query(";\n".join(quiet.questions(columns, sends, quote_text))))
    blocks = banner.blocks(banner.sentence(source, moment, is_sure), instance.name)
    listed, emptied = _with_older(site, there, quiet.changes(there, sends, blocks, columns))
    now = states(listed, client.query(";\n".join(looks(listed, quote_text))))
    _write(instance, List(source, moment.astimezone(UTC).isoformat(timespec="seconds"), _now(), tuple(listed), emptied))
    _carry_out(client, [(change, state, change.state_after) for change, state in zip(listed, now, strict=True)],
               columns)
    return listed, [f"{table}: emptied ({count} rows)" for table, count in there.emptied.items() if count]


def unmute(instance: Instance) -> list[str]:
    """Give a muted copy its own values back, and return a sentence for each. The change counts at once.

    What somebody changed on the copy since is left, and told. Raises RefusedError when the site is not muted.
    """
    restoring.refuse_half_restored(instance)
    listed = _read(instance.settings, instance.name)
    if not listed:
        raise RefusedError(f"{instance.name}: is not muted: there is no list of what was changed. Nothing was changed")
    with sites.opened(instance) as found:
        client = found.client
        now = states(listed.changes, client.query(";\n".join(looks(listed.changes, quote_text))))
        wanted, left = quiet.undoing(listed.changes, now)
        if listed.undone and not any(banner.marked(value) for _, value in now):
            raise RefusedError(f"{instance.name}: is not muted: it was unmuted at {output.local_text(listed.undone)}. "
                               "Nothing was changed")
        follow = watching_database.following(found)
        _carry_out(client, wanted)
        follow()
        waiting = _waiting(client, found.table_names)
    permissions.empty_caches(instance)
    _write(instance, replace(listed, undone=_now()))
    return [*_told([(change, state) for change, _, state in wanted], "again"),
            *(f"{change.name}: was changed on this copy since it was muted, and stays as it is" for change in left),
            *(f"{table}: what was removed does not come back ({count} rows)"
              for table, count in listed.emptied.items()), *waiting]


def note_loud(instance: Instance) -> None:
    """Remember that the database was replaced by one that nothing was muted in."""
    listed = in_force(instance)
    if listed:
        _write(instance, replace(listed, undone=_now()))


def is_muted(instance: Instance) -> bool:
    """Whether the copy was muted and not unmuted since, as its list says."""
    return in_force(instance) is not None


def in_force(instance: Instance) -> List | None:
    """Return the list of what was changed on a copy that is muted now."""
    listed = _read(instance.settings, instance.name)
    return listed if listed and not listed.undone else None


def source_of(instance: Instance) -> str:
    """Return of whom a site is, or was, a muted copy; nothing when it never was one."""
    listed = _read(instance.settings, instance.name)
    return listed.source if listed else ""


def _mailer(site: Site) -> tuple[Mailer, str]:
    """Return how the site sends mail, and what keeps us from being sure that it does not any more."""
    host, web_root = site.instance.host, site.instance.web_root
    sends = quiet.mailer("\n".join(re.findall(quiet.WAYS, _content(host, web_root, quiet.MAILLIB) or "")))
    if not sends.ways:
        return sends, (f"nothing in {web_root}/{quiet.MAILLIB} says how this Tiki sends mail, so that its preferences "
                       "may not keep it from sending. Let sendmail_path in its php.ini be /bin/true")
    system = site.probe.config.system_configuration_file if site.probe.config else ""
    path = system if system.startswith("/") else f"{web_root}/{system}"
    text = _content(host, *posixpath.split(path)) if system and host.present(path) else ""
    if text is None:
        return sends, (f"{path} may not be read by this account, and what it sets counts more than the database: mail "
                       "may still go out. Look whether it sets how mail is sent")
    named = re.search(rf"^ *(preference\.(?:{'|'.join(sends.quiet)}))\b", text, re.MULTILINE)
    return sends, (f"{path} sets {named[1]}, which counts more than the database: mail may still go out. Take the line "
                   "out there") if named else ""


def _content(host: Host, folder: str, name: str) -> str | None:
    """Return the text of a file; None when it is not there, or may not be read: grep would find no match in either."""
    file = small_files.read(host, folder, (name,)).get(name)
    return file.content.decode("utf-8", "replace") if file else None


def _with_older(site: Site, there: quiet.Found, fresh: list[Change]) -> tuple[list[Change], dict[str, int]]:
    """Return what the list holds: changes, and the rows removed.

    A database may be a muted copy's own: it came from an archive, or from such a copy. Its banner says of which, and
    only that one's list knows the values from before.
    """
    emptied = {table: count for table, count in there.emptied.items() if count}
    name = banner.marked(there.preferences.get(banner.PREFERENCE))
    older = _read(site.instance.settings, name) if name else None
    if not older:
        return fresh, emptied
    now = states(older.changes, site.client.query(";\n".join(looks(older.changes, quote_text))))
    return quiet.together(fresh, older.changes, now), {**older.emptied, **emptied}


def _carry_out(client: Client, wanted: list[tuple[Change, State, State]], columns: Columns | None = None) -> None:
    """Bring values from one state to another; with columns, remove too what has to go; and read all of it back."""
    statements = [change.statement(now, then, quote_text) for change, now, then in wanted if now != then]
    proofs = looks([change for change, _, _ in wanted], quote_text)
    told = client.execute(";\n".join(["START TRANSACTION", *statements, *(quiet.emptying(columns) if columns else ()),
                                      "COMMIT", *proofs, *(quiet.counts(columns) if columns else ())]))
    if process.conduct.dry_run:
        return
    after = states([change for change, _, _ in wanted], [row for row in told if row[0] != "rows"])
    wrong = [change.name for (change, _, then), state in zip(wanted, after, strict=True) if state != then]
    wrong += [table for kind, table, count in (row for row in told if row[0] == "rows") if count != "0"]
    if wrong:
        raise DatabaseError(f"{client.place}: not as it was written: {', '.join(wrong)}. Does somebody work at the "
                            "site? Repeat the call")


def _told(changed: Iterable[tuple[Change, State]], again: str) -> list[str]:
    """Return a sentence for each value that was changed; rows of a table that become the same are counted."""
    told: Counter[tuple[str, str]] = Counter()
    for change, state in changed:
        if change.key == (("name", banner.PREFERENCE),):
            told[change.name, "has the banner" if banner.marked(state[1]) else "without the banner"] += 1
        elif change.table == quiet.PREFERENCES:
            told[change.name, _shown(state)] += 1
        else:
            told[f"{change.table} {change.column}", _shown(state)] += 1
    return [f"{name}: {shown} {again}" + (f" ({count} rows)" if count > 1 else "")
            for (name, shown), count in told.items()]


def _shown(state: State) -> str:
    """Return a value as a sentence holds it; a long one is somebody's text."""
    is_there, value = state
    if not is_there:
        return "Tiki's default"
    return "NULL" if value is None else repr(value) if len(value) <= SHOWN else "what it was"


def _waiting(client: Client, tables: Iterable[str]) -> list[str]:
    """Return a sentence about mails that wait on the copy: they go out with the next run of its queue."""
    count = client.query(f"SELECT COUNT(*) FROM {QUEUE}")[0][0] if QUEUE in tables else "0"
    return [] if count == "0" else [f"{QUEUE}: {count} mails of this copy wait in it, and go out from now on"]


def _read(settings: Settings, name: str) -> List | None:
    """Return the list of a copy, None when it was never muted."""
    try:
        told = json.loads(_path(settings, name).read_text())
    except FileNotFoundError:
        return None
    return List(**{**told, "changes": tuple(map(Change.of, told["changes"]))})


def _write(instance: Instance, listed: List) -> None:
    path = _path(instance.settings, instance.name)
    MANAGER.make_folder(str(path.parent), 0o700)
    MANAGER.write(str(path), json.dumps(asdict(listed), indent=1).encode(), 0o600)


def _path(settings: Settings, name: str) -> Path:
    return settings.state / "status" / f"{name}.muted.json"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
