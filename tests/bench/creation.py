"""A second site of the same version against what people do by hand: `rsync -a` of the tree, then Tiki's installer."""

import shlex
import subprocess
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from tests.bench import measuring
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.sample_tiki import write_config
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

LIMIT = 1.5
numbers = count(1)


def measure(lab: Lab, kit: Toolkit, tree: Path, is_real: bool) -> int:
    """Measure and print; return how many limits were missed. tree holds the files of a Tiki without a db/local.php.

    By hand goes the same way, here or by ssh. The limit is that of a real Tiki: the installer of the sample does next
    to nothing.
    """
    admin, missed = administrator(lab), 0
    for is_ssh in (False, True):
        where = "ssh" if is_ssh else "here"
        first = f"first site, {where}" + ("" if is_ssh else ", its code not yet prepared")
        source = [] if is_ssh else [f"SOURCE={tree}"]
        measuring.report(first, measuring.against(*_pair(lab, kit, admin, tree, is_ssh, source), "make instance", None))
        missed += measuring.report(f"second site of the same version, {where}", measuring.against(
            *_pair(lab, kit, admin, tree, is_ssh), "make instance", LIMIT if is_real else None))
    return missed


def _pair(lab: Lab, kit: Toolkit, admin: Path, tree: Path, is_ssh: bool, source: Sequence[str] = ()
          ) -> tuple[float, float]:
    number = next(numbers)
    by_hand = measuring.seconds(lambda: _by_hand(lab, tree, f"hand{number}", is_ssh))
    root = lab.sites(ssh=is_ssh) / f"made{number}"
    url = lab.apache.serve(root)
    reached = [f"{key.upper()}={value}" for key, value in kit.over_ssh().items()] if is_ssh else []
    words = ["instance", f"NAME=made{number}", f"WEB_ROOT={root}", f"WEB_URL={url}/", "VERSION=24.4",
             f"DB_ADMIN={admin}", *reached, *source]
    made = []
    ours = measuring.seconds(lambda: made.append(kit.make(*words)))
    if made[0].returncode or fetch(f"{url}/tiki-index.php").status != 200:
        raise SystemExit(f"bench: make instance failed: {made[0].stderr}")
    return by_hand, ours


def _by_hand(lab: Lab, tree: Path, name: str, is_ssh: bool) -> None:
    sshd, folder = lab.sshd(), lab.sites(ssh=is_ssh) / name
    shell = ["ssh", "-p", str(sshd.port), "-i", str(sshd.key), "-o", f"UserKnownHostsFile={sshd.known_hosts}"]
    place = f"{sshd.user}@{sshd.host}:" if is_ssh else ""
    subprocess.run(["rsync", "-a", *(["-e", shlex.join(shell)] if is_ssh else []), f"{tree}/", f"{place}{folder}/"],
                   check=True)
    database, user, password = lab.account(name)
    write_config(folder, "new", "24.4", f"127.0.0.1:{lab.mariadb.port}", user, password, database)
    give_to(lab_user(), folder / "db/local.php")
    install = ["php", "-d", "error_log=/dev/null", f"{folder}/console.php", "database:install", "-n"]
    subprocess.run([*shell, f"{sshd.user}@{sshd.host}", shlex.join(install)] if is_ssh else install, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def administrator(lab: Lab) -> Path:
    """Return an option file of an account that may make databases and accounts."""
    for host in ("localhost", "127.0.0.1"):
        lab.mariadb.sql(f"CREATE USER IF NOT EXISTS boss@'{host}' IDENTIFIED BY 'boss'; "
                        f"GRANT ALL ON *.* TO boss@'{host}' WITH GRANT OPTION")
    path = lab.folder / "admin.cnf"
    path.write_text(f"[client]\nuser=boss\npassword=boss\nhost=127.0.0.1\nport={lab.mariadb.port}\n")
    path.chmod(0o600)
    return path
