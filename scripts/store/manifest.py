"""The two descriptions inside an archive.

`manifest.txt` is TRIM's and Tiki Manager's: one line a part, columns four blanks apart: md5 of the path (the
part's folder), kind, path, `full`. `trim-manifest.json` is ours: versions, sizes, parts, rows and digest of every
table. Source of the first: Tiki Manager, src/Application/Backup.php and Restore.php.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scripts.errors import ArchiveError

OLD_NAME, OUR_NAME = "manifest.txt", "trim-manifest.json"
DUMP_NAME = "database_dump.sql"
FORMAT = 1
APP, DATA, CONF_EXTERNAL, CONF_LOCAL = "app", "data", "conf_external", "conf_local"
SEPARATOR = "    "


@dataclass(frozen=True)
class Part:
    """One folder (or external file) of a site: kind, the path it is registered under, and who refers to it."""

    kind: str
    path: str
    used_by: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Return where the part lies below the archive's top folder."""
        if self.kind == CONF_EXTERNAL:
            return Path(self.path).name
        return f"{hashlib.md5(self.path.encode('utf-8', 'surrogateescape')).hexdigest()}/{Path(self.path).name}"

    @property
    def line(self) -> str:
        """Return the part's line of manifest.txt."""
        return SEPARATOR.join((self.folder.split("/")[0], self.kind, self.path, "full"))


@dataclass(frozen=True)
class Table:
    """What a table held at the dump's moment: rows, and a digest over their text in any order."""

    rows: int
    digest: str


@dataclass(frozen=True)
class Manifest:
    """What trim-manifest.json says. Moments are ISO texts in UTC; sizes are bytes."""

    instance: str
    kind: str                               # backup, or safety: taken before a restore
    started: str
    dumped: str
    web_root: str
    web_url: str
    tiki_version: str
    tiki_branch: str
    php_version: str
    database: dict[str, Any]                # name, server, where it is, charset, consistency, tables_left_out
    parts: tuple[Part, ...]
    tables: dict[str, Table]
    files: int
    stream_bytes: int
    dump_bytes: int
    list_sha256: str
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    digests: str = "dump stream"            # where rows and digests were taken from
    made_by: str = ""
    format: int = FORMAT
    site: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def text(self) -> bytes:
        return (json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


def parse(text: bytes) -> Manifest:
    """Return the manifest that this text says; raise ArchiveError when it is none we know."""
    try:
        values = json.loads(text)
        if values["format"] > FORMAT:
            raise ArchiveError(f"its manifest is of format {values['format']}, made by {values.get('made_by')}: "
                               "update TRIM to read it")
        values["parts"] = tuple(Part(one["kind"], one["path"], tuple(one["used_by"])) for one in values["parts"])
        values["tables"] = {name: Table(**table) for name, table in values["tables"].items()}
        values["left_out"], values["warnings"] = tuple(values["left_out"]), tuple(values["warnings"])
        return Manifest(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveError(f"its {OUR_NAME} cannot be understood: {error}") from error


def old_text(parts: tuple[Part, ...]) -> bytes:
    """Return manifest.txt for these parts."""
    return "".join(part.line + "\n" for part in parts).encode("utf-8", "surrogateescape")


def parse_old(text: bytes) -> tuple[Part, ...]:
    """Return the parts that a manifest.txt names: three columns (TRIM) or four (Tiki Manager).

    Raises ArchiveError for a partial archive: it holds only what differed from a checkout.
    """
    parts = []
    for line in text.decode("utf-8", "surrogateescape").split("\n"):  # a name may hold Unicode's own line ends
        columns = line.strip().split(SEPARATOR)
        if not line.strip():
            continue
        if len(columns) not in (3, 4) or columns[1] not in (APP, DATA, CONF_EXTERNAL, CONF_LOCAL):
            raise ArchiveError(f"its {OLD_NAME} has a line that is none: {line[:80]!r}")
        if len(columns) == 4 and columns[3] == "partial":
            raise ArchiveError("it is a partial backup of Tiki Manager: it holds only what differs from a git "
                               "checkout, and cannot be restored without it. Make a full one there")
        parts.append(Part(columns[1], columns[2]))
    if not any(part.kind == APP for part in parts):
        raise ArchiveError(f"its {OLD_NAME} names no web root")
    return tuple(parts)
