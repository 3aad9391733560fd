"""Sites to measure with: a real Tiki from a folder of its files, or one made up of the size that is asked for."""

import itertools
import random
import shutil
import subprocess
from pathlib import Path

from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.sample_code import write_code
from tests.lab.sample_tiki import SampleTiki, write_config

UPLOADS = 600            # files of the gallery, half of them as hard to pack as pictures are
UPLOAD_BYTES = 60_000    # of each
HISTORY = 8_000          # rows of page history, 2.5 kB each: about 40 MB of SQL, as hexadecimal digits
WORDS = ("wiki", "page", "tracker", "forum", "category", "gallery", "plugin", "menu", "module", "user", "permission",
         "search", "index", "article", "calendar", "newsletter", "template", "theme", "structure", "attachment")


def real(lab: Lab, name: str, tree: Path, ssh: bool = False) -> SampleTiki:
    """Install the Tiki whose files are in tree by its own console, with uploads outside the web root."""
    folder = lab.sites(ssh) / name
    subprocess.run(["rsync", "-a", "--exclude=/db/local.php", "--exclude=/.git", f"{tree}/", f"{folder}/"], check=True)
    database, user, password = lab.account(name)
    server = f"127.0.0.1:{lab.mariadb.port}"
    write_config(folder, "new", "24.4", server, user, password, database)
    give_to(lab_user(), folder)
    subprocess.run(["php", "-d", "error_log=/dev/null", "console.php", "database:install", "-n"], cwd=folder,
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    site = SampleTiki(folder, folder.parent / f"{name}-data", "new", "", lab.mariadb, database, user, password,
                      lab.apache.serve(folder) + "/")
    _upload(site)
    (folder / "db" / "lock").touch()
    give_to(lab_user(), folder, site.outside)
    return site


def made_up(lab: Lab, name: str, files: int) -> SampleTiki:
    """Build a sample site with that many files of code, real uploads and page history."""
    site = lab.tiki(name, files=20)
    write_code(folder := site.folder.parent / f"{name}-code", files=files)
    shutil.copytree(folder, site.folder / "lib" / "more")
    shutil.rmtree(folder)
    _upload(site)
    give_to(lab_user(), site.folder, site.outside)
    return site


def _upload(site: SampleTiki) -> None:
    """Put files into a gallery folder outside the web root and pages into the history."""
    chance = random.Random(244)
    gallery = site.outside / "gallery of files"
    gallery.mkdir(parents=True, exist_ok=True)
    for number in range(UPLOADS):
        text = " ".join(chance.choices(WORDS, k=UPLOAD_BYTES // 7)).encode()
        (gallery / f"{number:032x}").write_bytes(chance.randbytes(UPLOAD_BYTES) if number % 2 else text)
    rows = (f"('Page {number}', {number}, 1700000000, '{' '.join(chance.choices(WORDS, k=350))}')"
            for number in range(HISTORY))
    site.sql("REPLACE INTO tiki_preferences (name, value) VALUES ('fgal_use_db', 'n'), "
             f"('fgal_use_dir', '{gallery}/')")
    while batch := list(itertools.islice(rows, 500)):
        site.sql(f"INSERT INTO tiki_history (pageName, version, lastModif, data) VALUES {', '.join(batch)}")
