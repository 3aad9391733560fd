"""What a figure means only together with: the machine, its disk, the versions of the programs, and what else ran."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

import psutil

from tests.lab.processes import find_program

QUIET_LOAD = 0.5         # of the last minute; above it the figures are those of a busy machine
PROBE_BYTES = 128 << 20
BLOCK = 1 << 20
PROGRAMS = {"rsync": ["--version"], "mariadb": ["--version"], "mariadbd": ["--version"], "lbzip2": ["--version"],
            "bzip2": ["--version"], "zstd": ["--version"], "tar": ["--version"], "ssh": ["-V"]}
# MariaDB's client tells two, its own and the one that everybody means: "Ver 15.1 Distrib 10.11.19-MariaDB".
NUMBER = re.compile(r"(?:Distrib |^(?!.*Distrib).*?)(\d+\.\d+[\w.]*)")


def facts(folder: Path) -> dict[str, object]:
    """Return what is known of this machine; folder is on the disk that is measured."""
    wrote, read = _disk(folder)
    return {"cpu": _cpu(), "cores": os.cpu_count(), "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
            "kernel": platform.release(), "system": _system(), "disk": _file_system(folder),
            "disk_write_mb_s": wrote, "disk_read_mb_s": read, "python": platform.python_version(),
            "programs": {name: _version(name, words) for name, words in PROGRAMS.items()}, "load_at_start": load()}


def load() -> float:
    """Return how many processes wanted a core in the last minute, on average."""
    return round(os.getloadavg()[0], 2)


def warning(load_at_start: float) -> str:
    """Return a line when the machine has other things to do; else nothing."""
    if load_at_start <= QUIET_LOAD:
        return ""
    return (f"warning: the machine is not quiet: its load was {load_at_start} when the measuring began; the seconds "
            "are not to be kept, and the ratios only with care")


def line(found: dict) -> str:
    """Return the facts as one line for a page."""
    versions = ", ".join(f"{name} {version}" for name, version in found["programs"].items() if version)
    return (f"{found['cpu']}, {found['cores']} cores, {found['memory_gb']} GB, {found['disk']} (written and synced "
            f"{found['disk_write_mb_s']} MB/s, read {found['disk_read_mb_s']} MB/s), {found['system']}, kernel "
            f"{found['kernel']}; python {found['python']}, {versions}; load {found['load_at_start']} at the start, "
            f"{found.get('load_at_end', '?')} at the end")


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return " ".join(found[1].split()) if found else platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _file_system(folder: Path) -> str:
    """Return the kind of file system, by the longest mount point above the folder."""
    mounts = [one for one in psutil.disk_partitions(all=True) if folder.is_relative_to(one.mountpoint)]
    return max(mounts, key=lambda one: len(one.mountpoint)).fstype if mounts else "unknown"


def _disk(folder: Path) -> tuple[int, int]:
    """Return how many MB a second are written, fsync included, and read when the cache was told to forget them."""
    place, block = folder / "disk-probe", os.urandom(BLOCK)
    try:
        started = time.monotonic()
        with open(place, "wb", buffering=0) as file:
            for _ in range(PROBE_BYTES // BLOCK):
                file.write(block)
            os.fsync(file.fileno())
        wrote = time.monotonic() - started
        started = time.monotonic()
        with open(place, "rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while file.read(BLOCK):
                pass
        return round(PROBE_BYTES / 1e6 / wrote), round(PROBE_BYTES / 1e6 / (time.monotonic() - started))
    finally:
        place.unlink(missing_ok=True)


def _version(program: str, words: list[str]) -> str:
    try:
        done = subprocess.run([find_program(program), *words], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return ""
    found = NUMBER.search(done.stdout + done.stderr)
    return found[1] if found else "unknown"
