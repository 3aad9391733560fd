"""What shows are made from: a Tiki of each version that was really installed once, without its account, and its dump.

A base is made from a prepared tree by the same steps as any new site, in a folder that only our own account enters.
It counts once its json is there, which is written last. Shows may share its files by hard links, so nobody writes
into them: a base is made anew beside the old one, and removed when nothing is made from it any more.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from scripts.code import trees, words
from scripts.code.trees import PreparedTree
from scripts.database import dump, making
from scripts.database.digest import DumpDigest
from scripts.database.faults import explained
from scripts.errors import DatabaseError, RefusedError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.registry import locks
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings
from scripts.steps import creating, half_created, permissions, showing, site
from scripts.steps import showing_places as places
from scripts.steps.site import Site
from scripts.tiki import layout

PARTS = 4                  # loaded at the same time: a server waits for its disk with every table it makes
TABLES_OF_PART = 60        # below that another part costs more than it saves
TABLE_WEIGHT = 100_000     # bytes that could be loaded while one table is made
DIGEST_PART = 12           # characters of a tree's digest in a base's name
HASH_LENGTH = ("SELECT character_maximum_length FROM information_schema.columns WHERE table_schema = DATABASE() "
               "AND table_name = 'users_users' AND column_name = 'hash'")
BLOCK = 4096               # bytes a folder takes: hard links share files, not folders

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Base:
    """One base. version is the word it was prepared for, tiki what its code says; own_bytes are its folders', parts
    those of its dump, hash_length what the column of passwords holds.
    """

    key: str
    version: str
    tiki: str
    digest: str
    moment: str
    bytes: int
    own_bytes: int
    database_bytes: int
    hash_length: int
    parts: int


def tree_of(settings: Settings, base: Base) -> Path:
    """Return the folder of a base."""
    return _folder(settings) / base.key


def dumps_of(settings: Settings, base: Base) -> list[Path]:
    """Return the parts of the dump of a base's database, which can be loaded side by side."""
    return [_records(settings) / f"{base.key}.{part}.sql" for part in range(base.parts)]


def all_of(settings: Settings) -> list[Base]:
    """Return every base that is whole, newest first."""
    found = []
    for path in _records(settings).glob("*.json"):
        try:
            base = Base(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue
        if tree_of(settings, base).is_dir() and all(part.is_file() for part in dumps_of(settings, base)):
            found.append(base)
    return sorted(found, key=lambda base: base.moment, reverse=True)


def of_key(settings: Settings, key: str) -> Base | None:
    """Return the base a show was made from, or None when it is gone."""
    return next((base for base in all_of(settings) if base.key == key), None)


def require(settings: Settings, key: str) -> Base:
    """Return the base of a key; raise RefusedError when it is gone."""
    found = of_key(settings, key)
    if found is None:
        raise RefusedError(f"{key}: what shows are made from is gone. Next: the same call again")
    return found


def newest(settings: Settings, version: str) -> Base | None:
    """Return the newest base of a version, if there is one."""
    word = words.parse(version).text
    return next((base for base in all_of(settings) if base.version == word), None)


def ready(settings: Settings, version: str) -> Base:
    """Return the newest base of a version; raise RefusedError when its administrator has prepared none."""
    found = newest(settings, version)
    if found is None:
        word = words.parse(version).text
        known = ", ".join(sorted({base.version for base in all_of(settings)})) or "none yet"
        raise RefusedError(f"Tiki {word} is not prepared for shows; prepared: {known}. Next: make show VERSION={word} "
                           "PREPARE=1")
    return found


def made(settings: Settings, version: str, php_check: bool, tell: Tell) -> Base:
    """Return the base of a version's newest code, made now when it is not there: that takes a minute."""
    tree = trees.prepared(settings, version, verb="show", tell=tell)
    if found := _of_tree(settings, tree):
        return found
    if process.conduct.dry_run:
        tell(f"would: install Tiki {tree.version} once, for all shows of it")
        return Base("", tree.name, tree.version, tree.digest, "", tree.bytes, 0, 0, 0, 0)
    with locks.hold(settings, [Lock(f"{tree.name}.showbase", exclusive=True)], "show"):
        if found := _of_tree(settings, tree):  # another run has made it while this one prepared the code
            return found
        tell(f"{tree.name}: installs Tiki {tree.version} once, for all shows of it")
        return _make(settings, tree, php_check)


def _of_tree(settings: Settings, tree: PreparedTree) -> Base | None:
    return next((base for base in all_of(settings) if (base.version, base.digest) == (tree.name, tree.digest)), None)


def drop_unused(settings: Settings, verb: str) -> list[str]:
    """Remove the bases that no show was made from and that are not the newest of their version; return their keys.

    None goes while a run is at a show: its file does not say yet what an update or a reset makes it from.
    """
    dropped, seen = [], set()
    for base in all_of(settings):
        if base.version in seen:
            with locks.hold(settings, [Lock(f"{base.version}.showbase", exclusive=True)], verb):
                if _is_withdrawn(settings, base):
                    MANAGER.remove(*map(str, dumps_of(settings, base)))
                    MANAGER.run("rm", "-rf", "--one-file-system", "--", str(tree_of(settings, base)))
                    dropped.append(base.key)
        seen.add(base.version)
    return dropped


def _is_withdrawn(settings: Settings, base: Base) -> bool:
    """Remove the record of a base, so that no show is made from it any more; False when one is, or may be."""
    with showing.listing(settings):
        shows = showing.all_of(settings)
        if any(show.is_at_work or show.base == base.key for show in shows):
            return False
        MANAGER.remove(str(_record(settings, base.key)))
        return True


def _make(settings: Settings, tree: PreparedTree, php_check: bool) -> Base:
    key = f"{tree.name}-{tree.digest[:DIGEST_PART]}"
    partial = _folder(settings) / f"{key}.partial"
    # Also the name of its database: a dot is in no id.
    name = places.database_name(settings, f"base.{tree.name}")
    one = Instance(name=name, settings=settings, web_root=str(partial), php=settings.show_php)
    MANAGER.make_folder(str(Path(settings.show_root)), 0o755)
    MANAGER.make_folder(str(_folder(settings)), 0o700)
    MANAGER.make_folder(str(_records(settings)), 0o700)
    _clear(settings, one)
    try:
        creating.create(one, tree, creating.Wishes(settings.place(settings.show_db_admin), php_check))
        with site.opened(one) as found:
            parts = _dump(found, _records(settings) / key)
            database_bytes, hash_length = found.database_bytes, int(found.client.query(HASH_LENGTH)[0][0])
        MANAGER.remove(str(partial / layout.LOCAL_PHP))
        permissions.empty_caches(one)
        final = _folder(settings) / key
        MANAGER.run("rm", "-rf", "--one-file-system", "--", str(final))
        MANAGER.run("sync", "-f", "--", str(partial))
        MANAGER.rename(str(partial), str(final))
        folders = sum(len(names) for _, names, _ in os.walk(final)) + 1
        base = Base(key, tree.name, tree.version, tree.digest, showing.now().isoformat(), tree.bytes, folders * BLOCK,
                    database_bytes, hash_length, parts)
        MANAGER.write(str(_record(settings, key)), json.dumps(asdict(base), indent=1).encode(), 0o600)
        return base
    finally:
        _clear(settings, one)


def _dump(found: Site, start: Path) -> int:
    """Write the database in parts, each a dump of some tables; return how many there are."""
    client = dump.lossless(found.client)
    most = 1 if any(table.is_view for table in found.tables) else min(PARTS, 1 + len(found.tables) // TABLES_OF_PART)
    shares: list[list[str]] = [[] for _ in range(most)]
    weights = [0] * len(shares)
    for table in sorted(found.tables, key=lambda one: -one.size_bytes):
        lightest = weights.index(min(weights))
        shares[lightest].append(table.name)
        weights[lightest] += table.size_bytes + TABLE_WEIGHT
    for number, share in enumerate(shares):
        digest = DumpDigest(dump.header(client), counts_only=True)
        command = dump.dump_command(client, skip_tables=sorted(found.table_names - set(share)))
        descriptor = os.open(f"{start}.{number}.sql", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file, explained(client.place):
            process.pipe(command, digest.pass_on, into=file)
        if set(digest.finish()) != set(share):
            raise DatabaseError(f"{client.place}: the dump lacks tables that were to be in it")
    return len(shares)


def _clear(settings: Settings, one: Instance) -> None:
    """Take away what is needed while a base is made, and what a killed run left of it: nobody else has such names."""
    MANAGER.run("rm", "-rf", "--one-file-system", "--", one.web_root)
    half_created.end(one)
    with places.server(settings) as (server, admin):
        making.remove(server, replace(admin, name=one.name, user=one.name))


def _folder(settings: Settings) -> Path:
    # No label of a host's name begins with a dot.
    return Path(settings.show_root) / ".bases"


def _records(settings: Settings) -> Path:
    return settings.cache / "shows"


def _record(settings: Settings, key: str) -> Path:
    return _records(settings) / f"{key}.json"
