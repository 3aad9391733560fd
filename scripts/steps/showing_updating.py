"""Brings a show to newer code: a new tree, what was done in the show carried over into it, the schema updated.

A fault puts database and tree back. Whatever the show's administrator could write is copied and run as the shows' PHP,
never as root: a link put into the way would lead out of the show.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from scripts.database import load
from scripts.database.client import Client
from scripts.errors import DatabaseError, Fault
from scripts.hosts import listing
from scripts.hosts.listing import FOLDER
from scripts.hosts.local import MANAGER
from scripts.hosts.sudo import as_account
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import schema_updates, scratch, showing, showing_bases, showing_building, showing_snapshots
from scripts.steps import showing_places as places
from scripts.steps.showing import Show
from scripts.steps.showing_bases import Base
from scripts.steps.site import Site
from scripts.tiki import layout, probe


def carry_out(settings: Settings, show: Show, old: Base, new: Base) -> list[str]:
    """Move a show from one base to another; return the patches its database has had. It is not seen meanwhile."""
    home = places.home(settings, show.id)
    before, tree = home / showing_building.OLD, home / showing_building.NEW
    with ExitStack() as held:
        with _untouched(settings, show):
            folder = held.enter_context(scratch.named(settings, f"show-{show.id}"))
            client = held.enter_context(showing_building.database(settings, show))
            showing_snapshots.dump_plain(settings, show, folder / "before.sql")
        showing_building.close(settings, show.id)
        try:
            showing_building.lay_tree(settings, show, new, tree)
            _carry_over(settings, before, tree, showing_bases.tree_of(settings, old))
            MANAGER.run("cp", "-p", "--", str(before / layout.LOCAL_PHP), str(tree / layout.LOCAL_PHP))
            applied = _update_schema(settings, show, client, tree)
            showing_building.serve(settings, show.id)
            return applied
        except BaseException:
            _put_back(settings, show, client, folder / "before.sql")
            raise


@contextmanager
def _untouched(settings: Settings, show: Show) -> Iterator[None]:
    """Let the show be active again when the block, which changes nothing of it, comes to no end."""
    try:
        yield
    except BaseException:
        showing.active(settings, show.id)
        raise


def _carry_over(settings: Settings, before: Path, tree: Path, base: Path) -> None:
    """Copy what differs from the base that the show was made from: its own files win over those of a release."""
    account, own = places.php_account(settings), []
    for name in showing_building.WRITTEN:
        if not (before / name).is_dir():
            continue
        shipped = listing.read(MANAGER, str(base / name)) if (base / name).is_dir() else {}
        for path, entry in listing.read(MANAGER, str(before / name)).items():
            known = shipped.get(path)
            is_own = known is None or (known.kind, known.size, known.time, known.target) != \
                (entry.kind, entry.size, entry.time, entry.target)
            if path and entry.kind != FOLDER and is_own and not layout.is_left_out(f"{name}/{path}"):
                own.append(f"{name}/{path}")
    if own:
        words = ("rsync", "-a", "--no-owner", "--no-group", "--from0", "--files-from=-", f"{before}/", f"{tree}/")
        names = "".join(f"{path}\0" for path in own).encode("utf-8", "surrogateescape")
        MANAGER.run(*(as_account(account, words) if account else words), stdin=names)


def _update_schema(settings: Settings, show: Show, client: Client, tree: Path) -> list[str]:
    one = places.instance(settings, show.id, tree)
    with places.server(settings) as (_, admin):
        account = replace(admin, name=client.database)
    return schema_updates.update(Site(one, probe.probe(one), account, client, tuple(client.tables())))


def _put_back(settings: Settings, show: Show, client: Client, dump: Path) -> None:
    """Serve the old tree with the old database again; a fault of that is told, and the show has failed."""
    try:
        load.drop_everything(client)
        with open(dump, "rb") as file:
            load.load(client, out_of=file)
        showing_building.reopen(settings, show.id)
        showing.active(settings, show.id)
    except (Fault, OSError) as second:
        output.warn(f"{show.id}: putting back failed too: {second}. Next: make show-reset ID={show.id}, or make "
                    f"show-destroy ID={show.id}")
        raise DatabaseError(f"{show.id}: neither the new nor the old state is whole") from second
