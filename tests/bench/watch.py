"""A look of make watch against reading every file once: `find -type f -print0 | xargs -0 -P2 sha256sum` on the host.

The site lies behind ssh, and what goes over the wire is counted by a relay before its sshd. An untouched site must have
no finding, also after pages and caches were used.
"""

import json
import os
import selectors
import socket
import subprocess
import threading
from pathlib import Path

from tests.bench import measuring
from tests.bench.measuring import Measured
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.sshd import Sshd
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

ROUNDS = 5
TIME_LIMIT = 1.5
WIRE_LIMIT = 8_000_000
PAGES = ("tiki-index.php", "tiki-login_scr.php", "tiki-list_file_gallery.php", "tiki-editpage.php?page=HomePage")


class Relay(threading.Thread):
    """Passes connections on to an sshd and counts the bytes of both directions."""

    def __init__(self, sshd: Sshd) -> None:
        super().__init__(daemon=True)
        self.sshd, self.bytes = sshd, 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def run(self) -> None:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._listening, selectors.EVENT_READ)
            while True:
                for key, _ in waiting.select():
                    if key.fileobj is self._listening:
                        near, _ = self._listening.accept()
                        far = socket.create_connection((self.sshd.host, self.sshd.port))
                        waiting.register(near, selectors.EVENT_READ, far)
                        waiting.register(far, selectors.EVENT_READ, near)
                        continue
                    self._pass_on(waiting, key)

    def _pass_on(self, waiting: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        data = key.fileobj.recv(1 << 16)
        if data:
            self.bytes += len(data)
            key.data.sendall(data)
            return
        for end in (key.fileobj, key.data):
            waiting.unregister(end)
            end.close()


def measure(lab: Lab, kit: Toolkit, site: SampleTiki) -> int:
    """Measure and print; return how many limits were missed."""
    relay = Relay(lab.sshd())
    relay.start()
    keys = kit.over_ssh() | {"ssh_port": relay.port}
    known = Path(lab.sshd().known_hosts)
    first = known.read_text().splitlines()[0].split(" ", 1)
    known.write_text(known.read_text() + f"[{lab.sshd().host}]:{relay.port} {first[1]}\n")
    kit.register("watched", web_root=site.folder, web_url=site.url, **keys)
    found = _look(kit, "check", "JSON=1")
    print(f"bench: the first look: {_summary(found)}; accepted")
    _look(kit, "check", "ACCEPT=all")
    for page in PAGES:
        fetch(f"{site.url}{page}")
    found = _look(kit, "check", "JSON=1")
    if found:
        print(f"bench: after its pages were used: {_summary(found)}")
    files = sum(len(names) for _, _, names in os.walk(site.folder))
    before = relay.bytes
    _look(kit, "watch")
    wire = relay.bytes - before
    taken = measuring.medians({"plain": lambda: _plain(site.folder), "watch": lambda: _look(kit, "watch")}, ROUNDS)
    (site.folder / "lib" / "came.php").write_text("<?php // new\n")
    changed = measuring.medians({"changed": lambda: _look(kit, "check", "JSON=1")}, ROUNDS)["changed"]
    missed = measuring.report(f"a look at {files} files over ssh, medians of {ROUNDS}",
                              [*measuring.against(taken["plain"], taken["watch"], "make watch", TIME_LIMIT),
                               Measured("one is new", changed, changed / taken["plain"])],
                              f"over the wire: {wire / 1e6:.2f} MB (limit {WIRE_LIMIT / 1e6:.0f} MB)")
    return missed + (wire > WIRE_LIMIT) + bool(found)


def _plain(folder: Path) -> None:
    subprocess.run(["sh", "-c", 'cd "$1" && find . -type f -print0 | xargs -0 -P2 sha256sum', "plain", folder],
                   check=True, stdout=subprocess.DEVNULL)


def _look(kit: Toolkit, verb: str, *words: str) -> list[dict]:
    done = kit.make(verb, "INSTANCE=watched", *words)
    if done.returncode and "Error 10" not in done.stderr:
        raise SystemExit(f"bench: make {verb} failed: {done.stderr}")
    if verb == "watch" and done.returncode:
        raise SystemExit(f"bench: make watch found something: {done.stderr}")
    return json.loads(done.stdout)[0]["findings"] if "JSON=1" in words else []


def _summary(found: list[dict]) -> str:
    names = [f"{one['kind']} {one['name']}: {one['told']}" for one in found]
    return f"{len(found)} findings" + (f", as {'; '.join(names[:12])}" if names else "")
