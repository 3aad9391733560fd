"""A second site of the same version against what people do by hand: `rsync -a` of the tree, then Tiki's installer."""

import subprocess
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from tests.bench import hand, measuring
from tests.bench.context import Context
from tests.bench.measuring import FailedWay, Way
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.sample_tiki import write_config
from tests.lab.web import fetch


def measure(context: Context) -> None:
    """By hand goes the same way, here or by ssh.

    The limit is that of a real Tiki: the installer of the sample does next to nothing.
    """
    for is_ssh in (False, True):
        sites = _Sites(context, is_ssh)
        where = "behind ssh" if is_ssh else "here, its code not yet prepared"
        context.report.compare(f"first site of a version, {where}", sites.ways("", [] if is_ssh else [
            f"SOURCE={context.code}"]), sites.wire, rounds=1)
        context.report.compare(f"second site of a version, {'behind ssh' if is_ssh else 'here'}",
                               sites.ways("create second" if context.tree else ""), sites.wire)


class _Sites:
    """Makes one site after the other, each in a folder and a database of its own."""

    def __init__(self, context: Context, is_ssh: bool) -> None:
        self.context, self.is_ssh, self.numbers = context, is_ssh, count(1)
        self.wire = context.relay if is_ssh else None
        self.admin = administrator(context.lab)

    def ways(self, limit: str, source: Sequence[str] = ()) -> list[Way]:
        return [measuring.classic(self._by_hand),
                Way("make instance", lambda: self._make(source), self._make_room, self._look, limit=limit)]

    def _new(self, kind: str) -> tuple[str, Path]:
        name = f"{kind}{'far' if self.is_ssh else 'near'}{next(self.numbers)}"
        return name, self.context.lab.sites(ssh=self.is_ssh) / name

    def _make_room(self) -> None:
        self.name, self.root = self._new("made")
        self.url = self.context.lab.apache.serve(self.root)

    def _make(self, source: Sequence[str]) -> None:
        reached = [f"{key.upper()}={value}" for key, value in self.context.far_keys().items()] if self.is_ssh else []
        self.context.make("instance", f"NAME={self.name}", f"WEB_ROOT={self.root}", f"WEB_URL={self.url}/",
                          "VERSION=24.4", f"DB_ADMIN={self.admin}", *reached, *source)

    def _look(self) -> None:
        if fetch(f"{self.url}/tiki-index.php").status != 200:
            raise FailedWay(f"the page of {self.name} does not answer")

    def _by_hand(self) -> None:
        lab, context = self.context.lab, self.context
        name, folder = self._new("hand")
        shell, place = (context.rsync_shell, f"{context.there}:") if self.is_ssh else ([], "")
        hand.run(["rsync", "-a", *shell, f"{context.code}/", f"{place}{folder}/"])
        database, user, password = lab.account(name)
        write_config(folder, "new", "24.4", f"127.0.0.1:{lab.mariadb.port}", user, password, database)
        give_to(lab_user(), folder / "db/local.php")
        install = ["php", "-d", "error_log=/dev/null", f"{folder}/console.php", "database:install", "-n"]
        subprocess.run([*context.shell, context.there, *install] if self.is_ssh else install, check=True,
                       capture_output=True)


def administrator(lab: Lab) -> Path:
    """Return an option file of an account that may make databases and accounts."""
    for host in ("localhost", "127.0.0.1"):
        lab.mariadb.sql(f"CREATE USER IF NOT EXISTS boss@'{host}' IDENTIFIED BY 'boss'; "
                        f"GRANT ALL ON *.* TO boss@'{host}' WITH GRANT OPTION")
    path = lab.folder / "admin.cnf"
    path.write_text(f"[client]\nuser=boss\npassword=boss\nhost=127.0.0.1\nport={lab.mariadb.port}\n")
    path.chmod(0o600)
    return path
