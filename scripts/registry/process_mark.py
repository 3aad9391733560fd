"""What tells a process from a later one of the same number."""

from pathlib import Path

START_FIELD = 22    # of /proc/PID/stat: when the process began, in clock ticks since the machine did


def of(pid: int) -> dict[str, object]:
    """Return the mark of a process: its number, when it began, in which run of the machine; empty when it is gone."""
    try:
        # pid (name) state ...; the name may hold blanks and brackets
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return {"pid": pid, "start": "", "boot": ""}
    is_gone = fields[0] in ("Z", "X")
    return {"pid": pid, "start": "" if is_gone else fields[START_FIELD - 3], "boot": boot()}


def boot() -> str:
    """Return the name of this run of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
