"""The unprivileged account the lab's servers work for."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

LAB_USER = "trimlab"


def lab_user() -> str:
    """Return who owns the lab's Tikis and logs in by ssh.

    Root makes a second user, once, and it stays; anybody else is that user.
    """
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    try:
        pwd.getpwnam(LAB_USER)
    except KeyError:
        _create_lab_user()
    return LAB_USER


def home_of(user: str) -> Path:
    return Path(pwd.getpwnam(user).pw_dir)


def give_to(user: str, *trees: Path) -> None:
    """Make user the owner of these trees, links themselves included; only root can, and need."""
    if os.geteuid() == 0:
        subprocess.run(["chown", "-hR", f"{user}:", "--", *trees], check=True)


def _create_lab_user() -> None:
    created = subprocess.run(
        ["useradd", "--create-home", "--shell", "/bin/bash", LAB_USER],
        check=False,
        capture_output=True,
    )
    if created.returncode == 9:  # another test run was faster
        return
    created.check_returncode()
    # "!" of a new account means locked to sshd without PAM; "*" is only an impossible password.
    subprocess.run(["usermod", "--password", "*", LAB_USER], check=True)
