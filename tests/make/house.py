"""One lab and one toolkit for all tests of what an operator types: sites, places, and what is wrong with some."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.processes import free_port
from tests.lab.sample_tiki import PASSWORD, SampleTiki
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

PATH = "/usr/local/bin:/usr/bin:/bin"
SMALL = {"files": 5, "versions": 1}  # a site with every odd file name and little else


@dataclass
class House:
    """blog, wiki, far and copy are registered; fresh is a Tiki that is not. variables are what the .bats files get."""

    lab: Lab
    toolkit: Toolkit
    blog: SampleTiki
    fresh: SampleTiki
    variables: dict[str, str]


@contextmanager
def built() -> Iterator[House]:
    """Yield the house: a local site, an old one, one behind ssh, each with an archive, and a blank."""
    with Lab() as lab:
        toolkit = Toolkit(lab.folder / "trim", lab)
        for name in ("var", "var/archives", "var/work"):
            (toolkit.top / name).mkdir(mode=0o700)
        toolkit.set(compress="zst")
        _, blog = toolkit.tiki("blog", **SMALL)
        toolkit.tiki("wiki", "old", **SMALL)
        toolkit.tiki("far", ssh=True, **SMALL)
        toolkit.blank("copy")
        fresh = lab.tiki("fresh", web=False, **SMALL)
        for name in ("blog", "wiki", "far"):
            fetch(toolkit.instance(name).web_url)  # the first visit fills caches
        done = toolkit.make("backup", "INSTANCE=blog,far,wiki")
        assert done.returncode == 0, done.stderr
        with _small_disk(lab.folder / "small") as small:
            yield House(lab, toolkit, blog, fresh, {**_servers(lab), **_places(lab, toolkit, blog, fresh, small)})


def _servers(lab: Lab) -> dict[str, str]:
    """Return how to reach what the lab has started, and what keeps one from reaching it."""
    sshd, bare = lab.sshd(), lab.sshd(environment={"PATH": str(_without_dump(lab.folder / "bare"))})
    known, other = sshd.known_hosts.read_text(), bare.known_hosts.read_text()
    sshd.known_hosts.write_text(known + other)
    wrong, nobody = lab.folder / "wrong_hosts", lab.folder / "no_hosts"
    wrong.write_text(f"{known.split()[0]} {' '.join(other.split()[1:3])}\n")
    nobody.touch()
    database, user, password = lab.account("place")
    return {"SSH_USER": sshd.user, "SSH_PORT": str(sshd.port), "SSH_KEY": str(sshd.key), "BARE_PORT": str(bare.port),
            "BARE_KEY": str(bare.key), "WRONG_HOSTS": str(wrong), "NO_HOSTS": str(nobody),
            "DEAD_PORT": str(free_port()), "DB_SOCKET": str(lab.mariadb.socket), "DATABASES": "blog wiki far copy",
            "PLACE_HOST": f"127.0.0.1:{lab.mariadb.port}", "PLACE_NAME": database, "PLACE_USER": user,
            "PLACE_PASS": password, "SITE_PASS": PASSWORD}


def _places(lab: Lab, toolkit: Toolkit, blog: SampleTiki, fresh: SampleTiki, small: str) -> dict[str, str]:
    """Return the folders that tests name."""
    sites = lab.sites()
    locked, empty, other = sites / "locked", sites / "empty", sites / "other"
    subprocess.run(["cp", "-a", blog.folder, locked], check=True)
    config = locked / "db" / "local.php"
    config.write_text(config.read_text().replace("$pass_tiki='", "$pass_tiki='not "))
    for folder in (empty, other):
        folder.mkdir()
    (other / "notes.txt").write_text("no Tiki here\n")
    give_to(lab_user(), empty, other)
    return {"TRIM_TOP": str(toolkit.top), "SITES": str(sites), "FAR_SITES": str(lab.sites(ssh=True)),
            "BLOG_URL": str(blog.url), "FRESH": str(fresh.folder), "LOCKED": str(locked), "EMPTY": str(empty),
            "NO_TIKI": str(other), "SMALL_DISK": small}


def _without_dump(folder: Path) -> Path:
    """Make a PATH of this machine's programs without those that dump a database."""
    folder.mkdir()
    for entry in os.scandir("/usr/bin"):
        if entry.name not in ("mariadb-dump", "mysqldump"):
            (folder / entry.name).symlink_to(entry.path)
    return folder


@contextmanager
def _small_disk(folder: Path) -> Iterator[str]:
    """Yield a folder on a disk of 64 kB, or nothing where none may be mounted."""
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        yield ""
        return
    try:
        yield str(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment of a cron job, and more."""
    return {"PATH": PATH, "HOME": os.environ.get("HOME", "/"), **more}


def bats() -> str:
    """Return the path of bats."""
    found = shutil.which("bats")
    assert found, "bats is not installed; see conf/lab-packages.txt"
    return found
