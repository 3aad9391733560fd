"""Thirty rounds of whatever happens to a site, an archive after each: whoever reads it finds what is there."""

import hashlib
import os
import random
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from scripts.store import checksums, index, walk
from tests.unit.written import Archives, describe, grow, use_small_segments

ROUNDS = {"bz2": 30, "zst": 12}
READERS = {"bz2": [["bzip2", "-t"], ["lbzip2", "-t"], ["tar", "tjf"]], "zst": [["zstd", "-q", "-t"], ["tar", "tf"]]}
ODD = [b"two words", b"-rf", b"--checkpoint=1", b"line\nbreak", b"it's", b"$HOME", b"*", b"\\n", b"caf\xe9",
       b"\xff\xfe",
       b"n" * 200, b" ", b"\r", b"a&b", b"[x]", b"\\", b"@LongLink"]


class Site:
    """A folder to which things happen."""

    def __init__(self, top: Path, seed: int) -> None:
        self.top, self._chance = top, random.Random(seed)
        grow(top, [f"{folder}/{number:02}" for folder in "abcd" for number in range(14)], 2500)
        self.grow_large(top / "b/large")

    def files(self) -> list[Path]:
        return [path for path in sorted(self.top.rglob("*")) if path.is_file() and not path.is_symlink()]

    def folders(self) -> list[Path]:
        return [path for path in sorted(self.top.rglob("*")) if path.is_dir() and not path.is_symlink()]

    def change(self) -> list[str]:
        happens = [self.add, self.add, self.add_folder, self.remove, self.remove_folder, self.rename, self.truncate,
                   self.append, self.overwrite, self.chmod, self.link, self.hard_link, self.replace, self.touch,
                   self.fifo, self.swap, self.append_to_large]
        chosen = self._chance.choices(happens, k=self._chance.randint(0, 4))
        for one in chosen:
            one()
        return [one.__name__ for one in chosen]

    def add(self) -> None:
        (self.new(self.folder())).write_bytes(self.bytes(self._chance.choice([0, 1, 511, 512, 513, 4000, 30_000])))

    def add_folder(self) -> None:
        place = self.new(self.folder())
        place.mkdir(exist_ok=True)
        if place.is_dir():
            for _ in range(3):
                self.new(place).write_bytes(self.bytes(2000))

    def remove(self) -> None:
        self.file().unlink()

    def remove_folder(self) -> None:
        if len(self.folders()) > 5:
            shutil.rmtree(self.folder())

    def rename(self) -> None:
        self.file().rename(self.new(self.folder()))

    def truncate(self) -> None:
        place = self.file()
        os.truncate(place, place.stat().st_size // 2)

    def append(self) -> None:
        with open(self.file(), "ab") as file:
            file.write(self.bytes(700))

    def overwrite(self) -> None:
        place = self.file()
        place.write_bytes(self.bytes(place.stat().st_size))

    def chmod(self) -> None:
        self._chance.choice([*self.files(), *self.folders()]).chmod(self._chance.choice([0o755, 0o700, 0o751, 0o6755]))

    def link(self) -> None:
        place = self.new(self.folder())
        if not os.path.lexists(place):
            os.symlink(self._chance.choice(["nowhere", ".", "../x", "/etc/passwd", "l" * 300]), place)

    def hard_link(self) -> None:
        place = self.new(self.folder())
        if not os.path.lexists(place):
            os.link(self.file(), place)

    def replace(self) -> None:
        place = self.file()
        beside = place.with_name("beside")
        beside.write_bytes(self.bytes(1500))
        beside.rename(place)

    def touch(self) -> None:
        os.utime(self.file(), (self._chance.randrange(2_000_000_000),) * 2)

    def fifo(self) -> None:
        place = self.new(self.folder())
        if not os.path.lexists(place):
            os.mkfifo(place)

    def swap(self) -> None:
        one, two = self.file(), self.file()
        between = one.with_name("between")
        one.rename(between)
        if two != one:
            two.rename(one)
        between.rename(two)

    def append_to_large(self) -> None:
        place = self.top / "b/large"
        place.parent.mkdir(exist_ok=True)
        if not place.is_file():
            self.grow_large(place)
        with open(place, "ab") as file:
            file.write(self.bytes(5000))

    def grow_large(self, place: Path) -> None:
        place.write_bytes(self.bytes(150_000))

    def file(self) -> Path:
        return self._chance.choice(self.files())

    def folder(self) -> Path:
        return self._chance.choice(self.folders())

    def new(self, folder: Path) -> Path:
        """Return a path in a folder; what may be there already is a file."""
        name = self._chance.choice(ODD) if self._chance.random() < 0.3 else b"%04x" % self._chance.randrange(65536)
        place = folder / os.fsdecode(name)
        return folder / "free" if place.is_dir() or os.path.islink(place) or _is_fifo(place) else place

    def bytes(self, size: int) -> bytes:
        return self._chance.randbytes(size)


def _is_fifo(place: Path) -> bool:
    return os.path.lexists(place) and stat.S_ISFIFO(os.lstat(place).st_mode)


@pytest.mark.parametrize("packed_as", ROUNDS)
def test_after_every_round_the_archive_is_what_is_there(tmp_path, monkeypatch, packed_as):
    use_small_segments(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)   # a hundred of them are all that takes time here
    site = Site(tmp_path / "site", seed=8)
    archives = Archives(tmp_path / "archives", [site.top], packed_as)
    history, copied, packed = [], 0, 0
    for number in range(ROUNDS[packed_as]):
        history.append(site.change() if number else [])
        written = archives.write(trusts=number % 10 < 9)
        copied, packed = copied + written.counts.segments_copied, packed + written.counts.segments_packed
        top = written.extracted(tmp_path / "extracted")
        assert describe(top / archives.parts[0].folder) == describe(site.top), history
        assert checksums.differences(top) == [], history
        assert_every_reader_takes_it(written.path)
        assert_index_is_true(written, archives, site.top)
    assert copied > packed


def assert_every_reader_takes_it(path: Path) -> None:
    bsdtar = [["bsdtar", "-tf"]] if shutil.which("bsdtar") else []
    for command in READERS[path.suffix[1:]] + bsdtar:
        subprocess.run([*command, path], check=True, capture_output=True)
    if path.suffix == ".bz2":
        with tarfile.open(path, encoding="utf-8", errors="surrogateescape") as tar:
            assert len(tar.getmembers()) > 50


def assert_index_is_true(written, archives: Archives, top: Path) -> None:
    """Compare what the index says of the tree with what is there, and each segment's sums with its bytes."""
    found, inside = written.index, os.fsencode(archives.parts[0].folder)
    told = [one for segment in found.segments for one in found.members(segment)]
    listed = [one for one in told if one.path.startswith(inside)]
    assert [one._replace(sha256="") for one in listed] == list(index.parsed(b"".join(walk.texts(str(top), inside))))
    for one in listed:
        if one.kind == walk.FILE:
            assert one.sha256 == checksums.of_file(os.fsencode(top) + one.path.removeprefix(inside))
    whole = written.path.read_bytes()
    assert all(hashlib.sha256(whole[one.offset:one.end]).hexdigest() == one.sha256 for one in found.segments)
