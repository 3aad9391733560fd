"""A folder of TRIM or Tiki Manager: trim.db of a schema, archives, a key; made from the facts, by SQLite itself."""

import bz2
import io
import sqlite3
import tarfile
from pathlib import Path

TRIM, TIKI_MANAGER = 9, 20   # the schemas of the last TRIM and of the Tiki Manager of 2025
PASSWORD = "s3cret of the old one"
STAMP = "2024-05-01_02-00-00"

TABLES = """
CREATE TABLE info (name VARCHAR(10), value VARCHAR(10), PRIMARY KEY(name));
CREATE TABLE instance (instance_id INTEGER PRIMARY KEY, name VARCHAR(25), contact VARCHAR(100), webroot VARCHAR(100),
    weburl VARCHAR(100), tempdir VARCHAR(100), phpexec VARCHAR(50), app VARCHAR(10));
CREATE TABLE version (version_id INTEGER PRIMARY KEY, instance_id INTEGER, type VARCHAR(10), branch VARCHAR(50),
    date VARCHAR(25), revision VARCHAR(25), action VARCHAR(25));
CREATE TABLE file (version_id INTEGER, path VARCHAR(255), hash CHAR(32));
CREATE TABLE access (instance_id INTEGER, type VARCHAR(10), host VARCHAR(50), user VARCHAR(25), pass VARCHAR(25));
CREATE TABLE backup (instance_id INTEGER, location VARCHAR(200));
CREATE TABLE report_receiver (instance_id INTEGER PRIMARY KEY, user VARCHAR(200), pass VARCHAR(200));
CREATE TABLE report_content (receiver_id INTEGER, instance_id INTEGER);
CREATE TABLE property (instance_id INTEGER NOT NULL, key VARCHAR(50) NOT NULL, value VARCHAR(200) NOT NULL);
"""
LATER_TABLES = """
CREATE TABLE patch (patch_id INTEGER PRIMARY KEY, instance_id INTEGER, package VARCHAR(100), url VARCHAR(255),
    date VARCHAR(25));
CREATE TABLE tags (tag_id INTEGER PRIMARY KEY AUTOINCREMENT, instance_id INTEGER NOT NULL, tag_name TEXT NOT NULL,
    tag_value TEXT NOT NULL);
CREATE TABLE bisect_sessions (instance_id INTEGER NOT NULL UNIQUE, bad_commit TEXT, good_commit TEXT,
    current_commit TEXT, status TEXT);
CREATE TABLE backup_ignore_list (instance_id INTEGER, exclude VARCHAR(255), UNIQUE(instance_id,exclude));
ALTER TABLE instance ADD COLUMN state VARCHAR(10) DEFAULT NULL;
ALTER TABLE instance ADD COLUMN phpversion INTEGER DEFAULT 0;
ALTER TABLE instance ADD COLUMN run_user VARCHAR(32) DEFAULT NULL;
ALTER TABLE instance ADD COLUMN package_setup_mode VARCHAR(10) DEFAULT 'instance';
"""


class OldManager:
    """`with_` methods add what an operator of that time had."""

    def __init__(self, top: Path, schema: int = TIKI_MANAGER) -> None:
        self.top, self.data, self.archives = top, top / "data", top / "backup" / "archive"
        self.database = self.data / "trim.db"
        for folder in (self.data, self.archives):
            folder.mkdir(parents=True)
        self.has_later_tables = schema > TRIM
        self._run(TABLES + (LATER_TABLES if self.has_later_tables else ""))
        self.sql("INSERT INTO info VALUES ('version', ?)", str(schema))

    def sql(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.database) as database:
            database.execute(statement, values)
        database.close()

    def _run(self, script: str) -> None:
        with sqlite3.connect(self.database) as database:
            database.executescript(script)
        database.close()

    def instance(self, number: int, name: str, access: str = "local", host: str = "", user: str = "tiki",
                 **columns: object) -> "OldManager":
        """Register an instance; columns are those of the table instance."""
        given = {"contact": "", "webroot": f"/srv/{number}", "weburl": "", "tempdir": "/tmp/trim", "phpexec": "php",
                 "app": "tiki", **columns}
        self.sql(f"INSERT INTO instance (instance_id, name, {', '.join(given)}) "
                 f"VALUES (?, ?, {', '.join('?' * len(given))})", number, name, *given.values())
        self.sql("INSERT INTO access VALUES (?, ?, ?, ?, ?)", number, access, host, user, PASSWORD)
        self.sql("INSERT INTO property VALUES (?, 'backup_perm', '750')", number)
        return self

    def archive(self, folder: str, stamp: str = STAMP, content: bytes | None = None) -> Path:
        """Put an archive of three manifest columns where the old managers do; content stands for its bytes."""
        path = self.archives / folder / f"{folder}_{stamp}.tar.bz2"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(_archive(folder) if content is None else content)
        return path

    def key(self) -> Path:
        """Put a key pair into the data folder, where everybody may read it."""
        key = self.data / "id_rsa"
        key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nold\n-----END OPENSSH PRIVATE KEY-----\n")
        key.chmod(0o644)
        (self.data / "id_rsa.pub").write_text("ssh-rsa AAAA old\n")
        return key

    def state(self) -> dict[str, tuple]:
        """Return what must not change: every file with its content, mode and time."""
        return {str(path): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
                for path in sorted(self.top.rglob("*"))}


def everybody(top: Path, schema: int = TIKI_MANAGER) -> OldManager:
    """Return a manager with every kind of instance: local, ssh with a port, ftp, odd names, a reused id."""
    old = OldManager(top, schema)
    old.instance(1, "Blog", webroot="/srv/blog/", weburl="https://blog.example.org/", contact="ann@example.org",
                 phpexec="/usr/bin/php8.1")
    old.instance(2, "O'Hara's Wiki", "ssh", "web1.example.org:2222", webroot="/home/ohara/public_html")
    old.instance(3, "blog", webroot="/srv/other")
    old.instance(4, "Shop", "ftp", "ftp.example.org:21", webroot="/htdocs")
    old.sql("INSERT INTO backup VALUES (1, '/srv/blog-files')")
    old.sql("INSERT INTO report_receiver VALUES (1, 'trim', ?)", PASSWORD)
    if old.has_later_tables:
        for tag, value in (("sys_db_protected", "y"), ("museum", "y"), ("owner", "ann o'hara")):
            old.sql("INSERT INTO tags (instance_id, tag_name, tag_value) VALUES (1, ?, ?)", tag, value)
        for pattern in ("temp", "files/video", "/srv/blog/img/old", "*.log", "/mnt/nas", "a[0-9]"):
            old.sql("INSERT INTO backup_ignore_list VALUES (1, ?)", pattern)
        old.sql("UPDATE instance SET run_user = 'ohara' WHERE instance_id = 2")
    old.archive("1-Blog")
    old.archive("1-Blog", "2024-06-01_02-00-00")
    old.archive("2-O'Hara's Wiki")
    old.archive("1-forgotten")   # id 1 was another instance's before
    old.archive("9-gone")
    return old


def _archive(folder: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo(f"{folder}/manifest.txt")
        text = b"d41d8cd98f00b204e9800998ecf8427e    app    /srv/x\n"
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return bz2.compress(packed.getvalue())
