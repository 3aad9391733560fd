"""The database as it is in the last moment before it is changed: packed on the manager, and loaded again.

Taken while visitors see the maintenance page, so it must be quick: the stream goes straight into zstd, and its last
line is looked at as it passes.
"""

import os
import re
from datetime import datetime
from pathlib import Path

from scripts.database import dump, load
from scripts.database.client import Client
from scripts.database.digest import is_trailer
from scripts.database.faults import explained
from scripts.errors import DatabaseError, HostError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.hosts.streams import Sink, Source
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps.site import Site
from scripts.store import compress

LAST_LINE = 200     # bytes; the trailer with its date has 40
PACKED = 0.3        # of the database's bytes; zstd makes a tenth of most
PARTIAL = ".partial"
STAMP = "%Y-%m-%d_%H-%M-%S"


def path_of(instance: Instance, name: str) -> Path:
    """Return where a dump of this name lies."""
    return folder(instance) / name


def folder(instance: Instance) -> Path:
    return instance.settings.state / "waysback"


def all_of(instance: Instance) -> list[Path]:
    """Return the dumps of an instance, whole or not."""
    form = re.compile(re.escape(instance.name) + r"\.\d{4}[\d_-]+\.sql\.zst")
    return [path for path in sorted(folder(instance).glob(f"{instance.name}.*")) if form.fullmatch(path.name)]


def new_name(instance: Instance) -> str:
    """Return a name for the dump of a change that begins now; another change never has the same."""
    taken = {path.name for path in all_of(instance)}
    base = f"{instance.name}.{datetime.now().strftime(STAMP)}"
    return next(name for number in range(1, 1000)
                if (name := f"{base}{f'_{number}' if number > 1 else ''}.sql.zst") not in taken)


def require_room(site: Site) -> None:
    """Raise HostError when the manager could not hold a dump."""
    place = folder(site.instance)
    needed, free = int(site.database_bytes * PACKED), MANAGER.free_bytes(str(place))
    if free < needed:
        raise HostError(f"{site.instance.name}: no space for the last dump: about {output.size(needed)} are needed in "
                        f"{place}, and {output.size(free)} are free. Nothing was changed")


def take(site: Site, name: str) -> None:
    """Write the dump; raise DatabaseError when it lacks its end."""
    instance, client = site.instance, dump.lossless(site.client)
    stream = dump.stream(client, consistent=dump.consistency(client), routines=dump.has_routines(client),
                         events=dump.has_events(client))
    keeper = _Keeper(dump.header(client))
    path = path_of(instance, name)
    MANAGER.make_folder(str(path.parent), 0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file, explained(client.place):
        process.pipe(*stream, keeper.pass_on, compress.compressor(), into=file)
    if not is_trailer(keeper.tail.rstrip().rpartition(b"\n")[2]):
        raise DatabaseError(f"{client.place}: the dump ended early: its last line is not `-- Dump completed`")
    MANAGER.sync(str(path))


def keep_written(site: Site) -> Path:
    """Keep the database as it is now, for a person to look into; return where. The last one that was kept goes."""
    instance = site.instance
    final = path_of(instance, f"{instance.name}.written-{datetime.now().strftime(STAMP)}.sql.zst")
    partial = final.with_name(f"{instance.name}.written{PARTIAL}")
    try:
        take(site, partial.name)
    except BaseException:
        MANAGER.remove(str(partial))    # it may be what fills the disk
        raise
    MANAGER.rename(str(partial), str(final))
    MANAGER.remove(*(str(path) for path in folder(instance).glob(f"{instance.name}.written-*.sql.zst")
                     if path != final))
    return final


def load_back(client: Client, instance: Instance, name: str) -> None:
    """Make a database what the dump says, whatever is in it; raise DatabaseError when it is not that afterwards."""
    path = path_of(instance, name)
    with open(path, "rb") as file:
        names = _Names()
        process.pipe(compress.decompressor("zst"), names.read, out_of=file)
    load.drop_everything(client)
    with open(path, "rb") as file:
        load.load(client, compress.decompressor("zst"), out_of=file)
    found = {table.name for table in client.tables() if not table.is_view}
    if not process.conduct.dry_run and found != names.found:
        raise DatabaseError(f"{client.place}: after the load its tables are not those of {name}: "
                            f"{', '.join(sorted(found ^ names.found)[:3])}")


class _Keeper:
    """A stage that hands a dump on behind its header and keeps its last bytes."""

    def __init__(self, header: bytes) -> None:
        self.header, self.tail = header, b""

    def pass_on(self, source: Source, sink: Sink) -> None:
        sink.write(self.header)
        for chunk in source.chunks():
            sink.write(chunk)
            self.tail = (self.tail + chunk[-LAST_LINE:])[-LAST_LINE:]


class _Names:
    """A stage that reads a whole dump for the tables it makes; it raises when the dump has no end."""

    CREATE = re.compile(rb"^CREATE TABLE `((?:[^`]|``)+)`", re.MULTILINE)

    def __init__(self) -> None:
        self.found: set[str] = set()

    def read(self, source: Source, sink: Sink) -> None:
        kept = b""
        for chunk in source.chunks():
            text = kept + chunk
            whole, _, kept = text.rpartition(b"\n")
            self.found |= {name.replace(b"``", b"`").decode("utf-8", "surrogateescape")
                           for name in self.CREATE.findall(whole)}
        last = text.rstrip().rpartition(b"\n")[2] if self.found else b""
        if not is_trailer(last):
            raise DatabaseError("the dump of the way back is cut off or damaged: its last line is missing")
