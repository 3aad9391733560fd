"""A second site of the same version against what people do by hand: `rsync -a` of the tree, then Tiki's installer."""

import subprocess
from pathlib import Path

from tests.bench import measuring
from tests.lab.lab import Lab
from tests.lab.sample_tiki import write_config
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

LIMIT = 1.5


def measure(lab: Lab, kit: Toolkit, tree: Path, is_real: bool) -> int:
    """Measure and print; return how many limits were missed. tree holds the files of a Tiki without a db/local.php.

    The limit is that of a real Tiki: the installer of the sample does next to nothing.
    """
    admin = _administrator(lab)
    found = [_pair(lab, kit, admin, tree, number) for number in (1, 2)]
    measuring.report("first site, ssh, its code not yet prepared", measuring.against(*found[0], "make instance", None))
    return measuring.report("second site of the same version, ssh",
                            measuring.against(*found[1], "make instance", LIMIT if is_real else None))


def _pair(lab: Lab, kit: Toolkit, admin: Path, tree: Path, number: int) -> tuple[float, float]:
    by_hand = measuring.seconds(lambda: _by_hand(lab, tree, f"hand{number}"))
    root = lab.sites(ssh=True) / f"made{number}"
    url = lab.apache.serve(root)
    reached = [f"{key.upper()}={value}" for key, value in kit.over_ssh().items()]
    words = ["instance", f"NAME=made{number}", f"WEB_ROOT={root}", f"WEB_URL={url}/", "VERSION=24.4",
             f"DB_ADMIN={admin}", *reached, *([f"SOURCE={tree}"] if number == 1 else [])]
    made = []
    ours = measuring.seconds(lambda: made.append(kit.make(*words)))
    if made[0].returncode or fetch(f"{url}/tiki-index.php").status != 200:
        raise SystemExit(f"bench: make instance failed: {made[0].stderr}")
    return by_hand, ours


def _by_hand(lab: Lab, tree: Path, name: str) -> None:
    folder = lab.sites() / name
    subprocess.run(["rsync", "-a", f"{tree}/", f"{folder}/"], check=True)
    database, user, password = lab.account(name)
    write_config(folder, "new", "24.4", f"127.0.0.1:{lab.mariadb.port}", user, password, database)
    subprocess.run(["php", "-d", "error_log=/dev/null", "console.php", "database:install", "-n"], cwd=folder,
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _administrator(lab: Lab) -> Path:
    for host in ("localhost", "127.0.0.1"):
        lab.mariadb.sql(f"CREATE USER boss@'{host}' IDENTIFIED BY 'boss'; "
                        f"GRANT ALL ON *.* TO boss@'{host}' WITH GRANT OPTION")
    path = lab.folder / "admin.cnf"
    path.write_text(f"[client]\nuser=boss\npassword=boss\nhost=127.0.0.1\nport={lab.mariadb.port}\n")
    path.chmod(0o600)
    return path
