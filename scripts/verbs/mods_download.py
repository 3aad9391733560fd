"""make mods-download: brings mods of a provider into the collection: archive, control file and files.

The archive is held to the sums of the list, and unpacked only when every member is what its control file names.
"""

from dataclasses import dataclass

from scripts.errors import UsageError
from scripts.hosts import process
from scripts.mods import names
from scripts.mods.index import IndexLine
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection


@dataclass(frozen=True)
class Offer:
    """A line of a list, and whose list it is."""

    address: str
    line: IndexLine


def mods_download(settings: Settings, mod: str, address: str, force: bool) -> list[dict[str, object]]:
    """Bring the newest revision of each mod; return what came. force replaces what is there, files of others too."""
    if not mod:
        raise UsageError("MOD= is missing: which mods? A name (TYPE-NAME), several with commas, or a glob")
    offers = _offers(settings, address)
    here = mods_collection.local(settings)
    rows = []
    for wanted in names.select(mod, offers, "no list of a provider (make mods-update fetches them):"):
        offer = offers[wanted]
        if wanted in here and here[wanted].revision >= offer.line.revision and not force:
            output.say(f"{wanted}: {here[wanted].revision} is in the collection; {offer.address} has "
                       f"{offer.line.revision}. All the same: FORCE=1")
        elif process.conduct.dry_run:
            output.say(f"would: download {wanted} {offer.line.revision} from {offer.address}")
        else:
            rows.append(_download(settings, offer, force))
    if rows:
        mods_collection.rebuild(settings)
    return rows


def _offers(settings: Settings, address: str) -> dict[str, Offer]:
    """Return the newest of each mod; of equal ones that of the provider named first."""
    found: dict[str, Offer] = {}
    for place, lines in mods_collection.remotes(settings, address).items():
        for line in lines:
            if line.mod not in found or line.revision > found[line.mod].line.revision:
                found[line.mod] = Offer(place, line)
    return found


def _download(settings: Settings, offer: Offer, force: bool) -> dict[str, object]:
    line = offer.line
    mods_collection.ready(settings)
    if not line.md5 and not line.sha256:
        output.warn(f"{line.mod}: {offer.address} tells no sum of its archive, so that it is not compared with one")
    control, written = mods_collection.adopt(settings, offer.address, line, force)
    output.say(f"{line.mod}: {line.revision} from {offer.address}, {len(written)} files written")
    here = mods_collection.local(settings)
    for demand in control.requires:
        if demand.mod not in here or not demand.admits(here[demand.mod].revision):
            output.say(f"{line.mod}: requires {demand}, which is not in the collection. Next: make mods-download "
                       f"MOD={demand.mod}")
    return {"mod": line.mod, "revision": line.revision.text, "provider": offer.address, "files": written}
