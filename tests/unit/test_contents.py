"""What is told of an archive that is read without being unpacked, and what is not taken for one."""

import bz2
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from scripts.errors import ArchiveError
from scripts.hosts.listing import Entry
from scripts.store import archive, checksums, contents
from scripts.store.manifest import APP, DATA, Part, old_text

APP_PART, DATA_PART = Part(APP, "/srv/blog"), Part(DATA, "/data/fgal")
ODD = "odd/latin1-\udcff\nname"
FILES = {f"{APP_PART.folder}/robots.txt": b"User-agent: *\n", f"{APP_PART.folder}/{ODD}": b"odd",
         f"{APP_PART.folder}/empty": b"", f"{DATA_PART.folder}/0123": b"\0\1",
         "manifest.txt": old_text((APP_PART, DATA_PART)), "database_dump.sql": b"-- Dump completed\n"}


def packed(path: Path, files: dict[str, bytes], more: list[tarfile.TarInfo] = (),
           ends: int | None = None) -> Path:
    """Write an archive of these files with its .sha256; ends is where it stops, counted from behind the last member."""
    stream = io.BytesIO()
    folders = {parent.as_posix() for name in files for parent in Path(name).parents} - {"."}
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8",
                      errors="surrogateescape") as tar:
        for folder in ["", *sorted(folders)]:
            entry = tarfile.TarInfo(f"blog/{folder}".rstrip("/"))
            entry.type, entry.mode, entry.uname, entry.gname = tarfile.DIRTYPE, 0o2755, "web", "www"
            tar.addfile(entry)
        for name, text in files.items():
            entry = tarfile.TarInfo(f"blog/{name}")
            entry.size, entry.mode, entry.uid, entry.gid = len(text), 0o640, 1234, 4321
            tar.addfile(entry, io.BytesIO(text))
        for entry in more:
            tar.addfile(entry)
        behind = tar.offset
    path.write_bytes(bz2.compress(stream.getvalue()[:None if ends is None else behind + ends]))
    path.with_name(f"{path.name}.sha256").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "blog_2026-01-01_00-00-00.tar.bz2"


def read(path: Path) -> contents.Contents:
    return contents.read(archive.read(path), path.parent / "scratch")


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = kind, target, 0o777
    return entry


def test_an_archive_without_a_list_tells_as_much_as_a_tree(place):
    link = member(f"blog/{APP_PART.folder}/link", tarfile.SYMTYPE, "robots.txt")
    second = member(f"blog/{APP_PART.folder}/second", tarfile.LNKTYPE, f"blog/{APP_PART.folder}/robots.txt")
    found = read(packed(place, FILES, more=[link, second]))
    below = found.below(APP_PART)
    assert set(below) == {"", "robots.txt", "odd", ODD, "empty", "link", "second"}
    assert below[""] == Entry("d", "2755", "web", "www", 0, "0")
    assert below["robots.txt"] == below["second"] == Entry("f", "640", "1234", "4321", 14, "0")
    assert (below["link"].kind, below["link"].target) == ("l", "robots.txt")
    assert found.sums[f"{APP_PART.folder}/second"] == hashlib.sha256(b"User-agent: *\n").hexdigest()
    assert found.parts == (APP_PART, DATA_PART) and found.manifest is None
    assert found.dump.read_bytes() == b"-- Dump completed\n"
    assert contents.files(found.archive, {f"{APP_PART.folder}/{ODD}", "none"}) == {f"{APP_PART.folder}/{ODD}": b"odd"}


@pytest.mark.parametrize("ends", [0, 512, -300, -512, -1024])
def test_a_stream_without_its_end_is_no_archive(place, ends):
    with pytest.raises(ArchiveError, match="cannot be read"):
        read(packed(place, FILES, ends=ends))


@pytest.mark.parametrize("lacking", ["manifest.txt", "database_dump.sql"])
def test_what_lacks_a_description_is_no_backup(place, lacking):
    with pytest.raises(ArchiveError, match=f"{lacking} is missing in it.*make archives INSTANCE=blog"):
        read(packed(place, {name: text for name, text in FILES.items() if name != lacking}))


def test_what_has_several_tops_is_no_backup(place):
    with pytest.raises(ArchiveError, match="several entries at its top"):
        read(packed(place, FILES, more=[member("other", tarfile.DIRTYPE)]))


def test_a_file_that_is_not_what_its_list_says_is_told(place):
    listed = "".join(checksums.line(hashlib.sha256(text).hexdigest(), name.encode("utf-8", "surrogateescape")).decode(
        "utf-8", "surrogateescape") for name, text in FILES.items()).encode("utf-8", "surrogateescape")
    ours = {"instance": "blog", "kind": "backup", "started": "", "dumped": "", "web_root": "/srv/blog", "web_url": "",
            "tiki_version": "24.4", "tiki_branch": "", "php_version": "", "database": {}, "tables": {}, "files": 5,
            "parts": [{"kind": part.kind, "path": part.path, "used_by": []} for part in (APP_PART, DATA_PART)],
            "stream_bytes": 1, "dump_bytes": 1, "list_sha256": hashlib.sha256(listed).hexdigest(), "left_out": [],
            "warnings": [], "format": 1}
    described = {**FILES, "trim-files.sha256": listed, "trim-manifest.json": json.dumps(ours).encode()}
    assert read(packed(place, described)).manifest.instance == "blog"
    (place.parent / "scratch").rename(place.parent / "old")
    (place.parent / "scratch").mkdir()
    with pytest.raises(ArchiveError, match="is damaged: .*robots.txt"):
        read(packed(place, {**described, f"{APP_PART.folder}/robots.txt": b"User-agent: x\n"}))
