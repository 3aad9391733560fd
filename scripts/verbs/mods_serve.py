"""make mods-serve: the collection, or a mirror, as a provider over HTTP; for reading alone, until it is ended.

What stands behind it is steps/mods_serving.py. For the open Internet a web server belongs in front, which speaks https.
"""

from pathlib import Path

from scripts.errors import HostError, UsageError
from scripts.hosts import process
from scripts.mods import provider
from scripts.mods.provider import PUBLIC
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection, mods_serving

PORT = 8017
LISTEN = "0.0.0.0"


def mods_serve(settings: Settings, port: int | None, listen: str, folder: str) -> None:
    """Answer requests until a signal ends the run."""
    provider.require_publishing(settings)
    place = settings.top / Path(folder).expanduser() if folder else mods_collection.folder(settings)
    if not (place / "Packages" / PUBLIC).is_file():
        raise UsageError(f"{place}: publishes nothing: it has no Packages/{PUBLIC}. Next: make mods-publish MOD=all")
    address, port = listen or LISTEN, port or PORT
    if port > 65535:
        raise UsageError(f"PORT={port}: the highest port is 65535")
    if process.conduct.dry_run:
        output.say(f"would: serve {place} at {address}, port {port}")
        return
    try:
        server = mods_serving.server(place, address, port, output.manner.also)
    except (OSError, OverflowError) as error:
        raise HostError(f"{address}: port {port} cannot be listened to: {error}. Next: PORT= or LISTEN= another") \
            from error
    with server:
        shown = f"[{address}]" if ":" in address else address
        output.say(f"serving {place} at http://{shown}:{server.server_address[1]}; Ctrl-C ends it")
        server.serve_forever()
