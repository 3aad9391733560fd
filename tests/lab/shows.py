"""Shows in a test: a toolkit that makes them, an Apache with a host's name for each, and a look at what is left."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.steps import showing, showing_bases
from scripts.verbs import show, show_destroy
from tests.lab import sample_code
from tests.lab.accounts import lab_user
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit
from tests.lab.web import Answer, fetch

VERSION = "24.4"


class ShowKit(Toolkit):
    """A toolkit whose shows the lab's Apache serves."""

    def __init__(self, folder, lab) -> None:
        super().__init__(folder, lab)
        # Not in /tmp, which PHP of every show may read: uploads come there.
        self.root, admin = Path(tempfile.mkdtemp(prefix="trim-", dir="/var/tmp")), lab.folder / "admin.cnf"
        self.root.chmod(0o755)
        self.before = self.databases(), self.accounts()
        self.port = lab.apache.serve_wildcard(self.root).rsplit(":", 1)[1]
        admin.write_text(f'[client]\nuser=boss\npassword="boss"\nhost=127.0.0.1\nport={lab.mariadb.port}\n')
        admin.chmod(0o600)
        self.set(show_root=self.root, show_url=f"http://*.show.test:{self.port}", show_db_admin=admin,
                 show_php_user=lab_user() if os.geteuid() == 0 else "", git_remote="")
        self.prepare(VERSION, VERSION)

    def prepare(self, word: str, version: str, files: int = 20) -> None:
        """Prepare the sample Tiki's code for a version word."""
        code = self.lab.folder / f"tiki-{version}"
        if not code.exists():
            sample_code.write_code(code, version=version, files=files)
        self.told("prepare", f"VERSION={word}", f"SOURCE={code}")

    def databases(self) -> set[str]:
        return set(self.lab.mariadb.sql("SHOW DATABASES").split())

    def accounts(self) -> set[str]:
        return set(self.lab.mariadb.sql("SELECT CONCAT(user, '@', host) FROM mysql.user").split())

    def show(self, *words: str, **environment) -> dict:
        """Make a show; return what JSON tells of it."""
        return self.told("show", f"VERSION={VERSION}", *words, **environment)

    def told(self, *words: str, **environment) -> dict:
        done = self.make(*words, "JSON=1", **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)[0]

    def page(self, show: dict, path: str = "tiki-index.php", login: bool = True, of: dict | None = None) -> Answer:
        """Ask the web server for a page of a show, with its own login, another show's, or none."""
        known = of or show
        pair = base64.b64encode(f"{known.get('viewer')}:{known.get('viewer_password')}".encode()).decode()
        return fetch(f"http://127.0.0.1:{self.port}/{path}", {"Host": f"{show['id']}.show.test",
                                                             **({"Authorization": f"Basic {pair}"} if login else {})})

    def nothing_is_left(self) -> bool:
        left = [path.name for path in self.root.iterdir() if path.name != ".bases"]
        files = list((self.top / "var/shows").glob("*.json"))
        return not left and not files and (self.databases(), self.accounts()) == self.before

    def ready(self) -> showing_bases.Base:
        """Return the base of the sample Tiki, made when it is not there."""
        if not showing_bases.newest(self.settings, VERSION):
            self.told("show", f"VERSION={VERSION}", "PREPARE=1")
        return showing_bases.newest(self.settings, VERSION)

    def made(self, issue: str = "", user: str = "", version: str = VERSION) -> dict:
        """Make a show as the verb does, without a run of make around it."""
        return show.show(self.settings, show.Wishes(version, issue, user))

    def destroyed(self, *shows: dict) -> None:
        """Take shows away without a last snapshot; all of them when none is named."""
        ids = [one["id"] for one in shows] or [one.id for one in showing.all_of(self.settings)]
        show_destroy.show_destroy(self.settings, ids, has_snapshot=False)

    def web(self, one: dict) -> Path:
        return self.root / one["id"] / "web"


@contextmanager
def show_kit() -> Iterator[ShowKit]:
    """Yield a toolkit that makes shows on servers of its own."""
    with Lab() as lab:
        for host in ("localhost", "127.0.0.1"):
            lab.mariadb.sql(f"CREATE USER boss@'{host}' IDENTIFIED BY 'boss'; "
                            f"GRANT ALL ON *.* TO boss@'{host}' WITH GRANT OPTION")
        kit = ShowKit(lab.folder / "toolkit", lab)
        try:
            yield kit
        finally:
            shutil.rmtree(kit.root)


def as_php(*words: str) -> subprocess.CompletedProcess:
    """Run a program as the account of the shows' PHP."""
    account = ["sudo", "-n", "-u", lab_user(), "--"] if os.geteuid() == 0 else []
    return subprocess.run([*account, *words], capture_output=True, text=True, check=False)
