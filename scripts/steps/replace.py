"""Makes a site what an unpacked archive says: trees first, then the database, under the maintenance page.

The target keeps its own db/local.php and its own places for data; what the archive left out is left alone.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from scripts.database import load
from scripts.database.client import quote_text
from scripts.errors import DatabaseError, Fault
from scripts.hosts import transfer
from scripts.hosts.host import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import site
from scripts.steps.dumping import INDEX_TABLE
from scripts.steps.site import Site
from scripts.steps.unpacking import Unpacked
from scripts.store.manifest import APP, CONF_EXTERNAL, DATA, Part
from scripts.tiki import addresses as preferences
from scripts.tiki import config, console, data_folders, layout, maintenance, maintenance_page, probe

PAGE = Path("conf") / "maintenance.html"


@dataclass
class Replaced:
    """What was changed beyond making things equal: values of the database that name moved folders, and warnings."""

    rewritten: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def close(instance: Instance, web_root: str, since: datetime, reason: str, host=None) -> None:
    """Put the maintenance page up at a web root of the instance's host, or of another host."""
    template = (instance.settings.top / PAGE).read_text(encoding="utf-8")
    page = maintenance_page.page(template, site=instance.web_url or instance.name, since=since.astimezone(),
                                 reason=reason)
    if not maintenance.turn_on(host or instance.host, web_root, page, since, reason):
        output.warn(f"{instance.name}: the site's PHP files belong to another account, so only Apache shows "
                    "the page")


def places(unpacked: Unpacked, target: Site, is_own: bool) -> dict[str, str]:
    """Return where each folder of the archive goes at the target, by the path it was archived under.

    is_own: the archive is of this very site, so everything goes back where it was. Otherwise a data folder goes to
    the target's own place for the same use, or below its DATA_ROOT; never to the source's.
    """
    instance = target.instance
    goes = {unpacked.app.path: instance.web_root}
    for part in unpacked.parts:
        if part.kind == DATA:
            goes[part.path] = part.path if is_own else _own_place(part, target, set(goes.values()))
    return goes


def trees(unpacked: Unpacked, target: Site, goes: dict[str, str], is_own: bool, since: datetime, reason: str) -> int:
    """Copy every tree to its place at the target; return the web root's own time, in seconds."""
    instance, host = target.instance, target.instance.host
    owner = None if is_own else _owner(target)
    app = str(unpacked.folder(unpacked.app))
    web_root_time = int(unpacked.folder(unpacked.app).stat().st_mtime)
    # The archive may have been made while the page was up; then the page travels, so that the target stays closed.
    maintenance.turn_off(MANAGER, app)
    close(instance, app, since, reason, host=MANAGER)
    for part in unpacked.parts:
        if part.kind not in (APP, DATA):
            continue
        filters = _kept_files(unpacked, target, is_own) if part.kind == APP else []
        host.make_folder(goes[part.path])
        copied = transfer.put(str(unpacked.folder(part)), host, goes[part.path], filters, owner)
        output.say(f"{instance.name}: {goes[part.path]}: {copied.files} files, {output.size(copied.size_bytes)} copied")
    return web_root_time


def open_again(instance: Instance, web_root_time: int) -> None:
    """Take the maintenance page away and let the web root show the time it had in the archive."""
    maintenance.turn_off(instance.host, instance.web_root)
    instance.host.run("touch", "-c", "-d", f"@{web_root_time}", "--", instance.web_root)


def configuration(unpacked: Unpacked, target: Site, is_own: bool) -> list[str]:
    """Give a blank its db/local.php; put an external system configuration back. Return warnings."""
    instance, account = target.instance, target.account
    if target.probe.config is None and not _takes_archived_config(target, is_own):
        version = unpacked.manifest.tiki_version if unpacked.manifest else ""
        text = config.local_php_text(account.host, account.port, account.socket, account.user, account.password,
                                     account.name, version)
        path = f"{instance.web_root}/{layout.local_php(instance.site)}"
        instance.host.write(path, text, 0o640)
        if transfer.is_root_at(instance.host):
            instance.host.run("chown", f"--reference={instance.web_root}", "--", path)
    warnings = []
    for part in unpacked.parts:
        if part.kind == CONF_EXTERNAL and is_own:
            instance.host.write(part.path, unpacked.folder(part).read_bytes())
        elif part.kind == CONF_EXTERNAL:
            warnings.append(f"{part.path} is a system configuration of the source's host; it was not put in place")
    return warnings


def database(unpacked: Unpacked, target: Site) -> None:
    """Make the target's database equal to the archive's: what is not in it is gone.

    Raises DatabaseError when the load broke, or when a table holds another number of rows afterwards.
    """
    load.drop_everything(target.client)
    with open(unpacked.dump, "rb") as dump:
        load.load(target.client, out_of=dump)
    present = {table.name for table in target.client.tables() if not table.is_view}
    lacking = sorted(set(unpacked.tables) - present)
    if lacking:
        raise DatabaseError(f"{target.client.place}: after the load these tables are missing: {', '.join(lacking)}")
    counts = load.row_counts(target.client, sorted(unpacked.tables))
    for name, table in unpacked.tables.items():
        if counts[name] != table.rows:
            raise DatabaseError(f"{target.client.place}: after the load table {name} has {counts[name]} rows instead "
                                f"of {table.rows}")


def moved_folders(unpacked: Unpacked, target: Site, goes: dict[str, str]) -> list[str]:
    """Let the database name the folders' new places; return a sentence for each value that was changed."""
    moves = {old: new for old, new in goes.items() if old != new}
    if not moves:
        return []
    found = data_folders.rewrites(site.folder_rows(target.client, target.account.charset), unpacked.app.path, moves)
    if found:
        target.client.execute(";\n".join(one.sql(quote_text) for one in found))
    return [f"{one.table} {one.key_value}: {one.old} is now {one.new}" for one in found]


def addresses(unpacked: Unpacked, target: Site) -> list[str]:
    """Let preferences that name the source's address name the target's; return a sentence for each."""
    source_url = unpacked.manifest.web_url if unpacked.manifest else ""
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
        _console(instance, word)
    rebuilt = any(INDEX_TABLE.fullmatch(table.name) for table in target.client.tables())
    return [] if rebuilt else [warning]


def _console(instance: Instance, word: str) -> None:
    """Run one command of the site's console; what fails is a warning, because the site itself is whole."""
    try:
        instance.host.run(*console.call(instance, probe.look(instance), [word, "-n"]))
    except Fault as fault:
        output.warn(f"{instance.name}: {fault}")


def _own_place(part: Part, target: Site, taken: set[str]) -> str:
    """Return the target's own folder for a part of another site."""
    for folder in (*target.folders, *target.missing):
        if set(folder.used_by) & set(part.used_by) and folder.path not in taken | {part.path}:
            return folder.path
    root = target.instance.data_root or f"{target.instance.web_root}-data"
    name = Path(part.path).name
    return next(path for number in range(1, 1000)
                if (path := f"{root}/{name}" + (f"-{number}" if number > 1 else "")) not in taken)


def _owner(target: Site) -> str | None:
    """Return user:group of the target's web root, when owners can be given there."""
    probe = target.probe
    return f"{probe.owner}:{probe.group}" if probe.owner and transfer.is_root_at(target.instance.host) else None


def _kept_files(unpacked: Unpacked, target: Site, is_own: bool) -> list[str]:
    """Return the filters for what the target keeps: its own configuration, and what the archive had left out.

    The accounts of virtual sites stay too: those in the archive of another site lead to that one's databases.
    """
    left_out = unpacked.manifest.left_out if unpacked.manifest else ()
    accounts = () if _takes_archived_config(target, is_own) else layout.ALL_ACCOUNTS
    return transfer.excluding((*accounts, *left_out))


def _takes_archived_config(target: Site, is_own: bool) -> bool:
    """Whether a site that lost its db/local.php, and has no account in its env file, gets its archived one back."""
    return is_own and target.probe.config is None and not target.instance.db_name
