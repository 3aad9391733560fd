"""Mods that were published by one toolkit, are served over HTTP, and are used by another for its sites."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import forked, sample_mods
from tests.lab.lab import Lab
from tests.lab.mods_fixtures import done, each, installed, kit, lab, refused, removed, run, sites
from tests.lab.processes import free_port
from tests.lab.sample_mods import BOOK, PAPER_NAME
from tests.lab.toolkit import Toolkit

__all__ = ["each", "kit", "lab", "sites"]   # fixtures


@contextmanager
def served(maker: Toolkit) -> Iterator[str]:
    """Serve the collection of a toolkit by its own verb; yield the address."""
    port = free_port()
    server = subprocess.Popen([str(maker.top / ".venv/bin/invoke"), "mods-serve", f"--port={port}",
                               "--listen=127.0.0.1"], cwd=maker.top, stdout=subprocess.PIPE, text=True)
    try:
        assert f":{port}" in server.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def maker_of(lab: Lab, name: str) -> Toolkit:
    """Return a toolkit that publishes the book in its first revision."""
    maker = Toolkit(lab.folder / f"maker-{name}", lab)
    sample_mods.write(maker.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})
    done(forked.run(maker.top, "mods_publish", mod="all"))
    return maker


def test_a_published_mod_comes_over_http_is_upgraded_and_goes(lab, kit, each):
    instance, sample = each
    maker = maker_of(lab, instance.name)
    with served(maker) as address:
        (kit.top / "conf/providers.txt").write_text(f"{address}\n")
        done(forked.run(kit.top, "mods_update"))
        rows = json.loads(done(run(kit, "mods", instance, json=1)).stdout)
        assert [(row["mod"], row["remote"], row["local"], row["state"]) for row in rows] == \
            [(BOOK, "1.1", None, "not installed"), (PAPER_NAME, "1.0", None, "not installed")]
        said = installed(kit, instance).stdout
        assert f"install {PAPER_NAME} 1.0 from {address}" in said
        assert sample.sql("SELECT name FROM book_guests WHERE id = 1").strip() == "It's ours"

        sample_mods.write(maker.settings, {BOOK: sample_mods.THIRD})
        done(forked.run(maker.top, "mods_republish", mod="all"))
        done(forked.run(kit.top, "mods_update"))
        assert "upgrade available" in done(run(kit, "mods", instance)).stdout
        done(run(kit, "mods_upgrade", instance, mod="all", yes=1))
        assert sample.sql("SELECT title FROM book_pages").strip() == "It's ours"
        removed(kit, instance)

        archive = next((maker.top / "var/mods-collection/Dist").glob(f"{PAPER_NAME}-*.tgz"))
        archive.write_bytes(archive.read_bytes()[:-20] + b"x" * 20)
        for path in (kit.top / "var/mods-collection/Cache").rglob(f"{PAPER_NAME}-*.tgz"):
            path.unlink()
        refused(run(kit, "mods_install", instance, mod=PAPER_NAME, yes=1), "its md5 is", code=7)
