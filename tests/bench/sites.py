"""Sites to measure with: a real Tiki from a folder of its files, or one made up of the size that is asked for."""

import itertools
import random
import subprocess
from pathlib import Path

from tests.bench import content, tables
from tests.bench.content import WORDS
from tests.bench.sizes import Size
from tests.lab import sample_code
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki, write_config

UPLOADS = 600            # files of a real Tiki's gallery, half of them as hard to pack as pictures are
UPLOAD_BYTES = 60_000    # of each
HISTORY = 8_000          # rows of page history, 2.5 kB each: about 40 MB of SQL, as hexadecimal digits
SAMPLE_FILES = 20        # of the sample's own code; the bulk is content.Code's
GALLERY = "gallery of files"
BULK = "vendor_bundled/vendor/bulk"


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
    _upload(site, UPLOADS, UPLOAD_BYTES)
    _write_history(site)
    (folder / "db" / "lock").touch()
    give_to(lab_user(), folder, site.outside)
    return site


def made_up(lab: Lab, name: str, size: Size, ssh: bool = False) -> SampleTiki:
    """Build a sample site with that much code, uploads and SQL; the same size gives the same bytes."""
    site = lab.tiki(name, files=SAMPLE_FILES, ssh=ssh)
    _write_bulk(site.folder, size)
    site.sql(sample_code.write_file_hashes(site.folder, site.version))
    count = max(4, size.upload_bytes // UPLOAD_BYTES)
    _upload(site, count, size.upload_bytes // count)
    tables.fill(site.sql, size.sql_bytes)
    give_to(lab_user(), site.folder, site.outside)
    return site


def write_code(folder: Path, size: Size) -> None:
    """Write the code alone of a site of that size."""
    sample_code.write_code(folder, files=SAMPLE_FILES)
    _write_bulk(folder, size)
    sample_code.write_file_hashes(folder, "24.4")


def _write_bulk(folder: Path, size: Size) -> None:
    known = set()
    for path, text in content.Code(size.files).files(size.code_bytes, size.files):
        place = folder / BULK / path
        if place.parent not in known:
            place.parent.mkdir(parents=True, exist_ok=True)
            known.add(place.parent)
        place.write_bytes(text)


def _upload(site: SampleTiki, count: int, size_bytes: int) -> None:
    """Put files into a gallery folder outside the web root, every other one as hard to pack as pictures are."""
    chance = random.Random(244)
    gallery = site.outside / GALLERY
    gallery.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        text = " ".join(chance.choices(WORDS, k=size_bytes // 7)).encode()
        (gallery / f"{number:032x}").write_bytes(chance.randbytes(size_bytes) if number % 2 else text)
    site.sql("REPLACE INTO tiki_preferences (name, value) VALUES ('fgal_use_db', 'n'), "
             f"('fgal_use_dir', '{gallery}/')")


def _write_history(site: SampleTiki) -> None:
    """Put pages into the history."""
    texts = content.pages(random.Random(245))
    rows = (f"('Page {number}', {number}, 1700000000, '{next(texts)}')" for number in range(HISTORY))
    while batch := list(itertools.islice(rows, 500)):
        site.sql(f"INSERT INTO tiki_history (pageName, version, lastModif, data) VALUES {', '.join(batch)}")
