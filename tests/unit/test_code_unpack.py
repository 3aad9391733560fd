"""What comes out of a release archive is what went in, or nothing: real archives, whole, broken and hostile."""

import io
import os
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.code import unpack
from scripts.errors import ArchiveError

PACKERS = {".tar.gz": "gzip", ".tgz": "gzip", ".tar.bz2": "bzip2", ".tar.zst": "zstd"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tiki-24.4"
    (top / "lib").mkdir(parents=True)
    (top / "lib" / "a.php").write_text("<?php\n" * 1000)
    (top / "lib" / "empty").touch()
    (top / ("n" * 200)).write_text("a long name\n")
    (top / "setup.sh").write_text("#!/bin/sh\n")
    (top / "setup.sh").chmod(0o755)
    (top / "link").symlink_to("lib/a.php")
    (top / "folder link").symlink_to("lib")
    return top


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def packed(tree: Path, ending: str) -> Path:
    path = tree.parent / f"{tree.name}{ending}"
    if ending == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name in sorted(tree.rglob("*")):
                if not name.is_symlink():
                    file.write(name, name.relative_to(tree.parent))
    else:
        subprocess.run(["tar", "-C", tree.parent, "-I", PACKERS[ending], "-cf", path, tree.name], check=True)
    return path


def hostile(path: Path, *members: tuple[str, Callable[[tarfile.TarInfo], None]]) -> Path:
    """Write a tar.gz of small files whose headers were changed."""
    with tarfile.open(path, "w:gz") as file:
        for name, change in members:
            member = tarfile.TarInfo(name)
            change(member)
            file.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("ending", list(PACKERS))
def test_a_tar_archive_comes_out_as_it_went_in(tree, into, ending):
    unpack.from_file(packed(tree, ending), into)
    out = unpack.top_of(into)
    assert out == into / "tiki-24.4"
    assert names(out) == names(tree)
    assert (out / "lib" / "a.php").read_bytes() == (tree / "lib" / "a.php").read_bytes()
    assert os.access(out / "setup.sh", os.X_OK) and os.readlink(out / "link") == "lib/a.php"


def test_a_zip_file_comes_out_with_its_times_and_programs(tree, into):
    unpack.from_file(packed(tree, ".zip"), into)
    out = unpack.top_of(into)
    assert names(out) == names(tree) - {"link", "folder link"}
    assert stat.S_IMODE((out / "setup.sh").stat().st_mode) == 0o755
    assert abs((out / "lib" / "a.php").stat().st_mtime - (tree / "lib" / "a.php").stat().st_mtime) <= 2


def test_an_archive_without_a_folder_around_it_is_its_own_top(tree, into):
    path = tree.parent / "flat.tar.gz"
    subprocess.run(["tar", "-C", tree, "-czf", path, "."], check=True)
    unpack.from_file(path, into)
    assert unpack.top_of(into) == into and names(into) == names(tree)


@pytest.mark.parametrize("ending", [*PACKERS, ".zip"])
def test_an_archive_that_was_cut_off_is_damaged(tree, into, ending):
    path = packed(tree, ending)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(ArchiveError, match="damaged|cut off"):
        unpack.from_file(path, into)


def test_a_tar_stream_that_ends_at_a_file_s_border_is_cut_off(tree, into):
    """GNU tar takes such a stream for a whole one and ends with 0."""
    plain = tree.parent / "plain.tar"
    subprocess.run(["tar", "-C", tree.parent, "-cf", plain, tree.name], check=True)
    with tarfile.open(plain) as file:
        border = file.getmembers()[3].offset
    os.truncate(plain, border)
    path = tree.parent / "border.tar.gz"
    with open(path, "wb") as file:
        subprocess.run(["gzip", "-c", plain], stdout=file, check=True)
    assert subprocess.run(["tar", "-tzf", path], capture_output=True).returncode == 0
    with pytest.raises(ArchiveError, match="its end is missing"):
        unpack.from_file(path, into)


def test_a_file_that_is_no_archive_is_told_so(tree, into):
    for name in ("page.tar.gz", "page.zip"):
        (tree.parent / name).write_text("<html>Not found</html>")
        with pytest.raises(ArchiveError, match="damaged"):
            unpack.from_file(tree.parent / name, into)


def as_link(target: str, kind: bytes = tarfile.SYMTYPE) -> Callable[[tarfile.TarInfo], None]:
    def change(member: tarfile.TarInfo) -> None:
        member.type, member.linkname = kind, target
    return change


def as_file(member: tarfile.TarInfo) -> None:
    member.size = 5


def as_fifo(member: tarfile.TarInfo) -> None:
    member.type = tarfile.FIFOTYPE


@pytest.mark.parametrize(("name", "change"), [
    ("tiki/../../outside", as_file), ("/tmp/outside", as_file), ("..", as_file), ("tiki/out", as_link("/etc/passwd")),
    ("tiki/out", as_link("../../outside")), ("tiki/out", as_link("../outside", tarfile.LNKTYPE)),
    ("tiki/out", as_link("/etc/passwd", tarfile.LNKTYPE)), ("tiki/pipe", as_fifo),
    ("tiki/" + "d/" * 90 + "../../" * 60 + "../" * 120 + "outside", as_file),
])
def test_a_member_that_would_leave_the_folder_is_refused_before_tar_sees_it(tmp_path, into, name, change):
    path = hostile(tmp_path / "bad.tar.gz", ("tiki/good", as_file), (name, change))
    with pytest.raises(ArchiveError, match="would leave its folder or is no plain file"):
        unpack.from_file(path, into)
    assert names(into) <= {"tiki", "tiki/good"}
    assert not (tmp_path / "outside").exists()


def test_a_link_that_stays_inside_is_a_link(tmp_path, into):
    path = hostile(tmp_path / "good.tar.gz", ("tiki/lib/a", as_file), ("tiki/bin/b", as_link("../lib/a")))
    unpack.from_file(path, into)
    assert (into / "tiki/bin/b").read_bytes() == b"xxxxx"


@pytest.mark.parametrize(("name", "mode"), [("../outside", 0o100644), ("/outside", 0o100644), ("a\\..\\b", 0o100644),
                                            ("link", 0o120777)])
def test_a_zip_member_that_would_leave_the_folder_is_refused(tmp_path, into, name, mode):
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("good", "x")
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        file.writestr(member, "/etc/passwd")
    with pytest.raises(ArchiveError, match="would leave its folder"):
        unpack.from_file(path, into)
    assert names(into) == set()


def test_a_zip_file_with_one_wrong_byte_is_damaged(tree, into):
    path = packed(tree, ".zip")
    text = bytearray(path.read_bytes())
    text[120] ^= 0xFF
    path.write_bytes(text)
    with pytest.raises(ArchiveError, match="damaged"):
        unpack.from_file(path, into)
