"""A sample Tiki: code, site files, stores outside the web root, and a filled database."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab.accounts import give_to
from tests.lab.mariadb import MariaDb
from tests.lab.processes import find_program
from tests.lab.sample_code import GENERATIONS, write_code
from tests.lab.sample_content import Content, Stores
from tests.lab.sample_files import write_site_files

PASSWORD = "p#a\"s\\'$= x"  # each character has broken a tool once


@dataclass
class SampleTiki:
    folder: Path
    outside: Path
    generation: str
    version: str
    server: MariaDb
    database: str
    user: str
    password: str
    url: str | None = None

    def sql(self, text: str) -> str:
        return self.server.sql(text, self.database)

    def console(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [find_program("php"), str(self.folder / "console.php"), *words]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    def add_patch(self, name: str, sql: str = "SELECT 1;\n") -> None:
        """Put a schema patch into the tree: YYYYMMDD_what_tiki. SQL that fails makes one that fails."""
        patch = self.folder / f"installer/schema/{name}.sql"
        patch.write_text(sql)
        status = self.folder.stat()
        os.chown(patch, status.st_uid, status.st_gid)

    def preference(self, name: str) -> str:
        return self.sql(f"SELECT value FROM tiki_preferences WHERE name = '{name}'").rstrip("\n")


def build(
    folder: Path,
    server: MariaDb,
    database: str,
    user: str,
    password: str,
    *,
    generation: str = "new",
    version: str | None = None,
    files: int = 300,
    versions: int = 20,
    outside: Path | None = None,
    missing_folder: bool = False,
    url: str | None = None,
    owner: str | None = None,
) -> SampleTiki:
    """Build an installed site into an empty database that the account may use.

    versions is how often HomePage was changed, that is the rows of tiki_history. outside is by
    default a folder beside the web root. With missing_folder a preference points to a folder
    that does not exist.
    """
    kind = GENERATIONS[generation]
    version = version or kind.version
    outside = outside or folder.with_name(f"{folder.name}-data")
    write_code(folder, generation, version, files)
    write_site_files(folder)
    write_config(folder, generation, version, f"127.0.0.1:{server.port}", user, password, database)
    _write_htaccess(folder, generation)
    content = Content(modern=generation == "new")
    content.add_all(folder.name, url or "http://wiki.example.org/", versions)
    Stores(folder, outside, content).write_all(missing_folder)
    _fill(folder, server, database, content, innodb=kind.innodb == "1")
    if owner:
        give_to(owner, folder, outside)
    return SampleTiki(folder, outside, generation, version, server, database, user, password, url)


def write_config(
    folder: Path, generation: str, version: str, host: str, user: str, password: str, database: str
) -> None:
    """Write db/local.php as the installer of that generation does."""
    values = {
        "db_tiki": "mysqli" if generation == "new" else "mysql",
        "dbversion_tiki": ".".join(version.split(".")[:2]),
        "host_tiki": host,
        "user_tiki": user,
        "pass_tiki": password,
        "dbs_tiki": database,
        "client_charset": GENERATIONS[generation].charset,
    }
    lines = [f"${name}='{_escape(value)}';" for name, value in values.items()]
    comments = [
        "// $dbfail_url = '';",
        "// If texts look strange after an update:",
        "// $client_charset='latin1';",
    ]
    if generation == "old":
        comments = ["// If your php installation has no pdo extension", "// $api_tiki = 'adodb';"]
    config = folder / "db/local.php"
    config.write_text("\n".join(["<?php", *lines, *comments, ""]))
    config.chmod(0o640)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _write_htaccess(folder: Path, generation: str) -> None:
    """A copy on the new site, a link on the old one: both are recommended."""
    if generation == "old":
        (folder / ".htaccess").symlink_to("_htaccess")
    else:
        (folder / ".htaccess").write_bytes((folder / "_htaccess").read_bytes())


def _fill(folder: Path, server: MariaDb, database: str, content: Content, *, innodb: bool) -> None:
    """Do what the installer does, without PHP, and add the content."""
    schema = (folder / "db/tiki.sql").read_text()
    if innodb:
        schema = schema.replace("ENGINE=MyISAM", "ENGINE=InnoDB")
    for patch in sorted((folder / "installer/schema").glob("*_*")):
        schema += f"REPLACE INTO tiki_schema VALUES ('{patch.stem}', '2023-05-20 12:00:00');\n"
    hashes = next(folder.glob("db/tiki-secdb_*.sql")).read_text()
    server.sql(schema + hashes + content.sql(), database)
