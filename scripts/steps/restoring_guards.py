"""What keeps a restore from emptying a database or a web root that is another site's by now; looks only.

An archive says under which name it was made, not where its site is now: a db/local.php or an env file may have come to
lead to another one's.
"""

from collections.abc import Iterable

from scripts.database import whereabouts
from scripts.database.whereabouts import Whereabouts
from scripts.errors import RefusedError
from scripts.hosts import identity
from scripts.present import prompts
from scripts.registry import registry
from scripts.registry.instance import Instance
from scripts.steps import lineage, location, neighbours, restoring
from scripts.steps.neighbours import Neighbour
from scripts.steps.site import Site
from scripts.store.manifest import Manifest


def refuse(found: Site, manifest: Manifest | None, confirm: str, *, is_own: bool, is_clone: bool = False) -> None:
    """Raise RefusedError when what would be emptied is, or may be, somebody else's.

    manifest is the archive's, None for one that TRIM did not make; is_clone: the target becomes a clone, and its own
    guards have asked for other instances.
    """
    _refuse_left_database(found, confirm, is_own)
    if not is_clone and not _is_at_home(found, manifest) and (found.tables or found.probe.is_tiki):
        _refuse_neighbours(found, neighbours.all_of(found.instance))
    if manifest and manifest.instance == found.instance.name:
        _refuse_strayed(found, manifest, confirm)
    elif manifest:
        _refuse_source(found, manifest)


def _is_at_home(found: Site, manifest: Manifest | None) -> bool:
    """Whether the site is where its archive was made of it: then nobody is asked, of whom half may be down."""
    instance, was = found.instance, _recorded(manifest) if manifest else None
    return was is not None and manifest.instance == instance.name and manifest.web_root == instance.web_root \
        and manifest.database.get("machine") == identity.lasting(instance.host) \
        and whereabouts.same_place(was, whereabouts.ask(found.client))


def _refuse_left_database(found: Site, confirm: str, is_own: bool) -> None:
    """Raise RefusedError when the folder is empty and the database is not: it may be the wrong one."""
    name = found.instance.name
    if found.probe.state in ("empty", "missing") and found.tables and not is_own and confirm != name \
            and not restoring.unfinished(found.instance):
        raise RefusedError(f"{name}: its folder is empty, but its database {found.account.name} holds "
                           f"{len(found.tables)} tables, which would be gone. Nothing was changed. Is it the right "
                           f"one? If so: CONFIRM={name}")


def _refuse_neighbours(found: Site, others: list[Neighbour]) -> None:
    """Raise RefusedError when another instance has this database or web root; who cannot be asked is in nobody's way.

    A restore is what is needed when machines are down.
    """
    instance = found.instance
    name, web_root = instance.name, instance.host.real_path(instance.web_root)
    said = ""
    if other := neighbours.user_of_database(whereabouts.ask(found.client), others):
        said = f"its database {found.account.name} is also the one of {other}"
    elif not instance.site and (other := _same_web_root(web_root, others)):
        said = f"its web root {web_root} is also the one of {other}"
    if said:
        raise RefusedError(f"{name}: {said}, which would be overwritten. Nothing was changed. Give {name} one of its "
                           f"own, or, if {other} is only another name of this site, forget it: make delete "
                           f"INSTANCE={other}")


def _same_web_root(web_root: str, others: list[Neighbour]) -> str:
    """Return the name of another instance whose web root this is; the first of its folders is that."""
    return next((one.name for one in others if one.shares_machine and one.folders[:1] == (web_root,)), "")


def _refuse_strayed(found: Site, manifest: Manifest, confirm: str) -> None:
    """Raise RefusedError when the site's own archive is of another database than would be emptied, without CONFIRM."""
    name = found.instance.name
    if not found.tables or confirm == name or _is_of_this(found, manifest) or _is_noted(found):
        return
    place, was = whereabouts.ask(found.client), _recorded(manifest)
    reason = (f"the archive is of database {was.shown if was else _in_words(manifest)}, and database {place.shown}, "
              f"which would be emptied, holds {len(found.tables)} tables")
    if prompts.confirmed(name, f"{name}: {reason}. Type its name if that one is this site's too"):
        return
    raise RefusedError(f"{name}: {reason}. Nothing was changed. If that one is this site's too, as after a move: "
                       f"CONFIRM={name}; if not, correct db/local.php or instances.d/{name}.env")


def _is_of_this(found: Site, manifest: Manifest) -> bool:
    """Whether an archive was made of the database of now, by what its server said, or by the same words there.

    Words alone do not tell: localhost is another server at each machine. Archives of older versions have nothing else.
    """
    was, machine = _recorded(manifest), manifest.database.get("machine")
    if was and whereabouts.same_place(was, whereabouts.ask(found.client)):
        return True
    return _has_words(found, manifest) \
        and machine in (None, identity.lasting(found.instance.host)) and manifest.web_root == found.instance.web_root


def _is_noted(found: Site) -> bool:
    """Whether the site is where it was made a clone, or where a restore of it broke off: what is there may go."""
    known, note = lineage.here(found), restoring.unfinished(found.instance)
    return bool(known and known.where) or bool(note and note.where and not location.moved_since(note.where, found))


def _refuse_source(found: Site, manifest: Manifest) -> None:
    """Raise RefusedError when the archive is of another instance, and what would be emptied is that one's."""
    target = found.instance
    if manifest.instance not in registry.names(target.settings):
        return
    source, was = registry.load(target.settings, manifest.instance), _recorded(manifest)
    if (was and whereabouts.same_place(was, whereabouts.ask(found.client))) or _has_same_words(found, source, manifest):
        raise RefusedError(f"{target.name}: its database {found.account.name} is the one of {source.name}, which would "
                           f"be overwritten. Nothing was changed. Give {target.name} a database of its own")
    if source.place == target.place:
        raise RefusedError(f"{target.name}: is the same site as {source.name}. Nothing was changed. Restore it under "
                           f"that name: make restore INSTANCE={source.name}")


def _has_same_words(found: Site, source: Instance, manifest: Manifest) -> bool:
    """Whether both name one database alike from one host; all that older archives tell of a source that is down."""
    return (source.ssh_host, source.access) == (found.instance.ssh_host, found.instance.access) \
        and _has_words(found, manifest)


def _recorded(manifest: Manifest) -> Whereabouts | None:
    return location.read_database(manifest.database)


def _in_words(manifest: Manifest) -> str:
    """Return name and server as the site of then called them; the earliest archives do not tell the server."""
    address = manifest.database.get("address")
    return _words(manifest.database["name"], address) if address else manifest.database["name"]


def _has_words(found: Site, manifest: Manifest) -> bool:
    account = found.account
    return _in_words(manifest) in (_words(account.name, account.server), account.name)


def _words(name: str, server: Iterable[object]) -> str:
    return f"{name} at {':'.join(map(str, server))}"
