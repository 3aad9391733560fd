"""What keeps a clone from overwriting what it must not. Every guard looks only; nothing is changed by then."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable

from scripts.database import whereabouts
from scripts.database.account import OWN_MACHINE
from scripts.errors import CommandError, HostError, RefusedError
from scripts.hosts.host import Host
from scripts.present import output, prompts
from scripts.registry.instance import Instance
from scripts.steps import cloning_places, lineage, location, neighbours, own_folders, restoring, schema_updates
from scripts.steps.cloning_places import Places
from scripts.steps.location import Location
from scripts.steps.restoring import Note
from scripts.steps.site import Site

NOTHING = "Nothing was changed"


def refuse(source: Site, target: Site, confirm: str, what: Collection[str] = lineage.ALL) -> Places:
    """Raise RefusedError or HostError when target must not become what source is; else return where folders go.

    confirm are names, with commas: those whose overwriting is meant. Whether there is room asks `require_room`.
    """
    refuse_by_name(source.instance, target.instance, confirm)
    places = cloning_places.find(source, target)
    own_folders.refuse(target.instance, places.goes.values())
    # As a backup refuses it: the copy would hold all archives, and give them away with itself.
    own_folders.refuse(source.instance, [source.instance.web_root, *(folder.path for folder in places.folders)])
    refuse_same_database(source, target)
    _refuse_unhealthy(source)
    refuse_never_cloned(target, confirm, what, places.goes.values())
    refuse_third(source.instance, target, places.goes.values(), what)
    return places


def refuse_by_name(source: Instance, target: Instance, confirm: str, *, is_of_archive: bool = False) -> None:
    """Raise RefusedError for what the registry alone tells: one name for both, a guarded target, a source in pieces.

    How the source is now is of no importance to who takes an archive of it.
    """
    if source.name == target.name:
        raise RefusedError(f"{target.name}: FROM and TO are the same instance. {NOTHING}")
    if not is_of_archive:
        restoring.refuse_half_restored(source)
    if not target.guarded or target.name in _names(confirm):
        return
    if prompts.confirmed(target.name, f"{target.name} is guarded (STAGE=production or PROTECTED=yes). Type its name to "
                                      f"overwrite it with {source.name}"):
        return
    raise RefusedError(f"{target.name}: is guarded (STAGE=production or PROTECTED=yes in its env file) and would be "
                       f"overwritten. {NOTHING}. If that is meant: CONFIRM={target.name}")


def refuse_same_database(source: Site, target: Site) -> None:
    """Raise RefusedError when both accounts lead to one database, by whatever user, name, socket or port."""
    if whereabouts.same(whereabouts.ask(source.client), whereabouts.ask(target.client)):
        raise RefusedError(f"{target.instance.name}: its database {target.account.name} is the one of "
                           f"{source.instance.name}. {NOTHING}. Give {target.instance.name} a database of its own")


def refuse_never_cloned(target: Site, confirm: str, what: Collection[str] = lineage.ALL,
                        places: Collection[str] | None = None) -> None:
    """Raise RefusedError when something would be overwritten that is no clone, without its name as CONFIRM.

    places are those that something goes to, where that is known.
    """
    name = target.instance.name
    if target.is_blank or name in _names(confirm) or _is_becoming(target, what):
        return
    known, begun, way_out = lineage.read(target.instance), _begun(target, what), ""
    if (strayed := lineage.strayed(target)) and places is not None:
        there = target.instance.host.present(*places)   # what is not there cannot be lost
        strayed = lineage.strayed(target, target.instance.host.real_paths(*there) if there else ())
    if known and not strayed and set(what) <= set(known.what):
        return
    if strayed := strayed or (location.moved_since(begun.where, target) if begun else []):
        reason = f"it is not where it was made a clone of {known.source if known else begun.source}: " \
                 f"{'; '.join(strayed)}. It may be another site"
        way_out = f"; if not, correct db/local.php or instances.d/{name}.env, and look: make detect INSTANCE={name}"
    elif known:
        reason = f"only its {' and '.join(known.what)} came from another site; the rest is its own"
    elif target.probe.state in ("empty", "missing"):
        reason = f"its folder is empty, but its database {target.account.name} holds {len(target.tables)} tables"
    else:
        reason = f"it holds a Tiki {target.probe.version} that is no clone"
    if prompts.confirmed(name, f"{name}: {reason}, and would be overwritten. Type its name if that is meant"):
        return
    raise RefusedError(f"{name}: {reason}, and would be overwritten. {NOTHING}. If that is meant: CONFIRM={name}"
                       f"{way_out}")


def _begun(target: Site, what: Collection[str]) -> Note | None:
    """Return the note of a clone of all these parts that did not come to its end."""
    note = restoring.unfinished(target.instance)
    return note if note and note.makes_clone(what) else None


def _is_becoming(target: Site, what: Collection[str]) -> bool:
    """Whether a clone of all these parts broke off there, where the target still is."""
    note = _begun(target, what)
    return note is not None and not location.moved_since(note.where, target)


def require_room(source: Site, target: Site, places: Places, what: Collection[str],
                 already: Collection[str] = ()) -> None:
    """Raise HostError when a disk of the target cannot hold what goes there, even if nothing of it were there yet.

    already are folders of the source that the target has, and that need no room.
    """
    host = target.instance.host
    needed: dict[str, int] = defaultdict(int)
    free: dict[str, int] = {}
    there: dict[str, list[str]] = defaultdict(list)
    wanted = [folder.path for folder in places.folders] if "data" in what else []
    if "code" in what:
        wanted.insert(0, source.instance.web_root)
    for path in (path for path in wanted if path not in already):
        disk, free_bytes = _disk(host, places.goes[path])
        free[disk] = free_bytes
        needed[disk] += source.instance.host.used_bytes(path)
        there[disk].append(places.goes[path])
    reusable: dict[str, int] = defaultdict(int)
    if "data" in what and (folder := _database_folder(target)):
        disk, free[disk] = _disk(host, folder)
        needed[disk] += source.database_bytes
        reusable[disk] += target.database_bytes
    for disk, size in needed.items():
        if free[disk] + reusable[disk] < size and (present := host.present(*there[disk]) if there[disk] else []):
            reusable[disk] += host.used_bytes(*present)
        if free[disk] + reusable[disk] < size:
            raise HostError(f"{target.instance.name}: no space: the clone needs about {output.size(size)} on the disk "
                            f"{disk}, and {output.size(free[disk])} are free. {NOTHING}")


def refuse_unfit(source: Site, target: Site, what: Collection[str]) -> None:
    """Raise RefusedError when code or data alone would not go with what the target keeps."""
    if set(what) == set(lineage.ALL):
        return
    only, name = "".join(what), target.instance.name
    note = restoring.unfinished(target.instance)
    if target.probe.config is None or not target.tables:
        raise RefusedError(f"{name}: is no whole site yet, and ONLY={only} brings a part. Nothing was changed. Next: "
                           f"make clone FROM={source.instance.name} TO={name}")
    if note and (note.source, note.only) != (source.instance.name, only):
        raise RefusedError(f"{name}: {note.what} did not come to its end, and ONLY={only} would leave the rest of the "
                           f"mixture. Nothing was changed. {restoring.way_out(target.instance, note)}")
    data, code = (source, target) if only == "data" else (target, source)
    lacking = schema_updates.newer(data, code)
    are_known = data.probe.version.is_known and code.probe.version.is_known
    if lacking or (are_known and code.probe.version < data.probe.version):
        reason = f"it does not know {', '.join(lacking[:3])}" if lacking else \
            f"{code.probe.version} and {data.probe.version}"
        raise RefusedError(f"{name}: the code of {code.instance.name} is older than the data of {data.instance.name} "
                           f"({reason}): they do not go together. Nothing was changed")


def _refuse_unhealthy(source: Site) -> None:
    """Raise RefusedError when the source is no whole Tiki: what it lacks would be gone at the target too."""
    if not source.holds_tiki:
        raise RefusedError(f"{source.instance.name}: its database {source.account.name} holds no whole Tiki: "
                           f"groups, users or preferences are missing, and a clone would be none either. {NOTHING}. "
                           f"Next: make doctor INSTANCE={source.instance.name}")


def _refuse_several_sites(target: Site) -> None:
    sites = [target.instance.site] if target.instance.site else list(target.probe.sites)
    if sites:
        raise RefusedError(f"{target.instance.name}: {target.instance.web_root} holds virtual sites "
                           f"({', '.join(sites)}), which share one tree: all of them would get another one. {NOTHING}")


def refuse_third(source: Instance, target: Site, places: Iterable[str], what: Collection[str] = lineage.ALL) -> None:
    """Raise RefusedError when a folder that something goes to, or the target's database, is a third's, or may be.

    Virtual sites of one tree are such too. A clone was asked so when it became one, and where it is still there, only
    folders are asked for that were not its own then.
    """
    instance = target.instance
    name, is_clone, known = instance.name, _is_becoming(target, what), _noted_where(target, what)
    fresh = [path for path in instance.host.real_paths(*places) if not (known and known.has(path))]
    if known and not fresh:
        return
    if not (is_clone or lineage.here(target)):
        _refuse_several_sites(target)
    others = [one for one in neighbours.all_of(instance) if one.name != source.name]
    for path in fresh:
        if other := neighbours.user_of(path, others):
            raise RefusedError(f"{name}: {path} is also used by {other}, or may be. {NOTHING}. Look at both: "
                               f"make detect INSTANCE={name},{other}")
    if not known:
        neighbours.refuse_shared_database(target, others, heeds_silent="data" in what)


def _noted_where(target: Site, what: Collection[str]) -> Location | None:
    """Return where a target became a clone, or began to, if it is still there and that was noted."""
    if _is_becoming(target, what):
        return location.read(_begun(target, what).where)
    known = lineage.here(target)
    return location.read(known.where) if known else None


def _database_folder(target: Site) -> str:
    """Return the folder of the target's database server, when it lies on the target's own machine."""
    place, host = whereabouts.ask(target.client), target.instance.host
    is_here = target.account.host.lower() in OWN_MACHINE or host.read_line("uname", "-n") == place.host
    folder = place.folder.rstrip("/")
    return folder if is_here and folder and host.present(folder) else ""


def _disk(host: Host, path: str) -> tuple[str, int]:
    """Return where the disk of a path is mounted, and the bytes free on it; the path need not be there yet."""
    while True:
        try:
            told = host.read_line("df", "--output=avail,target", "-B1", "--", path).splitlines()[-1]
            free, _, mount = told.strip().partition(" ")
            return mount.strip(), int(free)
        except CommandError as error:
            if path == "/" or "No such file" not in error.stderr:
                raise
            path = os.path.dirname(path)
        except (ValueError, IndexError) as error:
            raise CommandError(f"[{host.name}] df: its answer is no number") from error


def _names(confirm: str) -> list[str]:
    return [name.strip() for name in confirm.split(",")]
