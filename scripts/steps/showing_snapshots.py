"""What is kept of a show: a dump with one row a line and its tree, served behind its guard; and the last one of all.

The served one lies in web/snapshots/MOMENT/ and takes the place of the one before when it is whole. The last one is
made before a show goes: its database and what is its own of the files, readable by us alone.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from scripts.database import dump
from scripts.database.digest import DumpDigest
from scripts.database.faults import explained
from scripts.errors import HostError
from scripts.hosts import process
from scripts.hosts.command import Command
from scripts.hosts.local import MANAGER
from scripts.hosts.streams import Filter, Sink, Source
from scripts.registry.settings import Settings
from scripts.steps import scratch, showing, showing_building
from scripts.steps import showing_places as places
from scripts.steps.showing import Show
from scripts.store import compress
from scripts.store.tar_stream import TarStream, Unseen
from scripts.tiki import layout

DATABASE, TREE = "database.sql.zst", "tree.tar.zst"
TAR_DIFFERS = 1             # a file changed or went while it was read: the show is alive
MOMENT = "%Y-%m-%d_%H-%M-%S"


def take(settings: Settings, show: Show) -> list[str]:
    """Make the snapshot that is served, in place of the one before; return its addresses."""
    home, web = places.home(settings, show.id), places.web_root(settings, show.id)
    moment = showing.now().strftime(MOMENT)
    new, served = home / ".snapshot", web / showing_building.SNAPSHOTS
    MANAGER.run("rm", "-rf", "--", str(new))
    MANAGER.make_folder(str(new), 0o755)
    try:
        _pack(new / DATABASE, 0o644, *_dump(settings, show))
        caches = [f"--exclude=./{cache}/*" for cache in layout.CACHES]
        _pack(new / TREE, 0o644, *_tar("--sort=name", f"--exclude=./{layout.LOCAL_PHP}", *caches,
                                       f"--exclude=./{served.name}", "-C", str(web), "."))
        before = sorted(served.iterdir()) if served.is_dir() else []
        MANAGER.make_folder(str(served), 0o755)
        MANAGER.rename(str(new), str(served / moment))
        showing.change(settings, show.id, snapshot=moment)
        if earlier := [str(path) for path in before if path.name != moment]:
            MANAGER.run("rm", "-rf", "--", *earlier)
    finally:
        MANAGER.run("rm", "-rf", "--", str(new))
    return addresses(settings, showing.read(settings, show.id))


def addresses(settings: Settings, show: Show) -> list[str]:
    """Return where the snapshot of a show is served."""
    start = f"{places.url(settings, show.id)}{showing_building.SNAPSHOTS}/{show.snapshot}/"
    return [start + name for name in (DATABASE, TREE)] if show.snapshot else []


def keep_last(settings: Settings, show: Show) -> Path:
    """Make the last snapshot of a show that is to go, and return where it is; older ones beyond SHOW_KEEP go."""
    web, kept = places.web_root(settings, show.id), settings.state / "shows" / "snapshots"
    MANAGER.make_folder(str(kept), 0o700)
    path = kept / f"{show.id}-{showing.now().strftime(MOMENT)}.tar.zst"
    tree = web if web.exists() else places.home(settings, show.id) / showing_building.OLD
    if not tree.is_dir():
        raise HostError(f"{show.id}: its folder {web} is not there")
    names = [name for name in (*showing_building.WRITTEN, layout.HTACCESS) if (tree / name).exists()]
    with scratch.named(settings, f"show-{show.id}") as folder:
        MANAGER.write(str(folder / "show.json"), json.dumps(asdict(show), indent=1).encode(), 0o600)
        _pack(folder / DATABASE, 0o600, *_dump(settings, show))
        partial = kept / f".{path.name}.partial"
        try:
            _pack(partial, 0o600, *_tar("-C", str(folder), "show.json", DATABASE, "-C", str(tree), *names))
            MANAGER.rename(str(partial), str(path))
        finally:
            MANAGER.remove(str(partial))
    beyond = sorted(kept.glob("*.tar.zst"), key=lambda one: one.stat().st_mtime, reverse=True)[settings.show_keep:]
    MANAGER.remove(*map(str, beyond))
    return path


def dump_plain(settings: Settings, show: Show, path: Path) -> None:
    """Write the show's database into a file of ours, as it is to be loaded again."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        process.pipe(*_dump(settings, show), into=file)


def _dump(settings: Settings, show: Show) -> Sequence[Command | Filter]:
    return (lambda source, sink: _dump_into(settings, show, sink),)


def _dump_into(settings: Settings, show: Show, sink: Sink) -> None:
    """As a stage of a pipe: write the show's database as SQL; raise DatabaseError when the dump lacks its end."""
    with showing_building.database(settings, show) as client:
        client = dump.lossless(client)
        digest = DumpDigest(dump.header(client), counts_only=True)
        command = dump.dump_command(client, comparable=True, consistent=dump.consistency(client))
        with explained(client.place):
            process.pipe(command, digest.pass_on, into=sink)
        digest.finish()


def _tar(*words: str) -> Sequence[Command | Filter]:
    return (MANAGER.command("tar", "-c", "--format=gnu", "--ignore-failed-read", "-f", "-", *words), _whole)


def _whole(source: Source, sink: Sink) -> None:
    """As a stage of a pipe: hand a tar stream on, and raise CommandError when it lacks its end."""
    stream = TarStream(Unseen())
    for chunk in source.chunks():
        stream.feed(chunk)
        sink.write(chunk)
    stream.finish()


def _pack(path: Path, mode: int, *stages: Command | Filter) -> None:
    """Write what the stages give into a packed file, and read it back."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        process.pipe(*stages, compress.compressor(), into=file, ok=(0, TAR_DIFFERS))
        os.fchmod(file.fileno(), mode)
    MANAGER.read("zstd", "-q", "-t", "--", str(path))
