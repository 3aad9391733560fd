"""make prove: shows that an archive restores, without touching the site.

Every checksum is checked, the tree is unpacked, the dump is loaded into a database that lives for this proof, and
every table there is compared with what the manifest recorded when the dump was made.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

from scripts.database import compare, credentials, dump, load, server
from scripts.database.client import Client
from scripts.database.digest import DumpDigest, TableDigest
from scripts.database.load import CannotHold
from scripts.errors import ArchiveError, DatabaseError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import unpacking
from scripts.steps.scratch import scratch
from scripts.steps.unpacking import Unpacked
from scripts.store import archive


def prove(instance: Instance, wanted: str, unverified: bool) -> dict[str, object] | None:
    """Prove one archive of the instance, record it, and return what is to be told; None in a dry run.

    Raises ArchiveError when the archive is damaged, DatabaseError when it could not be proven here.
    """
    started = time.monotonic()
    if instance.db_name and not archive.of_instance(instance.settings, instance.name):
        output.say(f"{instance.name}: is a blank that was never backed up: there is nothing to prove yet")
        return None
    chosen = archive.choose(instance.settings, instance.name, wanted)
    if process.conduct.dry_run:
        output.say(f"{instance.name}: would prove {chosen.path.name}")
        return None
    try:
        with scratch(instance) as folder, \
                unpacking.looked_through(instance, chosen, folder, unverified, "prove") as unpacked:
            _load_and_compare(instance.settings, unpacked, folder)
            tables, files = len(unpacked.tables), unpacked.manifest.files if unpacked.manifest else None
    except CannotHold as fault:
        archive.update_record(chosen, not_proven=str(fault))
        raise DatabaseError(f"{chosen.path.name}: not proven: the server it was tried on cannot hold it: {fault}. The "
                            "archive itself is whole. Next: set PROVE_DB in conf/settings.env to a server like the "
                            "site's own") from fault
    except ArchiveError as fault:
        archive.update_record(chosen, proven="", not_proven=str(fault))
        raise
    seconds = round(time.monotonic() - started, 1)
    archive.update_record(chosen, proven=datetime.now(UTC).isoformat(timespec="seconds"), proven_seconds=seconds,
                          not_proven="")
    output.say(f"{instance.name}: {chosen.path.name} is proven restorable: {tables} tables"
               + (f" and {files} files" if files is not None else "") + f", in {output.duration(seconds)}")
    return {"instance": instance.name, "archive": chosen.path.name, "proven": True, "seconds": seconds,
            "tables": tables, "files": files}


def _load_and_compare(settings: Settings, unpacked: Unpacked, folder: Path) -> None:
    """Load the dump and compare every table with what the archive says of it."""
    with server.for_a_trial(settings, folder) as account, credentials.option_file(MANAGER, account) as options:
        client = dump.lossless(Client(MANAGER, options, account.name))
        with open(unpacked.dump, "rb") as file:
            load.load(client, out_of=file)
        differences = compare.differences(unpacked.tables, _tables(client))
    if differences:
        raise ArchiveError(f"{unpacked.archive.path.name}: its dump does not come back as it went in: "
                           f"{'; '.join(differences[:3])}")


def _tables(client: Client) -> dict[str, TableDigest]:
    """Return what every table of the loaded database holds, in the same measure as when the dump was made."""
    digest = DumpDigest()
    process.pipe(dump.dump_command(client, consistent="unlocked"),
                 lambda source, sink: [digest.feed(chunk) for chunk in source.chunks()])
    return digest.finish()
