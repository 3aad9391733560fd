"""Makes what a clone brought the target's own, before visitors are let in: places, addresses, schema, quiet, caches."""

from collections.abc import Mapping

from scripts.database.client import quote_text
from scripts.steps import (
    baselines,
    known_version,
    mods_state,
    permissions,
    quieting,
    release_files,
    replace,
    restoring,
    schema_updates,
    updating_journal,
    watching_database,
)
from scripts.steps.cloning_manner import Cloned, Manner, Origin
from scripts.steps.site import Site
from scripts.tiki import addresses, ties


def hush(source: Site, target: Site, manner: Manner, told: Cloned) -> None:
    """Let what was loaded into the target act on nothing from now on: its trees may come for an hour yet."""
    told.loaded = watching_database.read_if_watched(target, source.instance.name)
    if manner.mutes:
        told.muted = quieting.hush(target, source if "code" in manner.what else target, source.instance.name,
                                   told.moment)


def settle(origin: Origin, fresh: Site, goes: Mapping[str, str], manner: Manner, own: Mapping[str, str],
           told: Cloned) -> None:
    """Make what came the target's own: places, addresses, schema, quiet, caches, owners; what is done goes into told.

    goes are the places of the origin's folders, own what own_values gave before anything was loaded.
    """
    instance = fresh.instance
    known_version.remember(instance, str(fresh.probe.version))
    updating_journal.forget_changes(instance)
    if "code" in manner.what:
        release_files.inherit(origin.name, instance)
        baselines.renew(instance, is_whole=True, source=origin.name)
        told.warnings += mods_state.inherit(origin.name, instance, is_alone=bool(manner.only))
    loaded = watching_database.read_if_watched(fresh, origin.name) if told.loaded is None else told.loaded
    if "data" in manner.what:
        told.rewritten += _rewritten(origin, fresh, goes, manner, own, told)
        told.warnings += _unknown_addresses(origin, fresh)
    if manner.only and (manner.only == "code" or schema_updates.unapplied(fresh)):
        told.updated = schema_updates.update(fresh)
    if manner.mutes:
        told.muted = [*quieting.mute(fresh, origin.name, told.moment), *told.muted]
    elif "data" in manner.what:
        quieting.note_loud(instance)
    if loaded:
        baselines.renew_database(instance, loaded, watching_database.read(fresh), origin.name)
    permissions.empty_caches(instance)
    if manner.only:
        permissions.give_to_owner(instance, fresh.probe)


def _rewritten(origin: Origin, fresh: Site, goes: Mapping[str, str], manner: Manner, own: Mapping[str, str],
               told: Cloned) -> list[str]:
    theirs = dict(fresh.client.query(ties.SQL))
    sentences = replace.moved_folders(origin.web_root, fresh, dict(goes))
    sentences += replace.addresses(origin.web_url, fresh)
    if manner.is_move:
        return sentences
    if ties.needs_new_index(theirs) and not manner.is_fleeting:
        told.warnings.append("its search works with an index of its own, which has to be built. Next: make cli "
                             f"INSTANCE={fresh.instance.name} COMMAND=index:rebuild")
    return [*sentences, *_part_ways(fresh, theirs, own, manner)]


def own_values(target: Site) -> dict[str, str]:
    """Return what the target has of the preferences that it shall not share, before anything is loaded."""
    if "tiki_preferences" not in target.table_names or restoring.is_mixture(target.instance):
        return {}
    return {name: value for name, value in target.client.query(ties.SQL) if value}


def _part_ways(fresh: Site, theirs: Mapping[str, str], own: Mapping[str, str], manner: Manner) -> list[str]:
    """Give the target its own search index, cache prefix and cookie domain; return a sentence for each."""
    now = dict(fresh.client.query(ties.SQL))
    found = ties.own_values(fresh.instance.name, theirs, now, own) \
        | (ties.index_inside(theirs) if manner.is_fleeting else {})
    if found:
        fresh.client.execute(";\n".join(
            f"REPLACE INTO tiki_preferences (name, value) VALUES ({quote_text(name)}, {quote_text(value)})"
            for name, value in found.items()))
    return [f"tiki_preferences {name}: {now.get(name) or 'unset'} is now {value or 'unset'}"
            for name, value in found.items()]


def _unknown_addresses(origin: Origin, fresh: Site) -> list[str]:
    """Return a warning when addresses are in the database and the URL of a side is not on record."""
    unknown = [name for name, url in ((origin.name, origin.web_url), (fresh.instance.name, fresh.instance.web_url))
               if not url]
    if not unknown:
        return []
    named = sorted(name for name, value in fresh.client.query(addresses.SQL) if value)
    return [f"{', '.join(named)}: may name {origin.name}'s address still, because WEB_URL is not set in "
            f"{' and '.join(f'instances.d/{name}.env' for name in unknown)}"] if named else []
