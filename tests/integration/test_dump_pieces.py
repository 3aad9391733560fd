"""A dump goes through packing in pieces: what comes out is the dump, and an unchanged piece is the one there was."""

import bz2
import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.database import programs
from scripts.database.digest import DumpDigest
from scripts.errors import CommandError, DatabaseError, Fault
from scripts.hosts import process
from scripts.steps import dumping, site
from scripts.steps.dumping import DumpedPieces
from scripts.steps.site import Site
from scripts.store import packing
from scripts.store.index import PIECE, Header, Segment, Totals, Writer, beside, read
from scripts.store.packing import Packer, Placed
from scripts.store.previous import Previous
from scripts.store.sizes import Sizes
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit

STATEMENTS = 4      # that the dump program makes of the table: where one ends may move when rows come or go before it
SMALL = {"bz2": Sizes(60_000, 12), "zst": Sizes(200_000, 14)}
BLOB_BYTES = 2 * 8 * 100_000    # as hexadecimal digits
MUCH = """
CREATE TABLE much (id INT PRIMARY KEY AUTO_INCREMENT, t TEXT, n INT AS (LENGTH(t) * 2) STORED,
    v INT AS (n + 1) VIRTUAL);
INSERT INTO much (t) SELECT CONCAT('it''s ),(\\n', REPEAT(MD5(seq), 1 + seq % 7)) FROM seq_1_to_20000;
CREATE TABLE blobs (id INT, b LONGBLOB);
INSERT INTO blobs VALUES (1, REPEAT(X'00FF27220A0D1A5C', 100000)), (2, NULL);
CREATE TRIGGER filled BEFORE INSERT ON blobs FOR EACH ROW SET NEW.id = NEW.id + 1;
CREATE VIEW seen AS SELECT id FROM much;
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def shop(lab: Lab) -> Iterator[Site]:
    """A site with some megabytes in its database."""
    kit = Toolkit(lab.folder / "kit", lab)
    instance, sample = kit.tiki("shop", web=False, files=20)
    lab.mariadb.sql(MUCH, sample.database)
    with site.opened(instance) as found:
        yield found


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(packing, "SIZES", SMALL)


def dumped(found: Site, scratch: Path, previous: Previous | None = None, packed_as: str = "bz2",
           **choices) -> DumpedPieces:
    scratch.mkdir()
    with Packer(packed_as, scratch, previous) as packer:
        return dumping.dump_through(packer, found, without_index=False, **choices)


def raw(placed: Placed, previous: Path | None = None) -> bytes:
    old = placed.old
    data = previous.read_bytes()[old.offset:old.end] if old else Path(placed.path).read_bytes()
    if data.startswith(b"BZh"):
        return bz2.decompress(data)
    return subprocess.run(["zstd", "-dqc"], input=data, capture_output=True, check=True).stdout


def archived(told: DumpedPieces, path: Path, previous: Path | None = None) -> Previous:
    """Make an archive of a dump alone, so that the next one can take pieces from it."""
    writer = Writer(beside(path), Header(path.name, "bz2", "shop", 0, ""))
    offset = 0
    with open(path, "wb") as file:
        for placed, tables in told.pieces:
            data = bz2.compress(raw(placed, previous))
            file.write(data)
            writer.add(Segment(PIECE, offset, len(data), hashlib.sha256(data).hexdigest(), placed.raw_length,
                               placed.raw_sha256, b"database_dump.sql", 0, tables=tables))
            offset += len(data)
    writer.finish(lambda count: Totals(offset, 0, count))
    assert read(beside(path))
    return Previous(path)


@pytest.mark.parametrize("packed_as", ["bz2", "zst"])
def test_the_pieces_make_up_the_very_dump_that_a_file_would_hold(shop, tmp_path, packed_as):
    told = dumped(shop, tmp_path / "scratch", packed_as=packed_as)
    plain = dumping.dump_into(tmp_path / "plain.sql", shop, without_index=False)
    text = (tmp_path / "plain.sql").read_bytes()
    assert b"".join(raw(placed) for placed, _ in told.pieces) == text + bytes(-len(text) % 512)
    assert (told.size_bytes, told.sha256) == (len(text), hashlib.sha256(text).hexdigest())
    assert (told.tables, told.consistency, told.left_out) == (plain.tables, plain.consistency, plain.left_out)
    assert told.tables["much"].rows == 20000
    assert len(told.pieces) > 10


def test_nothing_of_it_lies_on_the_disk_as_it_is(shop, tmp_path):
    dumped(shop, tmp_path / "scratch")
    for path in (tmp_path / "scratch").rglob("*"):
        assert not path.is_file() or b"INSERT INTO" not in path.read_bytes()


def test_an_unchanged_database_packs_nothing_and_reads_only_a_row_that_fills_pieces_again(shop, tmp_path, monkeypatch):
    first = dumped(shop, tmp_path / "one")
    read_again, feed = [], DumpDigest.feed
    with archived(first, tmp_path / "one.tar.bz2") as previous:
        monkeypatch.setattr(DumpDigest, "feed", lambda digest, text: (read_again.append(len(text)), feed(digest, text)))
        second = dumped(shop, tmp_path / "two", previous)
    assert BLOB_BYTES < sum(read_again) < BLOB_BYTES + 3 * SMALL["bz2"].most
    assert not [placed for placed, _ in second.pieces if placed.is_new]
    assert replace(second, moment=first.moment, pieces=[]) == replace(first, pieces=[])
    assert [note for _, note in second.pieces] == [note for _, note in first.pieces]


@pytest.mark.parametrize(("change", "most"), [
    ("UPDATE much SET t = UPPER(t) WHERE id = 9000", 2),
    ("DELETE FROM much WHERE id = 5000", 2 + STATEMENTS),
    ("INSERT INTO much (t) VALUES ('one more')", 3),    # what makes the table has the next number in it
    ("UPDATE tiki_preferences SET value = 'new' WHERE name = 'browsertitle'", 2)])
def test_a_changed_row_packs_few_pieces(lab, shop, tmp_path, change, most):
    first = dumped(shop, tmp_path / "one")
    with archived(first, tmp_path / "one.tar.bz2") as previous:
        lab.mariadb.sql(change, shop.account.name)
        second = dumped(shop, tmp_path / "two", previous)
        assert 1 <= sum(placed.is_new for placed, _ in second.pieces) <= most
        plain = dumping.dump_into(tmp_path / "plain.sql", shop, without_index=False)
        text = (tmp_path / "plain.sql").read_bytes()
        pieces = b"".join(raw(placed, previous.path) for placed, _ in second.pieces)
    assert pieces == text + bytes(-len(text) % 512)
    assert second.tables == plain.tables


def test_what_was_noted_counts_for_nothing_where_all_is_to_be_read(shop, tmp_path):
    first = dumped(shop, tmp_path / "one")
    wrong = replace(first, pieces=[(placed, {**note, "tables": {}}) for placed, note in first.pieces])
    with archived(wrong, tmp_path / "one.tar.bz2") as previous:
        assert dumped(shop, tmp_path / "two", previous, is_read_anew=True).tables == first.tables


@pytest.fixture
def shim(tmp_path, monkeypatch) -> Iterator[Callable[[str, str], None]]:
    """Put a program before the others of its name."""
    def shim(name: str, text: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{text}\n")
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        programs.forget()
    yield shim
    programs.forget()


@pytest.mark.parametrize(("program", "text", "told"), [
    ("mariadb-dump", 'mariadb-dump "$@" | head -c 500000; exit 0', "ended early"),
    ("mariadb-dump", 'mariadb-dump "$@" | head -c 500000; echo "mariadb-dump: Got error: 2013: gone" >&2; exit 3',
     "2013"),
    ("mariadb-dump", 'case $* in *--help*) exec mariadb-dump "$@";; esac; kill -9 $$', "signal 9"),
    ("lbzip2", "exit 1", "lbzip2"), ("lbzip2", "kill -9 $$", "lbzip2")])
def test_what_breaks_on_either_side_ends_the_other_and_leaves_nothing(shop, tmp_path, shim, program, text, told):
    shim(program, text)
    before = process_names()
    with pytest.raises((CommandError, DatabaseError, Fault), match=told):
        dumped(shop, tmp_path / "scratch")
    assert process_names() <= before
    assert not list(tmp_path.glob("*.tar*"))


def process_names() -> set[str]:
    """Return the programs that this process runs."""
    found = subprocess.run(["ps", "-o", "comm=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return set(found.stdout.split()) - {"ps"}


def test_a_dry_run_starts_no_dump(shop, tmp_path, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(process.conduct, "dry_run", True)
    monkeypatch.setattr(process.conduct, "on_dry", shown.append)
    with pytest.raises(DatabaseError, match="ended early"):
        dumped(shop, tmp_path / "scratch")
    assert ["mariadb-dump" in line for line in shown] == [True]
