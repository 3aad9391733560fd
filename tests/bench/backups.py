"""make bench [TREE=folder]: a first backup against the plain way, measured in the same run on the same site.

The plain way is what people do by hand, one step after the other: rsync to a staging folder, mysqldump, tar cj.
Each is measured ROUNDS times, turn by turn, and the medians are compared. TREE= is a real Tiki's files; without it
the site is made up.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.bench import sites
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

ROUNDS = 3
MADE_UP_FILES = 6000
LIMITS = {"bz2": 0.5, "zst": 0.15}   # of the plain way's time, for a first backup
MEMORY_LIMIT_MB = 150                # of the largest process


class Peak(threading.Thread):
    """Watches the largest process below this one while something runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.is_running, self.size_bytes, self.name_of_largest = True, 0, ""

    def run(self) -> None:
        while self.is_running:
            for process in psutil.Process().children(recursive=True):
                try:
                    if "mariadbd" not in process.name() and process.memory_info().rss > self.size_bytes:
                        self.size_bytes, self.name_of_largest = process.memory_info().rss, process.name()
                except psutil.Error:
                    continue
            time.sleep(0.05)


def main(tree: str) -> int:
    """Measure and print a table and JSON; return 1 when a limit is missed."""
    with Lab() as lab:
        site = sites.real(lab, "site", Path(tree).resolve()) if tree else sites.made_up(lab, "site", MADE_UP_FILES)
        kit = Toolkit(lab.folder / "toolkit", lab)
        kit.register("site", web_root=site.folder)
        ways: dict[str, Callable[[], int]] = {"plain": lambda: _plain_way(lab, site)}
        for packed in LIMITS:
            ways[packed] = lambda packed=packed: _our_way(kit, packed)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        sizes: dict[str, int] = {}
        peak = Peak()
        for _ in range(ROUNDS):
            for name, way in ways.items():
                if name != "plain" and not peak.is_alive():
                    peak.start()
                started = time.monotonic()
                sizes[name] = way()
                seconds[name].append(time.monotonic() - started)
        peak.is_running = False
        return _report(seconds, sizes, peak, sum(1 for _ in site.folder.rglob("*")))


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


def _report(seconds: dict[str, list[float]], sizes: dict[str, int], peak: Peak, files: int) -> int:
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    ratios = {name: medians[name] / medians["plain"] for name in LIMITS}
    print(f"\nfirst backup of {files} files, {os.cpu_count()} cores, medians of {ROUNDS}\n")
    print("way    seconds   ratio   limit   archive MB")
    for name, taken in medians.items():
        ratio, limit = (f"{ratios[name]:.2f}", f"{LIMITS[name]:.2f}") if name in ratios else ("1.00", "")
        print(f"{name:6} {taken:7.1f} {ratio:>7} {limit:>7} {sizes[name] / 1e6:12.1f}")
    memory = peak.size_bytes / 1e6
    print(f"\npeak memory of the largest process: {memory:.0f} MB ({peak.name_of_largest}), limit {MEMORY_LIMIT_MB} MB")
    print(json.dumps({"medians": medians, "ratios": ratios, "sizes": sizes, "peak_mb": round(memory), "files": files}))
    missed = [name for name, limit in LIMITS.items() if ratios[name] > limit]
    if missed or memory > MEMORY_LIMIT_MB:
        print(f"bench: missed: {', '.join(missed) or 'memory'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
