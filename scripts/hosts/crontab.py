"""The crontab of the account that TRIM runs as: read, and replaced as a whole."""

from scripts.errors import CommandError
from scripts.hosts import process
from scripts.hosts.local import MANAGER

NO_PROGRAM = 127
NONE_YET = "no crontab for"


def read() -> str:
    """Return the crontab; nothing when there is none, or no such program. Raises CommandError when it is denied."""
    try:
        return MANAGER.read("crontab", "-l").decode("utf-8", "surrogateescape")
    except CommandError as error:
        if error.code == NO_PROGRAM or NONE_YET in error.stderr:
            return ""
        raise


def write(text: str) -> None:
    """Put a crontab in place of the one that is there, and read it back."""
    MANAGER.run("crontab", "-", stdin=text.encode("utf-8", "surrogateescape"))
    if not process.conduct.dry_run and read() != text:
        raise CommandError("[manager] crontab -: what was written is not what crontab -l shows. Look at it: crontab -e")
