"""Archives really packed, and read again by the programs that would have to."""

import hashlib
import os
import shutil
import socket
import subprocess
import tarfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.errors import ArchiveError, CommandError
from scripts.hosts.local import MANAGER
from scripts.store import checksums, index, walk
from scripts.store.delivery import Delivery
from scripts.store.pack import Meanwhile, pack_tree
from scripts.store.packing import Packer
from scripts.store.row import Row
from scripts.store.segments import Planner
from scripts.store.tree import Tree

ODD_NAMES = [b"two words", b"-rf", b"--checkpoint=1", b"line\nbreak", b"ends\n", b"it's", b'"', b"$HOME", b"*", b"\\",
             b"\\n", b"caf\xe9", "\u00e9".encode(), b"a&b", b"a,b", b"a\\1b", b".hidden", b"..twice", b"x" * 255, b" ",
             b"tab\t", b"\r", b"\xff\xfe", b"[x]", b"@LongLink"]
READERS = [program for program in ("tar", "bsdtar") if shutil.which(program)]


class Watched(Packer):
    """Packs; when the first bytes have come, something happens to the site."""

    meanwhile = staticmethod(lambda: None)

    def submit(self, raw):
        happens, self.meanwhile = self.meanwhile, lambda: None
        happens()
        return super().submit(raw)


@dataclass
class Result:
    files: int
    vanished: list[str]
    torn: list[str]
    segments: list[index.Segment]


@pytest.fixture
def site(tmp_path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def pack(tmp_path, site):
    """Pack the site, or these folders, as `top/inside` into site.tar; return what went in."""
    def pack(top: str = "blog", inside: str = "0a1b/site", meanwhile=lambda: None, left_out="",
             folders: dict[str, Path] | None = None, packed_as: str = "bz2") -> Result:
        scratch = tmp_path / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        happened = Meanwhile()
        name = f"blog.tar.{packed_as}"
        writer = index.Writer(index.beside(tmp_path / name), index.Header(name, packed_as, top, 0, ""))
        with open(tmp_path / "list", "wb") as listing, open(scratch / "spool", "w+b") as spool, \
                open(tmp_path / name, "wb", buffering=0) as file, Watched(packed_as, scratch) as packer:
            packer.meanwhile = meanwhile
            planner, row = Planner(packer.sizes, spool, None, True), Row(file.fileno(), writer, None, listing)
            for place, folder in (folders or {inside: site}).items():
                tree = Tree(SimpleNamespace(folder=place), str(folder), left_out)
                plan = tree.look(partial(planner.plan, tree.inside))
                planner.done()
                happened.add(pack_tree(tree, plan, planner, top, time.time_ns(), packer, row))
            files = row.close_list()
            writer.finish(lambda count: index.Totals(row.size_bytes, row.counts.raw_bytes, count, files))
        program = {"bz2": "bzip2", "zst": "zstd"}[packed_as]
        stream = subprocess.run([program, "-dc", tmp_path / name], capture_output=True, check=True).stdout
        assert len(stream) == row.counts.raw_bytes
        (tmp_path / "site.tar").write_bytes(stream + bytes(1024))
        return Result(files, happened.vanished, happened.torn, index.read(index.beside(tmp_path / name)).segments)
    return pack


def unpacked(tmp_path: Path, program: str = "tar") -> Path:
    """Unpack site.tar with a program of its own; return the folder it is in."""
    folder = tmp_path / f"unpacked-by-{program}"
    folder.mkdir()
    subprocess.run([program, "-x", "-p", "-C", folder, "-f", tmp_path / "site.tar"], check=True)
    return folder


def members(tmp_path: Path) -> dict[bytes, tarfile.TarInfo]:
    with tarfile.open(tmp_path / "site.tar", encoding="utf-8", errors="surrogateescape") as tar:
        return {os.fsencode(member.name): member for member in tar}


def make_odd(site: Path) -> None:
    for name in ODD_NAMES:
        with open(os.fsencode(site) + b"/" + name, "wb") as file:
            file.write(b"content of " + name)
    deep = site / ("d" * 120) / ("e" * 120) / ("f" * 120)
    deep.mkdir(parents=True)
    (deep / "g").write_bytes(b"deep")
    (site / "empty").touch()
    (site / "empty-folder").mkdir()


def same_trees(one: Path, two: Path) -> bool:
    return subprocess.run(["diff", "-r", "--no-dereference", one, two], check=False).returncode == 0


# What comes out is what went in

@pytest.mark.parametrize("program", READERS)
def test_odd_names_and_their_contents_come_out_as_they_went_in(tmp_path, site, pack, program):
    make_odd(site)
    pack()
    assert same_trees(site, unpacked(tmp_path, program) / "blog/0a1b/site")


def test_python_s_tarfile_finds_every_name_below_the_top(tmp_path, site, pack):
    make_odd(site)
    pack()
    assert {b"blog/0a1b/site/" + name for name in ODD_NAMES} <= set(members(tmp_path))
    assert all(name.startswith(b"blog/0a1b/site") for name in members(tmp_path))


@pytest.mark.parametrize("prefix", ["a&b", "a,b", "a\\b", "a\\1b", "a\\&b", "two words", "\u00e9", "caf\udce9", "a;b",
                                    "s,x,y,"])
def test_a_prefix_is_taken_literally(tmp_path, site, pack, prefix):
    (site / "file").touch()
    pack(top=prefix, inside=f"0a1b/{prefix}")
    assert list(members(tmp_path)) == [os.fsencode(f"{prefix}/0a1b/{prefix}{rest}") for rest in ("", "/file")]


@pytest.mark.parametrize("target", ["./file", ".", "..", "../other", "/etc/passwd", ".hidden", "nowhere", "l" * 300])
def test_a_symbolic_link_keeps_its_target(tmp_path, site, pack, target):
    os.symlink(target, site / "link")
    pack()
    assert os.readlink(unpacked(tmp_path) / "blog/0a1b/site/link") == target


def test_a_hard_link_is_one_file_again(tmp_path, site, pack):
    (site / "first").write_bytes(b"shared")
    os.link(site / "first", site / "second")
    pack()
    folder = unpacked(tmp_path) / "blog/0a1b/site"
    assert os.path.samefile(folder / "first", folder / "second")


def test_a_folder_with_hard_links_is_as_its_list_says(tmp_path, site, pack):
    (site / "first").write_bytes(b"shared")
    os.link(site / "first", site / "second")
    pack()
    top = unpacked(tmp_path) / "blog"
    shutil.copy(tmp_path / "list", top / checksums.LIST_NAME)
    assert checksums.differences(top) == []


def test_permissions_and_times_are_kept(tmp_path, site, pack):
    (site / "script").touch(mode=0o751)
    os.utime(site / "script", (1_000_000_000, 1_000_000_000))
    (site / "closed").mkdir(mode=0o700)
    pack()
    found = members(tmp_path)
    assert (found[b"blog/0a1b/site/script"].mode, found[b"blog/0a1b/site/script"].mtime) == (0o751, 1_000_000_000)
    assert found[b"blog/0a1b/site/closed"].mode == 0o700


def test_sockets_stay_out_without_a_word_and_fifos_go_in(tmp_path, site, pack):
    os.mkfifo(site / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(site / "socket"))
        packed = pack()
    assert list(members(tmp_path)) == [b"blog/0a1b/site", b"blog/0a1b/site/fifo"]
    assert packed.vanished == []


def test_what_is_left_out_is_not_in_it(tmp_path, site, pack):
    (site / "temp").mkdir()
    (site / "temp" / "cache").touch()
    pack(left_out=walk.expression(("temp/*",)))
    assert list(members(tmp_path)) == [b"blog/0a1b/site", b"blog/0a1b/site/temp"]


def test_many_parts_are_one_archive_to_every_reader(tmp_path, pack):
    folders = {}
    for number in range(12):
        part = tmp_path / f"part{number}"
        part.mkdir()
        (part / "file").write_bytes(os.urandom(number * 37_777))
        folders[f"in/part{number}"] = part
    assert len(pack(folders=folders).segments) == 12     # none spans two of them
    for program in READERS:
        folder = unpacked(tmp_path, program) / "blog/in"
        assert all(same_trees(tmp_path / f"part{number}", folder / f"part{number}") for number in range(12))
    assert len(members(tmp_path)) == 24


@pytest.mark.parametrize("packed_as", ["bz2", "zst"])
def test_a_packed_tree_is_listed_by_plain_tar(tmp_path, site, pack, packed_as):
    make_odd(site)
    pack(packed_as=packed_as)
    path = tmp_path / "ended.tar"
    path.write_bytes((tmp_path / f"blog.tar.{packed_as}").read_bytes())
    listed = subprocess.run(["tar", "-tf", path, "--null", "--quoting-style=literal", "--show-transformed-names"],
                            capture_output=True).stdout
    assert listed.count(b"blog/0a1b/site") >= len(ODD_NAMES)


def test_a_large_file_is_cut_into_pieces_that_make_it_up(tmp_path, site, pack):
    content = os.urandom(5_000_000)
    (site / "b-large").write_bytes(content)
    (site / "a").write_bytes(b"before")
    (site / "c").write_bytes(b"after")
    segments = pack().segments
    pieces = [one for one in segments if one.kind == index.PIECE]
    assert len(pieces) > 5 and {one.first for one in pieces} == {b"0a1b/site/b-large"}
    assert [one.count for one in pieces] == [1, *[0] * (len(pieces) - 1)]
    assert [one.first for one in segments if one.kind == index.MEMBERS] == [b"0a1b/site", b"0a1b/site/c"]
    assert (unpacked(tmp_path) / "blog/0a1b/site/b-large").read_bytes() == content


# What is known of it

def test_the_list_holds_the_sha256_of_every_file(tmp_path, site, pack):
    make_odd(site)
    packed = pack()
    listed = {name: digest for digest, name in checksums.read(tmp_path / "list")}
    for name in ODD_NAMES:
        assert listed[b"0a1b/site/" + name] == hashlib.sha256(b"content of " + name).hexdigest()
    assert packed.files == len(listed) == len(ODD_NAMES) + 2


# A site that lives while it is packed

def with_a_big_first_file(site: Path, size: int = 4_000_000) -> Path:
    """Make a file that tar is still busy with when its first bytes arrive."""
    (site / "a-big").write_bytes(b"x" * size)
    return site / "a-big"


def test_a_file_that_vanishes_is_reported_and_the_rest_is_packed(tmp_path, site, pack):
    with_a_big_first_file(site)
    (site / "b-gone").touch()
    (site / "c-kept").touch()
    packed = pack(meanwhile=(site / "b-gone").unlink)
    assert packed.vanished == [str(site / "b-gone")]
    assert list(members(tmp_path)) == [b"blog/0a1b/site" + rest for rest in (b"", b"/a-big", b"/c-kept")]


def test_each_of_very_many_vanished_files_is_reported(site, pack):
    with_a_big_first_file(site)
    (site / "b-gone").mkdir()
    for number in range(300):
        (site / "b-gone" / f"{number:03}").touch()
    packed = pack(meanwhile=lambda: shutil.rmtree(site / "b-gone"))
    assert packed.vanished == [str(site / "b-gone"), *(str(site / "b-gone" / f"{number:03}") for number in range(300))]


def test_a_file_in_the_place_of_a_folder_is_packed_and_what_was_in_it_reported(tmp_path, site, pack):
    with_a_big_first_file(site)
    (site / "b").mkdir()
    (site / "b" / "in").touch()

    def replace():
        shutil.rmtree(site / "b")
        (site / "b").write_bytes(b"file")
    assert pack(meanwhile=replace).vanished == [str(site / "b" / "in")]
    assert (unpacked(tmp_path) / "blog/0a1b/site/b").read_bytes() == b"file"


def test_a_link_to_itself_in_the_place_of_a_folder_is_packed_and_what_was_in_it_reported(tmp_path, site, pack):
    with_a_big_first_file(site)
    (site / "b").mkdir()
    (site / "b" / "in").touch()

    def replace():
        shutil.rmtree(site / "b")
        (site / "b").symlink_to("b")
    assert pack(meanwhile=replace).vanished == [str(site / "b" / "in")]
    assert (unpacked(tmp_path) / "blog/0a1b/site/b").readlink() == Path("b")


def test_a_vanished_file_with_an_odd_name_is_reported_as_it_was(site, pack):
    with_a_big_first_file(site)
    gone = site / "b \u00e9\n\\ gone"
    gone.touch()
    assert pack(meanwhile=gone.unlink).vanished == [str(gone)]


def test_files_that_are_gone_when_tar_comes_and_there_again_afterwards_are_reported(site, pack, monkeypatch):
    """As logs are that are moved away and begun anew, whatever they are called."""
    with_a_big_first_file(site)
    moved = [os.path.join(os.fsencode(site), b"b" + name[:250]) for name in ODD_NAMES]
    for name in moved:
        open(name, "wb").close()
    real = Delivery.vanished

    def vanished(self):
        for name in moved:
            open(name, "wb").close()
        return real(self)
    monkeypatch.setattr(Delivery, "vanished", vanished)
    packed = pack(meanwhile=lambda: [os.unlink(name) for name in moved])
    assert sorted(packed.vanished) == sorted(map(os.fsdecode, moved))


@pytest.mark.parametrize(("call", "why"), [
    *((call, why) for call in ("stat", "open", "readlink") for why in ("No such file or directory", "Not a directory")),
    ("open", "Too many levels of symbolic links"), ("readlink", "Invalid argument")])
def test_a_file_that_goes_between_two_calls_of_tar_is_reported(site, pack, monkeypatch, call, why):
    tar = Tree.tar
    says = f'grep -zvx ./gone | "$@"; echo "tar: ./gone: Cannot {call}: {why}" >&2; exit 2'
    monkeypatch.setattr(Tree, "tar", lambda tree, *options: MANAGER.command(
        "sh", "-c", says, "sh", *tar(tree, *options).argv))
    (site / "gone").touch()
    (site / "kept").touch()
    assert pack().vanished == [str(site / "gone")]


def test_a_last_file_that_vanishes_is_reported(site, pack):
    with_a_big_first_file(site)
    (site / "z-gone").touch()
    assert pack(meanwhile=(site / "z-gone").unlink).vanished == [str(site / "z-gone")]


@pytest.mark.parametrize("size", [1_000_000, 0, 9_000_000])
def test_a_file_that_shrinks_or_grows_leaves_a_whole_archive_with_its_true_sha256(tmp_path, site, pack, size):
    big = with_a_big_first_file(site)
    (site / "b").write_bytes(b"after it")
    packed = pack(meanwhile=lambda: os.truncate(big, size))
    folder = unpacked(tmp_path) / "blog/0a1b/site"
    assert (folder / "b").read_bytes() == b"after it"
    assert os.path.getsize(folder / "a-big") == 4_000_000
    assert {name: digest for digest, name in checksums.read(tmp_path / "list")}[b"0a1b/site/a-big"] \
        == checksums.of_file(folder / "a-big")
    assert packed.vanished == []
    assert packed.torn == ([str(big)] if size < 4_000_000 else [])


def rewritten(big: Path) -> None:
    with open(big, "r+b") as file:
        file.write(b"y" * 4_000_000)


def test_a_file_that_is_rewritten_in_place_is_told_as_torn(site, pack):
    """Half of it is of before: its size tells nothing."""
    big = with_a_big_first_file(site)
    assert pack(meanwhile=lambda: rewritten(big)).torn == [str(big)]


def test_a_torn_file_with_an_odd_name_is_told_as_it_is(site, pack):
    with_a_big_first_file(site)
    odd = (site / "a-big").rename(site / "\u00e9\n\\ big")
    assert pack(meanwhile=lambda: rewritten(odd)).torn == [str(odd)]


def appended(big: Path) -> None:
    with open(big, "ab") as file:
        file.write(b"one line more")


@pytest.mark.parametrize("harmless", [appended, Path.unlink, lambda big: big.chmod(0o600),
                                      lambda big: big.rename(big.with_name("z.log.1")),
                                      lambda big: os.link(big, big.with_name("second name"))])
def test_a_log_that_grows_or_moves_and_a_file_that_gets_a_mode_or_a_name_are_whole(site, pack, harmless):
    big = with_a_big_first_file(site)
    os.utime(big, (1_000_000_000, 1_000_000_000))
    assert pack(meanwhile=lambda: harmless(big)).torn == []


def test_a_file_that_is_replaced_is_packed_as_it_is_then(tmp_path, site, pack):
    with_a_big_first_file(site)
    (site / "b").write_bytes(b"old")

    def replace():
        (site / "new").write_bytes(b"new")
        os.replace(site / "new", site / "b")
    pack(meanwhile=replace)
    assert (unpacked(tmp_path) / "blog/0a1b/site/b").read_bytes() == b"new"


# What must not pass

def test_a_file_that_cannot_be_read_is_fatal(site, pack, without_root_powers):
    (site / "closed").touch(mode=0o000)
    with pytest.raises(CommandError, match="closed: Cannot open: Permission denied"):
        pack()


def test_a_file_that_cannot_be_read_is_fatal_also_among_many_that_vanish(site, pack, without_root_powers):
    with_a_big_first_file(site)
    (site / "a-closed").touch(mode=0o000)
    (site / "b-gone").mkdir()
    for number in range(300):
        (site / "b-gone" / f"{number:03}").touch()
    with pytest.raises(CommandError, match="a-closed: Cannot open: Permission denied"):
        pack(meanwhile=lambda: shutil.rmtree(site / "b-gone"))


def saying(text: str):
    """Return what stands in for Tree.tar: it says this first, on stderr."""
    tar = Tree.tar

    def says(tree, *options):
        words = tar(tree, *options).argv
        return MANAGER.command("sh", "-c", f'echo "{text}" >&2; "$@"; exit $?', "sh", *words)
    return says


def test_a_disk_s_fault_is_fatal_also_among_many_files_that_vanish(site, pack, monkeypatch):
    """tar fills up with zeros what it cannot read: only its word tells of it."""
    monkeypatch.setattr(Tree, "tar", saying("tar: ./a: Read error at byte 0, while reading 512 bytes: "
                                            "Input/output error"))
    with_a_big_first_file(site)
    (site / "b-gone").mkdir()
    for number in range(300):
        (site / "b-gone" / f"{number:03}").touch()
    with pytest.raises(CommandError, match="./a: Read error"):
        pack(meanwhile=lambda: shutil.rmtree(site / "b-gone"))


def test_a_file_that_tar_leaves_out_without_a_word_is_fatal(site, pack, monkeypatch):
    tar = Tree.tar
    monkeypatch.setattr(Tree, "tar", lambda tree, *options: MANAGER.command(
        "sh", "-c", 'grep -zv skipped | "$@"', "sh", *tar(tree, *options).argv))
    (site / "a").touch()
    (site / "skipped").touch()
    with pytest.raises(ArchiveError, match="tar left out './skipped', which is there"):
        pack()


def test_what_others_say_besides_tar_is_no_fault(site, pack, monkeypatch):
    monkeypatch.setattr(Tree, "tar", saying("sh: warning: setlocale: cannot change locale (en_GB)"))
    with_a_big_first_file(site)
    (site / "b-gone").touch()
    assert pack(meanwhile=(site / "b-gone").unlink).vanished == [str(site / "b-gone")]


def test_a_folder_that_is_not_there_is_fatal(tmp_path, pack):
    with pytest.raises(CommandError, match="nowhere: No such file or directory"):
        pack(folders={"in/nowhere": tmp_path / "nowhere"})


def test_a_folder_that_goes_between_two_looks_is_fatal(site, pack, monkeypatch):
    (site / "file").touch()
    tar = Tree.tar

    def gone(tree, *options):
        shutil.rmtree(site)
        return tar(tree, *options)
    monkeypatch.setattr(Tree, "tar", gone)
    with pytest.raises(CommandError, match="Cannot open: No such file"):
        pack()


def test_a_full_disk_ends_the_packing(site, pack):
    with_a_big_first_file(site)

    def disk_full():
        raise OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space"):
        pack(meanwhile=disk_full)


def test_what_changed_just_now_is_not_trusted(site, pack):
    """It could change again without its times telling of it."""
    (site / "old").write_bytes(b"old")
    os.utime(site / "old", (1_000_000_000, 1_000_000_000))   # its ctime is of now
    assert [one.state for one in pack().segments] == [""]
