"""A first backup against the plain way: what people do by hand, one step after the other: rsync to a staging folder,
mysqldump, tar cj. The medians of ROUNDS turns are compared.
"""

import json
import shutil
import subprocess
from collections.abc import Callable

from tests.bench import measuring
from tests.bench.measuring import Measured, Peak
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

ROUNDS = 3
LIMITS = {"bz2": 0.5, "zst": 0.15}   # of the plain way's time, for a first backup


def measure(lab: Lab, kit: Toolkit, site: SampleTiki) -> int:
    """Measure and print; return how many limits were missed."""
    sizes: dict[str, int] = {}
    ways: dict[str, Callable[[], object]] = {"plain": lambda: sizes.update(plain=_plain_way(lab, site))}
    for packed in LIMITS:
        ways[packed] = lambda packed=packed: sizes.update({packed: _our_way(kit, packed)})
    with Peak() as peak:
        taken = measuring.medians(ways, ROUNDS)
    found = [Measured("plain", taken["plain"])]
    found += [Measured(name, taken[name], taken[name] / taken["plain"], limit) for name, limit in LIMITS.items()]
    files = sum(1 for _ in site.folder.rglob("*"))
    archives = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in sizes.items())
    return measuring.report(f"first backup of {files} files, medians of {ROUNDS}", found, f"archives: {archives}",
                            f"largest process: {peak.megabytes:.0f} MB ({peak.name_of_largest})") \
        + (peak.megabytes > measuring.MEMORY_LIMIT_MB)


def _plain_way(lab: Lab, site: SampleTiki) -> int:
    """Back the site up as people do by hand; return the archive's size in bytes."""
    staging = lab.folder / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    for folder in (site.folder, site.outside):
        subprocess.run(["rsync", "-a", f"{folder}/", f"{staging / folder.name}/"], check=True)
    with open(staging / "database_dump.sql", "wb") as dump:
        subprocess.run(["mariadb-dump", "--no-defaults", f"--socket={lab.mariadb.socket}", "--single-transaction",
                        "--quick", site.database], stdout=dump, check=True)
    archive = lab.folder / "plain.tar.bz2"
    subprocess.run(["tar", "-cjf", archive, "-C", staging, "."], check=True)
    return archive.stat().st_size


def _our_way(kit: Toolkit, packed: str) -> int:
    """Make a first backup; return the archive's size in bytes."""
    shutil.rmtree(kit.settings.archives, ignore_errors=True)
    done = kit.make("backup", "INSTANCE=site", f"COMPRESS={packed}", "JSON=1")
    if done.returncode:
        raise SystemExit(f"bench: make backup failed: {done.stderr}")
    return json.loads(done.stdout)[0]["size_bytes"]
