"""The systemd of the account that TRIM runs as: where its units lie, and whether timers run there."""

import os
import pwd
from pathlib import Path

from scripts.errors import CommandError, HostError
from scripts.hosts.local import MANAGER

LINGER = Path("/var/lib/systemd/linger")  # a file for each account whose timers run without a login
PROGRAM = "systemctl"


def folder() -> Path:
    """Return the folder of the account's own units."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "systemd" / "user"


def require() -> None:
    """Raise HostError when there is no systemd that would run a timer of this account."""
    try:
        MANAGER.read(*_systemctl("list-timers", "--no-legend"))
    except CommandError as error:
        raise HostError(f"manager: no systemd runs timers for this account: {error}. Next: loginctl enable-linger "
                        f"{_account()}, or without SYSTEMD= for a line of the crontab") from error


def runs_without_login() -> bool:
    """Whether the account's timers run while nobody is logged in."""
    return (LINGER / _account()).exists()


def reload() -> None:
    MANAGER.run(*_systemctl("daemon-reload"))


def enable(timer: str) -> None:
    """Let a timer run from now on; one that is changed goes by its new moments."""
    MANAGER.run(*_systemctl("enable", timer))
    MANAGER.run(*_systemctl("restart", timer))


def disable(timer: str) -> None:
    MANAGER.run(*_systemctl("disable", "--now", timer))


def _systemctl(*words: str) -> list[str]:
    # cron, su and sudo leave it out, and systemctl needs it to find the account's own systemd.
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    return ["env", f"XDG_RUNTIME_DIR={runtime}", PROGRAM, "--user", *words]


def _account() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
