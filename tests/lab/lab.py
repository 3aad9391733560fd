"""The lab as a whole: starts what is asked for when it is asked for, ends all of it."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

from tests.lab.accounts import give_to, lab_user
from tests.lab.mariadb import MariaDb
from tests.lab.sample_tiki import PASSWORD, SampleTiki, build
from tests.lab.sshd import Sshd
from tests.lab.web import Apache, PhpServer

# Not TMPDIR: the path of a socket may have 107 bytes, and pytest's folders are long.
PLACE = "/tmp"


class Lab:
    """with Lab() as lab: … ; everything is below lab.folder and goes when the block ends.

    Servers stop in the reverse order of their start, each of them also when another cannot.
    """

    def __enter__(self) -> Self:
        self._ending = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="trim-", dir=PLACE))
        self._ending.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)  # the lab's user and its web server pass through
        self._sshds: dict[tuple, Sshd] = {}
        return self

    def __exit__(self, *_fault: object) -> None:
        self._ending.close()

    @cached_property
    def mariadb(self) -> MariaDb:
        return self._started(MariaDb(self._folder("db", private=True)))

    @cached_property
    def apache(self) -> Apache:
        apache = Apache(self._folder("web"))
        self._ending.callback(apache.stop)
        return apache

    def sshd(self, path: Path | None = None, environment: dict[str, str] | None = None) -> Sshd:
        """Return a running sshd; the same arguments give the same one."""
        key = (path, *sorted((environment or {}).items()))
        if key not in self._sshds:
            folder = self._folder(f"ssh{len(self._sshds)}")
            self._sshds[key] = self._started(Sshd(folder, path=path, environment=environment))
        return self._sshds[key]

    def php_server(self, root: Path) -> PhpServer:
        return self._started(PhpServer(root, self.folder / "php.log"))

    def sites(self, ssh: bool = False) -> Path:
        """Return the folder for web roots: of this machine, or of what plays the ssh host."""
        folder = self._folder("remote" if ssh else "local")
        give_to(lab_user(), folder)
        return folder

    def account(self, name: str) -> tuple[str, str, str]:
        """Create an empty database with its account; return database, user and password."""
        database = user = name.replace("-", "_")
        self.mariadb.create_database(database)
        self.mariadb.create_account(user, PASSWORD, database)
        return database, user, PASSWORD

    def tiki(
        self, name: str, generation: str = "new", *, ssh: bool = False, web: bool = True, **choices
    ) -> SampleTiki:
        """Build a sample Tiki of this name with a database of its own, served by Apache.

        It belongs to the lab's user. choices are those of sample_tiki.build.
        """
        folder = self.sites(ssh) / name
        url = self.apache.serve(folder) + "/" if web else None
        account = self.account(name)
        return build(
            folder,
            self.mariadb,
            *account,
            generation=generation,
            url=url,
            owner=lab_user(),
            **choices,
        )

    def _folder(self, name: str, *, private: bool = False) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700 if private else 0o755)
        return folder

    def _started(self, server):
        self._ending.callback(server.stop)
        server.start()
        return server
