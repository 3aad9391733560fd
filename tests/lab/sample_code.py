"""The code of a sample Tiki: what a release archive or a checkout would bring.

Two generations, told apart by their layout: "new" is like Tiki 24, "old" like Tiki 12. The PHP
is in sample/shared and, over it, in sample/new or sample/old.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

SAMPLE = Path(__file__).parent / "sample"
APPENDED = ".append"  # a file named so continues the shared file of the name before it
GUARD = '<?php\nheader("Location: ../tiki-index.php");\n'
HASHED = {".php", ".js", ".tpl", ".css", ".sql"}


@dataclass(frozen=True)
class Generation:
    version: str
    charset: str
    innodb: str
    vendor: str
    templates_c: str
    fgal_use_dir: str  # the default of the preference
    writable: str  # folders, with blanks between


GENERATIONS = {
    "new": Generation(
        version="24.4",
        charset="utf8mb4",
        innodb="1",
        vendor="vendor_bundled/vendor",
        templates_c="temp/templates_c",
        fgal_use_dir="storage/fgal/",
        writable=(
            "db dump files img/trackers img/wiki img/wiki_up mods storage storage/fgal"
            " storage/public temp temp/cache temp/public temp/templates_c temp/unified-index"
            " templates themes vendor whelp"
        ),
    ),
    "old": Generation(
        version="12.14",
        charset="utf8",
        innodb="0",
        vendor="vendor",
        templates_c="templates_c",
        fgal_use_dir="",
        writable=(
            "db dump files img/trackers img/wiki img/wiki_up maps mods modules/cache styles temp"
            " temp/cache temp/public templates templates_c whelp"
        ),
    ),
}


def write_code(
    folder: Path, generation: str = "new", version: str | None = None, files: int = 300
) -> None:
    """Write code without a site into an empty folder: no db/local.php, no data.

    files is the bulk beside the program. Every third file of it differs from version to version;
    otherwise the same arguments give the same tree.
    """
    kind = GENERATIONS[generation]
    version = version or kind.version
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("shared", generation):
        _copy_part(SAMPLE / part, folder, kind, version)
    for name in kind.writable.split():
        _guard(folder / name)
    for number in range(files):
        path, content = _bulk_file(number, version)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    write_file_hashes(folder, version)
    _set_modes(folder, kind)


def _copy_part(part: Path, folder: Path, kind: Generation, version: str) -> None:
    values = {
        "@VERSION@": version,
        "@CHARSET@": kind.charset,
        "@INNODB@": kind.innodb,
        "@VENDOR@": kind.vendor,
        "@TEMPLATES_C@": kind.templates_c,
        "@FGAL_USE_DIR@": kind.fgal_use_dir,
        "@WRITABLE@": kind.writable,
    }
    for source in sorted(part.rglob("*")):
        target = folder / source.relative_to(part)
        if source.is_dir():
            target.mkdir(exist_ok=True)
            continue
        text = source.read_text()
        for mark, value in values.items():
            text = text.replace(mark, value)
        if target.suffix == APPENDED:
            target = target.with_suffix("")
            text = target.read_text() + text
        target.write_text(text)


def _guard(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "index.php").exists():
        (folder / "index.php").write_text(GUARD)


def _bulk_file(number: int, version: str) -> tuple[str, bytes]:
    path = (
        f"lib/wiki-plugins/wikiplugin_{number:04}.php",
        f"templates/modules/mod-{number:04}.tpl",
        f"img/icons/{number // 50}/icon_{number:04}.png",
    )[number % 3]
    chance = random.Random(f"{path} {version if number % 9 < 3 else ''}")
    size = int(chance.paretovariate(1.2) * 300) % 60_000  # most near 1 kB, a few large ones
    if path.endswith(".png"):
        return path, b"\x89PNG\r\n\x1a\n" + chance.randbytes(size)
    words = [format(chance.getrandbits(20), "x") for _ in range(size // 6)]
    return path, ("<?php\n// " + " ".join(words) + "\n").encode()


def write_file_hashes(folder: Path, version: str) -> str:
    """Write what Tiki's own security check compares with, in the form of a release of 2022; return the SQL."""
    rows = [
        f"('./{path.relative_to(folder)}', '{hashlib.md5(path.read_bytes()).hexdigest()}', '{version}')"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in HASHED
    ]
    columns = "(`filename`, `md5_value`, `tiki_version`)"
    text = (
        "start transaction;\nDELETE FROM `tiki_secdb`;\n\n"
        f"INSERT INTO `tiki_secdb` {columns} VALUES \n" + ",\n".join(rows) + ";\ncommit;\n"
    )
    (folder / f"db/tiki-secdb_{version}_mysql.sql").write_text(text)
    return text


def _set_modes(folder: Path, kind: Generation) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    for name in kind.writable.split():
        (folder / name).chmod(0o775)
    for name in ("console.php", "setup.sh"):
        (folder / name).chmod(0o755)
