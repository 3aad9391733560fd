"""What a tree and a database hold, in a form that pytest can compare."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Container
from pathlib import Path

from tests.lab.mariadb import MariaDb, identifier


def describe_tree(root: Path, without: Container[bytes] = ()) -> dict[bytes, tuple]:
    """Return kind, mode, mtime in seconds and content of everything below root, by relative path.

    without holds relative paths that are left out, folders with all that is in them. Names that
    share one inode give each other's first name as content.
    """
    top = os.fsencode(root)
    seen: dict[int, bytes] = {}
    found = {}
    for folder, folders, files in os.walk(top):
        relative = {
            name: os.path.relpath(os.path.join(folder, name), top) for name in folders + files
        }
        folders[:] = sorted(name for name in folders if relative[name] not in without)
        for name in sorted(name for name in relative if relative[name] not in without):
            found[relative[name]] = _describe(os.path.join(folder, name), relative[name], seen)
    return found


def describe_database(server: MariaDb, database: str) -> dict[str, str]:
    """Return for each table its definition and the server's checksum of its rows."""
    tables = server.sql("SHOW TABLES", database).splitlines()
    return {table: _describe_table(server, database, identifier(table)) for table in tables}


def _describe(path: bytes, relative: bytes, seen: dict[int, bytes]) -> tuple:
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return ("link", os.readlink(path))
    if stat.S_ISDIR(status.st_mode):
        return ("folder", oct(mode))
    if status.st_nlink > 1:
        first = seen.setdefault(status.st_ino, relative)
        if first != relative:
            return ("same file as", first)
    if not stat.S_ISREG(status.st_mode):
        return ("special", oct(status.st_mode))
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ("file", oct(mode), int(status.st_mtime), digest)


def _describe_table(server: MariaDb, database: str, table: str) -> str:
    definition = server.sql(f"SHOW CREATE TABLE {table}", database)
    return definition + server.sql(f"CHECKSUM TABLE {table} EXTENDED", database).split()[-1]
