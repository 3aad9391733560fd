"""make mods-mirror: a whole provider in another folder, here or behind ssh, sftp or ftp.

A folder of this machine becomes what the provider is; what it no longer lists goes. Elsewhere what is new is added.
"""

from pathlib import Path

from scripts.errors import ArchiveError, UsageError
from scripts.hosts import process
from scripts.mods import names, provider
from scripts.mods.provider import Provider
from scripts.mods.reach import Folder
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection, mods_mirroring
from scripts.steps.mods_mirroring import Mirrored


def mods_mirror(settings: Settings, address: str, to: str) -> dict[str, object] | None:
    """Mirror a provider and return what came; raise ArchiveError at the end for what could not be had."""
    sources = provider.require(settings, address)
    if len(sources) > 1:
        raise UsageError(f"PROVIDER= is missing: which one? {', '.join(one.address for one in sources)}")
    source = sources[0]
    if isinstance(source.reach, Folder) and _is_collection(settings, source.reach.folder):
        provider.require_publishing(settings)
    own = mods_collection.folder(settings) / "Mirrors" / names.encoded(source.address)
    target = provider.wanted(settings, to)[0] if to else provider.at(settings, str(own))
    if target.address == source.address:
        raise UsageError(f"{to}: is the provider itself")
    if process.conduct.dry_run:
        output.say(f"would: bring {len(source.list())} mods of {source.address} to {target.address}")
        return None
    done = _mirrored(source, target, own)
    output.say(f"{target.address}: {len(done.lines)} mods of {source.address}, {len(done.fetched)} archives came, "
               f"{len(done.removed)} files went")
    if done.failed:
        raise ArchiveError(f"{target.address}: without {', '.join(done.failed)}; the rest is there")
    return {"provider": source.address, "to": target.address, "mods": len(done.lines), "fetched": done.fetched,
            "removed": done.removed}


def _is_collection(settings: Settings, folder: str) -> bool:
    return Path(folder).resolve() == mods_collection.folder(settings).resolve()


def _mirrored(source: Provider, target: Provider, own: Path) -> Mirrored:
    if isinstance(target.reach, Folder):
        return mods_mirroring.into_folder(source, Path(target.reach.folder))
    with mods_mirroring.staged(source, own) as (folder, here):
        done = mods_mirroring.onto(folder, target, here.lines)
    done.failed = here.failed
    return done
