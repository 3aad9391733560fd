"""What tells a process from a later one of the same number, and whose part it is."""

import os
from pathlib import Path

PART_OF = "TRIM_PART_OF"    # of the environment: the run that this one is a part of, and the process that began it
START_FIELD = 22    # of /proc/PID/stat: when the process began, in clock ticks since the machine did


def of(pid: int) -> dict[str, object]:
    """Return the mark of a process: its number, when it began, in which run of the machine; empty when it is gone."""
    try:
        fields = _fields(pid)
    except OSError:
        return {"pid": pid, "start": "", "boot": ""}
    is_gone = fields[0] in ("Z", "X")
    return {"pid": pid, "start": "" if is_gone else fields[START_FIELD - 3], "boot": boot()}


def is_gone(pid: int) -> bool:
    """Whether a process has ended, though its parent may not have looked yet."""
    return not of(pid)["start"]


def parent(pid: int) -> int:
    """Return the number of the process that began another; 0 when that is gone."""
    try:
        return int(_fields(pid)[1])
    except OSError:
        return 0


def is_part() -> bool:
    """Whether this process is a part of a run; what a hook of it starts is none."""
    return os.environ.get(PART_OF, "").partition(":")[0].endswith(f"-{os.getppid()}")


def _fields(pid: int) -> list[str]:
    # pid (name) state ...; the name may hold blanks and brackets
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


def boot() -> str:
    """Return the name of this run of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
