"""Many small sites behind one sshd, made in seconds: one tree under many names, each with a database of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.lab.accounts import give_to, lab_user
from tests.lab.mariadb import identifier, literal
from tests.lab.sample_tiki import PASSWORD, SampleTiki, write_config
from tests.lab.toolkit import Toolkit

MODEL = "fleet_model"
ACCOUNT = "fleet"


def build(kit: Toolkit, count: int, prefix: str = "site", ssh: bool = True, **choices) -> list[str]:
    """Register so many sites and return their names, in order: site001 and on.

    Files are hard links to those of one model, but for db/local.php. choices are those of sample_tiki.build.
    """
    model = kit.lab.tiki(MODEL, ssh=ssh, web=False, **{"files": 2, "versions": 1, **choices})
    names = [f"{prefix}{number:03}" for number in range(1, count + 1)]
    _fill_databases(kit, model, names)
    reached = kit.over_ssh() if ssh else {}
    folders = [model.folder.with_name(name) for name in names]
    for name, folder in zip(names, folders):
        subprocess.run(["cp", "-al", model.folder, folder], check=True)
        _write_own_config(model, folder, name)
        kit.register(name, web_root=folder, **reached)
    give_to(lab_user(), *(folder / "db/local.php" for folder in folders))
    return names


def _fill_databases(kit: Toolkit, model: SampleTiki, names: list[str]) -> None:
    """Give each site what the model's database holds; one account may use them all."""
    server = kit.lab.mariadb
    tables = server.sql(f"SELECT table_name FROM information_schema.tables WHERE table_schema = "
                        f"{literal(model.database)} AND table_type = 'BASE TABLE'").split()
    # The one engine whose tables may be copied as files: a server needs seconds to make those of a hundred sites.
    model.sql("".join(f"ALTER TABLE {identifier(table)} ENGINE = MyISAM;" for table in tables) + "FLUSH TABLES;")
    data = server.folder / "data"
    for name in names:
        shutil.copytree(data / model.database, data / name)
    server.sql(f"CREATE USER IF NOT EXISTS {literal(ACCOUNT)}@'127.0.0.1' IDENTIFIED BY {literal(PASSWORD)};"
               + "".join(f"GRANT ALL ON {identifier(name)}.* TO {literal(ACCOUNT)}@'127.0.0.1';" for name in names))


def _write_own_config(model: SampleTiki, folder: Path, name: str) -> None:
    """Let a site name its own database; the file that it shares with the others is left as it is."""
    config = folder / "db/local.php"
    config.unlink()
    write_config(folder, model.generation, model.version, f"127.0.0.1:{model.server.port}", ACCOUNT, PASSWORD, name)


def remove_archives(kit: Toolkit, names: list[str]) -> None:
    """Take away what backups of these sites left, so that the next ones are first ones."""
    for name in names:
        shutil.rmtree(kit.settings.archives / name, ignore_errors=True)
