"""The files of a site: what its users and admins made, with every name and mode a disk allows."""

from __future__ import annotations

import os
import random
from pathlib import Path

LONG_NAME = "n" * 246 + ".txt"  # 250 bytes; file systems end at 255
DEEP = "/".join(f"level-{depth:02}-of-a-deep-path" for depth in range(14))  # 307 bytes
ODD_NAMES = [
    b"with space.txt",
    b'it\'s "quoted".txt',
    b"two\nlines.txt",
    b"-rf.txt",
    b"*?[a-z].txt",
    b"back\\slash.txt",
    b"$HOME `id`;.txt",
    b"latin1-\xff.txt",
    "Grüße-日本.txt".encode(),
    b" leading and trailing ",
    b"#hash.txt",
    b"100%.txt",
    b"name:colon.txt",
    b".hidden",
    LONG_NAME.encode(),
]


def write_site_files(folder: Path) -> None:
    odd = folder / "files/odd names"
    odd.mkdir()
    for number, name in enumerate(ODD_NAMES):
        path = os.path.join(os.fsencode(odd), name)
        with open(path, "wb") as file:
            file.write(b"odd file %d\n" % number)
        os.utime(path, ns=(0, 946_684_800_123_456_789 + number))  # 2000-01-01, with nanoseconds
    _write_own_design(folder)
    _write_pictures(folder / "img/wiki_up")
    _write_links(folder, folder / "files/links")
    _write_modes(folder / "files/modes")
    deep = folder / "files" / DEEP
    deep.mkdir(parents=True)
    (deep / "bottom.txt").write_text("far below\n")
    (folder / "files/empty folder").mkdir()
    (folder / "files/empty file").touch()


def _write_own_design(folder: Path) -> None:
    home = folder / ("themes/own/css" if (folder / "themes").exists() else "styles/own")
    home.mkdir(parents=True)
    (home / "own.css").write_text("body { color: #123456; }\n")
    translation = folder / "lang/de"
    translation.mkdir(parents=True)
    (translation / "custom.php").write_text("<?php\n$lang_custom = ['Page' => 'Seite'];\n")
    (folder / "db/virtuals.inc").touch()
    (folder / "db/lock").touch()


def _write_pictures(folder: Path) -> None:
    chance = random.Random("pictures")
    for number in range(3):
        (folder / f"picture{number}.jpg").write_bytes(b"\xff\xd8\xff" + chance.randbytes(20_000))


def _write_links(root: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "relative").symlink_to("../../robots.txt")
    (folder / "to a folder").symlink_to("../modes")
    (folder / "dangling").symlink_to("nowhere/at/all")
    (folder / "absolute").symlink_to(root / "robots.txt")
    (folder / "hard one").write_text("one content, two names\n")
    os.link(folder / "hard one", folder / "hard two")


def _write_modes(folder: Path) -> None:
    folder.mkdir()
    for name, mode in {"private": 0o640, "secret": 0o600, "script.sh": 0o755}.items():
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(mode)
    (folder / "shared").mkdir()
    (folder / "shared").chmod(0o2775)
