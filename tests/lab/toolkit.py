"""A toolkit of its own for a test: a copy of this one, with a registry, settings and state that nobody else has."""

import os
import shutil
import subprocess
from pathlib import Path

from scripts.registry import env_file, registry, settings
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.sshd import Sshd

SOURCE = Path(__file__).resolve().parents[2]
COPIED = ("Makefile", "tasks.py", "__pycache__", "scripts", "conf", "instances.d", "constraints.txt")  # as set up


class Toolkit:
    """Calls make in its own copy, as an operator would, and gives the loaded instances to who calls a verb itself."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.top, self.lab = folder, lab
        folder.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            source = SOURCE / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / name, **({"ignore": shutil.ignore_patterns("*.env", "hooks.d", "*.pyc.*")}
                                           if source.is_dir() else {}))
        (folder / ".venv").symlink_to(SOURCE / ".venv")
        self._settings: dict[str, str] = {}

    @property
    def settings(self) -> Settings:
        return settings.load(self.top)

    def set(self, **values: str) -> None:
        """Set values of conf/settings.env."""
        self._settings.update({key.upper(): str(value) for key, value in values.items()})
        (self.top / "conf" / "settings.env").write_text(env_file.write_text(self._settings, {}))

    def make(self, *words: str, environment: dict[str, str] | None = None, timeout: float = 300, **options,
             ) -> subprocess.CompletedProcess:
        """Run `make -s WORDS` as cron would: with nothing in the environment but PATH and what is given."""
        clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), **(environment or {})}
        return subprocess.run(["make", "-sC", str(self.top), *words], env=clean, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=timeout, **options)

    def register(self, name: str, **keys: object) -> Instance:
        """Write an env file by hand and return the instance."""
        path = self.top / "instances.d" / f"{name}.env"
        path.write_text(env_file.write_text({key.upper(): str(value) for key, value in keys.items()}, {}))
        path.chmod(0o600)
        return self.instance(name)

    def instance(self, name: str) -> Instance:
        return registry.load(self.settings, name)

    def over_ssh(self, sshd: Sshd | None = None) -> dict[str, object]:
        """Return the keys of an instance behind the lab's sshd, whose host key is known from now on."""
        sshd = sshd or self.lab.sshd()
        self.set(known_hosts=sshd.known_hosts)
        return {"access": "ssh", "ssh_host": sshd.host, "ssh_port": sshd.port, "ssh_user": sshd.user,
                "ssh_key": sshd.key}

    def tiki(self, name: str, generation: str = "new", ssh: bool = False, **choices) -> tuple[Instance, SampleTiki]:
        """Build a sample Tiki and register it."""
        sample = self.lab.tiki(name, generation, ssh=ssh, **choices)
        keys = {**(self.over_ssh() if ssh else {}), **({"web_url": sample.url} if sample.url else {})}
        return self.register(name, web_root=sample.folder, **keys), sample

    def blank(self, name: str, ssh: bool = False, **keys: object) -> Instance:
        """Register a folder that is not there yet, with an empty database."""
        database, user, password = self.lab.account(name)
        reached = self.over_ssh() if ssh else {}
        return self.register(name, web_root=self.lab.sites(ssh=ssh) / name, **reached, db_name=database, db_user=user,
                             db_pass=password, db_host=f"127.0.0.1:{self.lab.mariadb.port}", **keys)
