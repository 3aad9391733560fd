"""A throw-away clone of a site on the manager: tree and state in a scratch folder, its own database and web server.

The site itself is only read, and of the clone nothing stays, killed or not.

It is muted before anything of it runs. Its web server listens on this machine alone; who has an account here can ask it
while it lives.
"""

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from scripts.database import server
from scripts.database.account import Account
from scripts.errors import HostError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import answering, cloning, cloning_guards, cloning_places, release_files, site
from scripts.steps.cloning import Call, Manner
from scripts.steps.scratch import scratch
from scripts.tiki import ties

START_SECONDS = 15      # a loaded machine; normal is a tenth of one
LOOK_SECONDS = 0.1
WORKERS = "4"           # a page of Tiki may ask its own server for another


@contextmanager
def throw_away(source: Instance, php: str) -> Iterator[Instance]:
    """Lend a clone of a site that nobody knows, answering at its web_url; php is the manager's program for it."""
    if not shutil.which(php):
        raise HostError(f"{source.name}: there is no program {php} on the manager, where the rehearsal is. Next: "
                        "apt-get install php-cli, or PHP=program")
    with scratch(source) as folder, server.for_a_trial(source.settings, folder) as account:
        clone = _instance(source, folder, account, php)
        _make(source, clone)
        with _served(clone, php):
            yield clone


def _instance(source: Instance, folder: Path, account: Account, php: str) -> Instance:
    """Return the clone as an instance whose state, archives and work lie in the scratch folder too."""
    settings = replace(source.settings, state_dir=str(folder / "var"), work_dir=str(folder / "work"),
                       archives_dir=str(folder / "archives"), compress="zst")
    for place in (settings.state, settings.work, settings.archives):
        MANAGER.make_folder(str(place), 0o700)
    host = account.socket or f"{account.host}:{account.port or 3306}"
    return Instance(name=source.name, settings=settings, web_root=str(folder / "tree"),
                    web_url=f"http://127.0.0.1:{_free_port()}/", php=php, data_root=str(folder / "data"),
                    exclude=source.exclude, db_host=host, db_name=account.name, db_user=account.user,
                    db_pass=account.password)


def _make(source: Instance, clone: Instance) -> None:
    with site.opened(source) as theirs, site.opened_target(clone) as found:
        places = cloning_places.find(theirs, found)
        manner = Manner(is_fleeting=True)
        cloning_guards.require_room(theirs, found, places, manner.what)
        told = cloning.copy(theirs, found, places, manner, Call("rehearse", {"INSTANCE": source.name}))
    if any(ties.ENGINE in line for line in told.rewritten):
        output.say(f"{source.name}: its search index is at a server of its own: the rehearsal makes none there, but in "
                   "its own database; how long that takes says nothing of the site's")
    if record := release_files.read(source):
        release_files.remember(clone, record)


@contextmanager
def _served(clone: Instance, php: str) -> Iterator[None]:
    """Let PHP's own web server answer for the clone while the block runs."""
    address = clone.web_url.removeprefix("http://").rstrip("/")
    words = ("env", f"PHP_CLI_SERVER_WORKERS={WORKERS}", php, "-S", address, "-t", clone.web_root)
    with process.background(MANAGER.command(*words)) as is_alive:
        deadline = time.monotonic() + START_SECONDS
        while answering.visit(clone).status == 0:
            if not is_alive() or time.monotonic() > deadline:
                raise HostError(f"{clone.name}: {php} -S {address} does not answer: the rehearsal has no web server")
            time.sleep(LOOK_SECONDS)
        yield


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
