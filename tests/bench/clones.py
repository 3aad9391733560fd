"""A clone against what people do by hand.

Everything changed: `rsync -a` of the trees and `mysqldump | mysql`, one after the other. Nothing changed: `rsync -an`
of the trees and CHECKSUM TABLE of both databases. The database gets a table of a gigabyte first: memory and disk must
not notice.
"""

import os
import shutil
import subprocess
from pathlib import Path

from tests.bench import measuring
from tests.bench.measuring import Peak
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

ROUNDS = 3
UNCHANGED_LIMIT = 1.3
CHANGED_LIMIT = 1.15
BIG_ROWS = 1_000_000     # of about 1 kB each
OPTION_FILES = 1024      # bytes that the client programs' accounts may take; nothing of what is copied may lie about


def measure(lab: Lab, kit: Toolkit, site: SampleTiki) -> int:
    """Measure and print; return how many limits were missed."""
    site.sql("CREATE TABLE tiki_bench (id int PRIMARY KEY, moment int, body text) ENGINE=InnoDB; "
             "INSERT INTO tiki_bench SELECT seq, seq * 7, REPEAT(MD5(seq), 31) "
             f"FROM seq_1_to_{BIG_ROWS}; ANALYZE TABLE tiki_bench")
    size = int(site.sql("SELECT SUM(data_length) FROM information_schema.tables WHERE table_schema = DATABASE()"))
    temporary = lab.folder / "temporary"
    temporary.mkdir()
    with Peak(kit.settings.work, temporary) as peak:
        missed = sum(_from_here(lab, kit, site, temporary, size, is_ssh) for is_ssh in (False, True))
    missed += measuring.report("while cloning", measuring.memory(peak),
                               f"largest amount of temporary files: {peak.temporary_bytes} bytes "
                               "(the clients' option files)")
    return missed + (peak.temporary_bytes > OPTION_FILES)


def _from_here(lab: Lab, kit: Toolkit, site: SampleTiki, temporary: Path, size: int, is_ssh: bool) -> int:
    """Clone onto a blank here or behind ssh, then again with nothing changed."""
    name = "far" if is_ssh else "near"
    kit.blank(name, ssh=is_ssh)
    folder, database, _ = _by_hand(lab, site, name)
    plain = measuring.seconds(lambda: _plain_copy(lab, site, folder, database))
    whole = measuring.against(plain, measuring.seconds(lambda: _clone(kit, name, temporary)), "make clone",
                              CHANGED_LIMIT)
    missed = measuring.report(f"clone of everything, {size / 1e6:.0f} MB of tables, {name}", whole)
    taken = measuring.medians({"plain": lambda: _plain_look(lab, site, folder, database),
                               "again": lambda: _clone(kit, name, temporary)}, ROUNDS)
    missed += measuring.report(f"clone of nothing new, {name}, medians of {ROUNDS}",
                               measuring.against(taken["plain"], taken["again"], "make clone", UNCHANGED_LIMIT))
    shutil.rmtree(folder)
    lab.mariadb.sql(f"DROP DATABASE {database}")
    return missed


def _by_hand(lab: Lab, site: SampleTiki, name: str) -> tuple[Path, str, str]:
    database, user, _ = lab.account(f"hand{name}")
    return lab.folder / f"by-hand-{name}" / site.folder.name, database, user


def _plain_copy(lab: Lab, site: SampleTiki, folder: Path, database: str) -> None:
    folder.mkdir(parents=True)
    for tree in (site.folder, site.outside):
        subprocess.run(["rsync", "-a", f"{tree}/", f"{folder.parent / tree.name}/"], check=True)
    with subprocess.Popen(["mariadb-dump", "--no-defaults", f"--socket={lab.mariadb.socket}", "--single-transaction",
                           "--quick", site.database], stdout=subprocess.PIPE) as dump:
        subprocess.run(["mariadb", "--no-defaults", f"--socket={lab.mariadb.socket}", database], stdin=dump.stdout,
                       check=True)


def _plain_look(lab: Lab, site: SampleTiki, folder: Path, database: str) -> None:
    for tree in (site.folder, site.outside):
        subprocess.run(["rsync", "-anH", "--delete", f"{tree}/", f"{folder.parent / tree.name}/"], check=True,
                       stdout=subprocess.DEVNULL)
    for name in (site.database, database):
        tables = ", ".join(f"`{table}`" for table in lab.mariadb.sql("SHOW TABLES", name).split())
        lab.mariadb.sql(f"CHECKSUM TABLE {tables} EXTENDED", name)


def _clone(kit: Toolkit, name: str, temporary: Path) -> None:
    done = kit.make("clone", "FROM=site", f"TO={name}", environment={"TMPDIR": os.fspath(temporary)})
    if done.returncode:
        raise SystemExit(f"bench: make clone failed: {done.stderr}")
