"""Makes a site what an unpacked archive says: trees first, then the database, under the maintenance page.

What a clone does alike takes no archive: where folders go, a blank's account, values that name places and addresses.

The target keeps its own db/local.php and its own places for data; what the archive left out is left alone.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.database import load, unchanged
from scripts.database.account import Account
from scripts.database.client import quote_text
from scripts.errors import DatabaseError, Fault
from scripts.hosts import moments, transfer
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import archive_links, collect, dressing, restoring, restricting, site, site_links, visitors
from scripts.steps.dumping import INDEX_TABLE
from scripts.steps.site import Site
from scripts.steps.unpacking import Unpacked
from scripts.store.manifest import APP, CONF_EXTERNAL, DATA, Part
from scripts.tiki import addresses as preferences
from scripts.tiki import config, console, data_folders, folder_facts, layout, maintenance, probe
from scripts.tiki.data_folders import DataFolder
from scripts.tiki.maintenance_page import Notice


@dataclass
class Replaced:
    """What was changed beyond making things equal: values of the database that name moved folders, and warnings."""

    rewritten: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def places(unpacked: Unpacked, target: Site, is_own: bool) -> dict[str, str]:
    """Return where each folder of the archive goes at the target, by the path it was archived under.

    is_own: the archive is of this very site, so everything goes back where it was. Otherwise a data folder goes to
    the target's own place for the same use, or below its DATA_ROOT; never to the source's.
    """
    folders = [part for part in unpacked.parts if part.kind == DATA]
    if is_own:
        return {unpacked.app.path: target.instance.web_root, **{part.path: part.path for part in folders}}
    return own_places(unpacked.app.path, folders, target)


def never(instance: Instance, parts: Iterable[Part], goes: Mapping[str, str]) -> dict[str, str]:
    """Return which folders must go nowhere, by their paths in the archive, and why: they are no place for a site."""
    folders = {path: place for path, place in goes.items() if place != instance.web_root}
    if not folders:
        return {}
    looked = folder_facts.look(instance.host, folders.values())
    extra = {path.rstrip("/") for path in instance.extra_paths}
    inboxes = {part.path for part in parts if data_folders.are_inboxes(part.used_by)}
    return {path: reason for path, place in folders.items()
            if (reason := data_folders.why_never(looked.facts[place].real, looked.temporary,
                                                 looked.facts[place].is_open and place not in extra
                                                 and path in inboxes))}


def own_places(web_root: str, folders: Iterable[Part | DataFolder], target: Site, is_elsewhere: bool = False
               ) -> dict[str, str]:
    """Return where the web root and the data folders of another site go at the target, by their paths there.

    is_elsewhere: the other site is on another machine, so that a path of the same name is another folder.
    """
    goes = {web_root: target.instance.web_root}
    for folder in folders:
        not_there = set() if is_elsewhere else {folder.path}
        goes[folder.path] = _own_place(folder, target, {*goes.values(), *not_there})
    return goes


def trees(unpacked: Unpacked, target: Site, goes: dict[str, str], is_own: bool, notice: Notice,
          kept: Sequence[str] = ()) -> str:
    """Copy every tree to its place at the target; return the web root's own time, in seconds with all digits.

    notice is what the page tells that is up there, kept are patterns of further files that the target's web root keeps.
    """
    instance, host = target.instance, target.instance.host
    gives_owners = transfer.is_root_at(host)
    app = str(unpacked.folder(unpacked.app))
    web_root_time = moments.seconds(unpacked.folder(unpacked.app).stat().st_mtime_ns)
    # The archive may have been made while the page was up; then the page travels, so that the target stays closed.
    maintenance.turn_off(MANAGER, app)
    visitors.show(instance, app, notice, MANAGER)
    for part in unpacked.parts:
        if part.kind not in (APP, DATA) or part.path not in goes:
            continue
        stays = (*_kept_files(unpacked, target, is_own), *kept) if part.kind == APP else \
            data_folders.web_root_inside(goes[part.path], instance.web_root)
        host.make_folder(goes[part.path])
        dress = dressing.of(unpacked, part, (*stays, *collect.OF_DISKS), owner_coming(unpacked, target, is_own),
                            gives_owners)
        links = [] if is_own else archive_links.of_part(unpacked, target, part, goes, stays)
        copied = transfer.put(str(unpacked.folder(part)), host, goes[part.path],
                              [*site_links.filters([one.name for one in links]), *transfer.excluding(stays),
                               transfer.but(layout.DISKS_OWN), transfer.BY_CONTENT], dress.owner)
        for line in site_links.lay(host, goes[part.path], links, dress.owner)[1]:
            output.warn(f"{instance.name}: {line}")
        dress.give(host, goes[part.path])
        if gives_owners and os.geteuid() and not dress.owner:
            output.warn(f"{instance.name}: {goes[part.path]} belongs to account {os.geteuid()} now, which is the "
                        "manager's: the archive has no index that says whose it is. Next, at the host: chown -R OWNER: "
                        f"{goes[part.path]}")
        output.say(f"{instance.name}: {goes[part.path]}: {copied.files} files, {output.size(copied.size_bytes)} copied")
    return web_root_time


def open_again(instance: Instance, web_root_time: str | None) -> None:
    """Let visitors in and the web root show this time, in seconds: the one it had in the archive.

    The restriction comes first: the archive's .htaccess knows nothing of it, or names another site's.
    """
    restricting.apply(instance)
    restoring.mark(instance, is_open=True)
    visitors.let_in(instance)
    if web_root_time is not None:
        instance.host.set_time(instance.web_root, web_root_time)


def configuration(unpacked: Unpacked, target: Site, is_own: bool) -> list[str]:
    """Give a blank its db/local.php; put an external system configuration back. Return warnings."""
    instance = target.instance
    if target.probe.config is None and not _takes_archived_config(target, is_own):
        give_account(target, unpacked.manifest.tiki_version if unpacked.manifest else "")
    warnings = []
    for part in unpacked.parts:
        if part.kind == CONF_EXTERNAL and is_own:
            instance.host.write(part.path, unpacked.folder(part).read_bytes())
        elif part.kind == CONF_EXTERNAL:
            warnings.append(f"{part.path} is a system configuration of the source's host; it was not put in place")
    return warnings


def give_account(target: Site, version: str) -> None:
    """Write the db/local.php of a target that has none."""
    write_account(target.instance, target.account, version, layout.local_php(target.instance.site))


def write_account(instance: Instance, account: Account, version: str, name: str) -> None:
    """Write an account into a file of the web root as Tiki reads it; it belongs to whom the web root belongs."""
    text = config.local_php_text(account.host, account.port, account.socket, account.user, account.password,
                                 account.name, version)
    path = f"{instance.web_root}/{name}"
    instance.host.write(path, text, 0o640)
    if transfer.is_root_at(instance.host):
        instance.host.run("chown", f"--reference={instance.web_root}", "--", path)


def database(unpacked: Unpacked, target: Site, is_full: bool = False) -> None:
    """Make the target's database equal to the archive's: what is not in it is gone, and equal tables stay.

    is_full: they do not. Raises DatabaseError when the load broke, or when a table holds another number of rows
    afterwards.
    """
    alike = {} if is_full else unchanged.alike(target.client, unpacked.tables)
    load.drop_everything(target.client, keep=alike)
    with open(unpacked.dump, "rb") as dump:
        loaded = load.load(target.client, out_of=dump, alike=alike)
    _tell(target.instance, unpacked, loaded)
    present = {table.name for table in target.client.tables() if not table.is_view}
    lacking = sorted(set(unpacked.tables) - present)
    if lacking:
        raise DatabaseError(f"{target.client.place}: after the load these tables are missing: {', '.join(lacking)}")
    counts = load.row_counts(target.client, sorted(unpacked.tables))
    for name, table in unpacked.tables.items():
        if counts[name] != table.rows:
            raise DatabaseError(f"{target.client.place}: after the load table {name} has {counts[name]} rows instead "
                                f"of {table.rows}")


def _tell(instance: Instance, unpacked: Unpacked, loaded: load.Loaded) -> None:
    """Say what the load did, where it was not simply all of it at once."""
    tables, kept = len(unpacked.tables), len(loaded.kept)
    if kept:
        output.say(f"{instance.name}: {tables} tables: {tables - kept} loaded, {kept} were equal")
    if loaded.tries > 1:
        output.warn(f"{instance.name}: another client of its database held a lock: the dump was loaded after "
                    f"{loaded.tries} tries")
    if loaded.refused:
        output.warn(f"{instance.name}: the database was loaded by {loaded.connections} of the connections it could "
                    f"have, because the server gave no more: {loaded.refused}. Next: let its account have more, or "
                    "set LOAD_JOBS in conf/settings.env")


def moved_folders(web_root: str, target: Site, goes: dict[str, str]) -> list[str]:
    """Let the database name the folders' new places; return a sentence for each value that was changed.

    web_root is the one that the database was loaded from.
    """
    moves = {old: new for old, new in goes.items() if old != new}
    if not moves:
        return []
    rows = site.folder_rows(target.client, target.account.charset)
    found = data_folders.rewrites(rows, web_root, {**moves, **_linked(web_root, target, goes, rows)})
    if found:
        target.client.execute(";\n".join(one.sql(quote_text) for one in found))
    return [f"{one.table} {one.key_value}: {one.old} is now {one.new}" for one in found]


def _linked(web_root: str, target: Site, goes: Mapping[str, str], rows: data_folders.Rows) -> dict[str, str]:
    """Return where names inside the web root go that lead out of it by a link to one of the source's folders.

    The link came with the tree: a site that used it would write into the uploads of the one it is a copy of. Where it
    leads to the target's own place by now, that is named all the same.
    """
    names = data_folders.inside(rows, web_root)
    own = {place: place for path, place in goes.items() if path != web_root}
    goes = {**dict(zip(target.instance.host.real_paths(*own), own)), **own, **goes}
    real = target.instance.host.real_paths(*(f"{target.instance.web_root}/{name}" for name in names))
    found = {}
    for name, path in zip(names, real):
        outer = max((one for one in goes if one != web_root and data_folders.is_within(path, one)), key=len, default="")
        if outer:
            found[f"{web_root}/{name}"] = f"{goes[outer]}{path.removeprefix(outer)}"
    return found


def addresses(source_url: str, target: Site) -> list[str]:
    """Let preferences that name the source's address name the target's; return a sentence for each."""
    found = preferences.rewritten(target.client.query(preferences.SQL), source_url, target.instance.web_url)
    if found:
        target.client.execute(";\n".join(
            f"UPDATE tiki_preferences SET value = {quote_text(new)} WHERE name = {quote_text(name)}"
            for name, (_, new) in found.items()))
    return [f"tiki_preferences {name}: {old} is now {new}" for name, (old, new) in found.items()]


def search_index(unpacked: Unpacked, target: Site) -> list[str]:
    """Build the search index anew when the archive has none; return warnings. The console's exit code says nothing."""
    if any(INDEX_TABLE.fullmatch(name) for name in unpacked.tables):
        return []
    instance = target.instance
    warning = f"the archive holds no search index. Next: make cli INSTANCE={instance.name} COMMAND=index:rebuild"
    left_out = unpacked.manifest.database.get("tables_left_out") if unpacked.manifest else ()
    if not left_out:
        return [warning] if unpacked.manifest is None else []
    for word in ("index:rebuild", "preferences:rebuild-index"):
        try_console(instance, word)
    rebuilt = any(INDEX_TABLE.fullmatch(table.name) for table in target.client.tables())
    return [] if rebuilt else [warning]


def try_console(instance: Instance, word: str) -> None:
    """Run one command of the site's console; what fails is a warning, because the site itself is whole."""
    try:
        instance.host.run(*console.call(instance, probe.look(instance), [word, "-n"]))
    except Fault as fault:
        output.warn(f"{instance.name}: {fault}")


def _own_place(part: Part | DataFolder, target: Site, taken: set[str]) -> str:
    """Return the target's own folder for one of another site."""
    same = [folder.path for folder in (*target.folders, *target.missing)
            if set(folder.used_by) & set(part.used_by) and folder.path not in taken and not folder.never]
    if same:    # of several, as of EXTRA_PATHS, the one with the same name
        return next((path for path in same if Path(path).name == Path(part.path).name), same[0])
    root = target.instance.data_root or f"{target.instance.web_root}-data"
    name = Path(part.path).name or "data"
    return next(path for number in range(1, 1000)
                if (path := f"{root}/{name}" + (f"-{number}" if number > 1 else "")) not in taken)


def owner_of(target: Site) -> str | None:
    """Return user:group of the target's web root, when owners can be given there."""
    probe = target.probe
    return f"{probe.owner}:{probe.group}" if probe.owner and transfer.is_root_at(target.instance.host) else None


def owner_coming(unpacked: Unpacked, target: Site, is_own: bool) -> str | None:
    """Return user:group of whom everything is to belong to; None when whom the archive says.

    Of an archive without an index only root knows whom: its disk says so.
    """
    return None if is_own and (os.geteuid() == 0 or unpacked.found) else owner_of(target)


def _kept_files(unpacked: Unpacked, target: Site, is_own: bool) -> tuple[str, ...]:
    """Return the patterns of what the target keeps: its own configuration, and what the archive had left out.

    The accounts of virtual sites stay too: those in the archive of another site lead to that one's databases.
    """
    left_out = unpacked.manifest.left_out if unpacked.manifest else ()
    accounts = () if _takes_archived_config(target, is_own) else layout.ALL_ACCOUNTS
    return (*accounts, *left_out)


def _takes_archived_config(target: Site, is_own: bool) -> bool:
    """Whether a site that lost its db/local.php, and has no account in its env file, gets its archived one back."""
    return is_own and target.probe.config is None and not target.instance.db_name
