"""Small releases of a sample Tiki in a folder for RELEASES_DIR, each a little different from the one before."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.lab.sample_code import write_code

PATCH = "20260101_came_new_tiki"
NEW_FILE, GONE_FILE = "lib/new/deep/came.php", "lib/gone/deep/went.php"
EDITED = "lib/edited.php"   # the same in all versions, but for its last line
LINES = "<?php\n// one\n// two\n// three\n// four\n// five\n// {version}\n"


def write(folder: Path, version: str, files: Mapping[str, str] | None = None, *, is_newer: bool = True) -> None:
    """Write the code of a version: a newer one has a file and a patch that the older has not, and lacks one.

    files are put into it besides, by path.
    """
    write_code(folder, version=version, files=20)
    complete(folder, version, files, is_newer=is_newer)


def complete(folder: Path, version: str, files: Mapping[str, str] | None = None, *, is_newer: bool = True) -> None:
    """Add to the code of a sample what tells these releases apart."""
    texts = {EDITED: LINES.format(version=version)}
    texts |= {NEW_FILE: "<?php // new\n", f"installer/schema/{PATCH}.sql": "CREATE TABLE came_new (id int);\n"} \
        if is_newer else {GONE_FILE: "<?php // old\n"}
    for path, text in (texts | dict(files or {})).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def release(folder: Path, version: str, files: Mapping[str, str] | None = None, *, is_newer: bool = True) -> None:
    """Put a release file of such code into a folder."""
    folder.mkdir(exist_ok=True)
    code = folder / f"tiki-{version}"
    write(code, version, files, is_newer=is_newer)
    subprocess.run(["tar", "--zstd", "-cf", folder / f"tiki-{version}.tar.zst", "-C", folder, code.name], check=True)
    shutil.rmtree(code)
