"""Archives of mods: what was packed comes out again, and whatever would harm the folder around it is refused."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.errors import ArchiveError
from scripts.hosts import process
from scripts.mods import control, packages
from scripts.mods.parts import ControlFile, FileLine
from scripts.mods.revision import Revision

OWN = "Packages/lib-x.info.txt"
CONTROL = b"revision:\n1.2\n\nfiles:\npayload/a.php lib/a.php\npayload/empty.txt lib/empty.txt\n"
SOURCES = {"payload/a.php": b"<?php echo 1;\n", "payload/empty.txt": b""}
MOD = ControlFile(type="lib", name="x", revision=Revision("1.2"), description="Does it",
                  files=tuple(FileLine(source, source.replace("payload", "lib")) for source in SOURCES))


def collection(folder: Path) -> Path:
    for name, content in SOURCES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def plain(name: str, content: bytes = b"", **more) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for key, value in more.items():
        setattr(member, key, value)
    return member, content


GOOD = [plain(OWN, CONTROL), *(plain(name, content) for name, content in SOURCES.items())]


def archive(folder: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    path = folder / "lib-x-1.2.tgz"
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return path


def refused(path: Path, folder: Path, expected: str = "lib-x", revision: str = "1.2") -> str:
    """Unpack, and return why not; nothing may be outside the folder."""
    around = folder / "around"
    (around / "into").mkdir(parents=True)
    with pytest.raises(ArchiveError) as caught:
        packages.unpack(path, around / "into", expected, revision)
    assert sorted(os.listdir(around)) == ["into"]
    assert not any(one.is_symlink() for one in around.rglob("*"))
    return str(caught.value)


def test_what_was_packed_comes_out_again(tmp_path):
    packed = tmp_path / MOD.archive_name
    sums = packages.pack(MOD, collection(tmp_path / "mods"), packed)
    assert sums == packages.sums(packed)
    into = tmp_path / "into"
    into.mkdir()
    assert packages.unpack(packed, into, "lib-x", "1.2") == MOD
    assert {name: (into / name).read_bytes() for name in SOURCES} == SOURCES
    assert control.load(into / OWN)[0] == MOD
    assert packages.inspect(packed, "lib-x") == MOD
    with tarfile.open(packed) as tar:
        assert tar.getnames() == [OWN, *SOURCES]


def test_the_same_files_give_the_same_archive_whatever_sums_the_control_file_notes(tmp_path):
    folder = collection(tmp_path / "mods")
    first = packages.pack(MOD, folder, tmp_path / "one.tgz")
    again = packages.pack(replace(MOD, md5="0" * 32, sha256="0" * 64), folder, tmp_path / "two.tgz")
    assert first == again


def test_a_name_of_more_than_a_hundred_bytes_is_packed(tmp_path):
    name = f"payload/{'long/' * 30}file.php"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(b"x")
    found = replace(MOD, files=(FileLine(name, "a.php"),))
    packages.pack(found, tmp_path, tmp_path / "one.tgz")
    into = tmp_path / "into"
    into.mkdir()
    packages.unpack(tmp_path / "one.tgz", into, "lib-x")
    assert (into / name).read_bytes() == b"x"


def test_a_dry_run_packs_nothing(tmp_path):
    process.conduct.dry_run = True
    packages.pack(MOD, collection(tmp_path / "mods"), tmp_path / "one.tgz")
    assert not (tmp_path / "one.tgz").exists()


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda folder: (folder / "payload/a.php").unlink(), "payload/a.php is missing"),
    (lambda folder: ((folder / "payload/a.php").unlink(), (folder / "payload/a.php").mkdir()), "is a folder"),
    (lambda folder: ((folder / "payload/a.php").unlink(), os.symlink("/etc/passwd", folder / "payload/a.php")),
     "is no plain file"),
    (lambda folder: (os.rename(folder / "payload", folder.parent / "elsewhere"),
                     os.symlink(folder.parent / "elsewhere", folder / "payload")), "lies outside of"),
    (lambda folder: ((folder / "payload/a.php").unlink(), os.mkfifo(folder / "payload/a.php")), "is no plain file"),
])
def test_only_plain_files_of_the_collection_are_packed(tmp_path, spoil, said):
    folder = collection(tmp_path / "mods")
    spoil(folder)
    with pytest.raises(ArchiveError, match=said):
        packages.pack(MOD, folder, tmp_path / "one.tgz")
    assert list(tmp_path.glob("*.tgz")) == []


LINK = {"type": tarfile.SYMTYPE, "linkname": "/etc"}


@pytest.mark.parametrize(("members", "said"), [
    ([*GOOD, plain("../evil.php", b"x")], "leads out of its folder"),
    ([*GOOD, plain("payload/../../evil.php", b"x")], "leads out of its folder"),
    ([*GOOD, plain("/tmp/evil.php", b"x")], "is absolute"),
    ([*GOOD, plain("payload\\..\\evil.php", b"x")], "has a backslash"),
    ([*GOOD, plain("payload/evil\n.php", b"x")], "control character"),
    ([*GOOD, plain("payload/link", **LINK)], "is a link"),
    ([*GOOD, plain("payload/hard", type=tarfile.LNKTYPE, linkname="../../etc/passwd")], "is a link"),
    ([*GOOD, plain("payload/device", type=tarfile.CHRTYPE, devmajor=1, devminor=3)], "is a link, a device"),
    ([*GOOD, plain("payload/fifo", type=tarfile.FIFOTYPE)], "is a link, a device"),
    ([GOOD[0], plain("payload", **LINK), *GOOD[1:]], "is a link"),
    ([*GOOD, plain("payload/more.php", b"x")], "is not named by its control file"),
    ([*GOOD, plain("Packages/lib-y.info.txt", b"x")], "is not named by its control file"),
    ([*GOOD, plain("Packages/00_list.public.txt", b"x")], "is not named by its control file"),
    ([*GOOD, plain("Dist/lib-y-1.tgz", b"x")], "a folder of the collection itself"),
    ([*GOOD, GOOD[1]], "is in it twice"),
    ([*GOOD, GOOD[0]], "is in it twice"),
    (GOOD[:2], "lacks payload/empty.txt"),
    (GOOD[1:], "this is another archive"),
    ([], "is empty"),
    ([plain("Packages/lib-y.info.txt", CONTROL), *GOOD[1:]], "this is another archive"),
    ([plain(OWN, CONTROL.replace(b"1.2", b"1.3")), *GOOD[1:]], "holds lib-x 1.3, asked for was lib-x 1.2"),
    ([plain(OWN, CONTROL.replace(b"lib/a.php", b"../a.php")), *GOOD[1:]], "the destination '../a.php' leads out"),
    ([plain(OWN, CONTROL.replace(b"payload/a.php", b"../../etc/passwd")), *GOOD[1:]], "the source .* leads out"),
    ([plain(OWN, CONTROL + b"\nrequires:\nlib-a==1\n"), *GOOD[1:]], "== is no test"),
    ([plain(OWN, b"\0" * 100), *GOOD[1:]], "has no revision"),
], ids=lambda value: value[:30] if isinstance(value, str) else "")
def test_an_archive_that_no_packer_of_ours_made_is_refused(tmp_path, members, said):
    import re
    assert re.search(said, refused(archive(tmp_path, members), tmp_path))


def header(kind: bytes, content: bytes, said: int | None = None) -> bytes:
    """Return what stands before a member, as in pax and GNU archives."""
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, len(content) if said is None else said
    return member.tobuf(tarfile.USTAR_FORMAT) + content + b"\0" * (-len(content) % 512)


@pytest.mark.parametrize("before", [
    header(tarfile.XHDTYPE, b"8 ab=cd\n") * 2000, header(tarfile.GNUTYPE_LONGNAME, b"abc\0") * 2000,
    header(tarfile.XHDTYPE, b"", packages.LARGEST_CONTENT - 512), header(tarfile.GNUTYPE_LONGLINK, b"", 1 << 20),
    header(tarfile.XHDTYPE, b"22 GNU.sparse.map=a,b\n"), header(tarfile.XHDTYPE, b"99999999999999999999 a=b\n"),
    header(tarfile.XHDTYPE, b"20 path=../../x.php\n"),
], ids=["many headers", "many long names", "a huge header", "a huge long name", "sparse", "length", "path"])
def test_odd_headers_are_no_fault_of_ours(tmp_path, before):
    path = archive(tmp_path, GOOD)
    path.write_bytes(gzip.compress(before + gzip.decompress(path.read_bytes()), 1))
    assert "a fault" not in refused(path, tmp_path)


def test_a_good_archive_with_folders_in_it_is_taken(tmp_path):
    into = tmp_path / "into"
    into.mkdir()
    members = [GOOD[0], plain("payload", type=tarfile.DIRTYPE), *GOOD[1:]]
    packages.unpack(archive(tmp_path, members), into, "lib-x", "1.2")
    assert (into / "payload/empty.txt").read_bytes() == b""


def test_another_mod_than_the_one_asked_for_is_refused(tmp_path):
    assert "this is another archive" in refused(archive(tmp_path, GOOD), tmp_path, expected="lib-y")


def test_another_revision_than_the_one_promised_is_refused(tmp_path):
    assert "asked for was lib-x 9" in refused(archive(tmp_path, GOOD), tmp_path, revision="9")


@pytest.mark.parametrize("spoil", [
    lambda data: data[:len(data) // 2], lambda data: data[:-4], lambda data: b"<html>404</html>", lambda data: b"",
    lambda data: data[:40] + bytes([data[40] ^ 0xFF]) + data[41:],
    lambda data: gzip.compress(gzip.decompress(data)[:700]),
    lambda data: gzip.decompress(data)], ids=["half", "no end", "a page", "nothing", "a bit", "tar cut", "no gzip"])
def test_a_damaged_archive_is_refused(tmp_path, spoil: Callable[[bytes], bytes]):
    path = archive(tmp_path, GOOD)
    path.write_bytes(spoil(path.read_bytes()))
    refused(path, tmp_path)


def test_a_few_bytes_that_unpack_to_a_full_disk_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "LARGEST_CONTENT", 1 << 20)
    members = [plain(OWN, CONTROL), plain("payload/a.php", b"\0" * (4 << 20)), GOOD[2]]
    assert "unpacks to more than 1 MB" in refused(archive(tmp_path, members), tmp_path)


def test_an_archive_with_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "MOST_MEMBERS", 2)
    assert "has more than 2 files" in refused(archive(tmp_path, GOOD), tmp_path)


def test_an_archive_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "LARGEST_ARCHIVE", 10)
    assert "larger than" in refused(archive(tmp_path, GOOD), tmp_path)


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    """A link that is there already would be followed."""
    into = tmp_path / "into"
    into.mkdir()
    (into / "payload").symlink_to(tmp_path)
    with pytest.raises(ArchiveError, match="is not empty"):
        packages.unpack(archive(tmp_path, GOOD), into, "lib-x")
    assert not (tmp_path / "a.php").exists()


def test_an_archive_is_held_to_its_sums(tmp_path):
    path = archive(tmp_path, GOOD)
    md5, sha256 = packages.sums(path)
    packages.check_sums(path, md5, sha256, "the list")
    packages.check_sums(path, "", "", "the list")
    with pytest.raises(ArchiveError, match="its md5 is .*, the list says"):
        packages.check_sums(path, "0" * 32, sha256, "the list")
    with pytest.raises(ArchiveError, match="its sha256 is .*, the list says"):
        packages.check_sums(path, md5, "0" * 64, "the list")
